/** One small file for each reason to reject it, made here: a clone that has deleted test/ can verify its stack, too. */
import { crc32, deflateSync } from 'node:zlib';
import type { StorageClass } from '@aws-sdk/client-s3';
import { defaultLimits } from '../../core/limits.ts';
import { type RejectionReason, rejectionReasons } from '../../core/outcome.ts';

export interface RejectedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** One that the bucket refuses before the pipeline could reject the file. */
  readonly refusedClass?: StorageClass;
}

/** Only GuardDuty finds malware, minutes after an upload, and only where it is switched on. */
const foundByOthers = 'malware' satisfies RejectionReason;
export type SentReason = Exclude<RejectionReason, typeof foundByOthers>;
export const sentReasons: readonly SentReason[] = rejectionReasons.filter((reason) => reason !== foundByOthers);

/** Functions, because one file is large. A reason without a file does not compile. */
export const rejectedFiles: Readonly<Record<SentReason, () => RejectedFile>> = {
  empty: () => ({ bytes: new Uint8Array() }),
  // The size is the reason, so this one cannot be small.
  'too-many-bytes': () => ({ bytes: new Uint8Array(defaultLimits.bytes + 1) }),
  'too-many-pixels': () => ({ bytes: png({ width: 40_000, height: 40_000 }) }),
  'too-many-frames': () => ({ bytes: gif(defaultLimits.frames + 1) }),
  'too-complex': () => ({ bytes: png({ width: 1, height: 1, texts: defaultLimits.work.compressedTexts + 1 }) }),
  'unsupported-format': () => ({ bytes: bytesOf('This is a text, not an image.\n') }),
  unreadable: () => ({ bytes: png({ width: 1, height: 1 }), refusedClass: 'DEEP_ARCHIVE' }),
  corrupt: () => ({ bytes: png({ width: 100, height: 100, pixels: bytesOf('These are no compressed pixels.') }) }),
};

interface Png {
  readonly width: number;
  readonly height: number;
  readonly texts?: number;
  /** As stored; by default, one grey pixel. */
  readonly pixels?: Uint8Array;
}

/** 8 bits of grey. https://www.w3.org/TR/png-3/ */
function png({ width, height, texts = 0, pixels = deflateSync(Uint8Array.of(0, 128)) }: Png): Uint8Array<ArrayBuffer> {
  const header = join(u32(width), u32(height), Uint8Array.of(8, 0, 0, 0, 0));
  const text = chunk('zTXt', join(bytesOf('Comment\0\0'), deflateSync('A text')));
  return join(
    ...[Uint8Array.of(0x89), bytesOf('PNG\r\n'), Uint8Array.of(0x1a, 0x0a)],
    chunk('IHDR', header),
    ...Array.from({ length: texts }, () => text),
    ...[chunk('IDAT', pixels), chunk('IEND', new Uint8Array())],
  );
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = join(bytesOf(type), data);
  return join(u32(data.length), body, u32(crc32(body)));
}

/** One pixel in two colours, again and again. https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
function gif(frames: number): Uint8Array<ArrayBuffer> {
  const screen = Uint8Array.of(1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255);
  const frame = Uint8Array.of(0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0);
  return join(bytesOf('GIF89a'), screen, ...Array.from({ length: frames }, () => frame), bytesOf(';'));
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts));
}
