import { imageIdOf } from '../../core/image.ts';
import type { Bytes, Catalogue, ImageCodec } from '../../core/ports.ts';
import type { ImageRecord } from '../../core/record.ts';
import { contentTypes, presetsFor, type Rendition, renditionKey, renditionSize } from '../../core/rendition.ts';
import type { Clock, RenditionReader, Uploader } from '../../core/watch/ports.ts';
import type { ProbePorts } from '../../core/watch/probe-pipeline.ts';
import { examplePresets } from './example-presets.ts';
import { photoHeader, photoPortrait } from './stub-image-codec.ts';

interface StoredRendition {
  readonly bytes: Bytes;
  readonly contentType: string | undefined;
}

const SEQUENCER = '0'.repeat(32);
const BUCKET = 'uploads';

/**
 * The whole pipeline as its users see it, on a clock that only moves during sleep. It works correctly unless a test sets
 * what goes wrong.
 */
export class InMemoryPipeline {
  readonly uploads = new Map<string, Bytes>();
  readonly removals: string[] = [];
  readonly stored = new Map<string, StoredRendition>();
  /** Time until the record exists, and until a deletion has taken effect. */
  readyAfterMillis = 2_000;
  removedAfterMillis = 1_000;
  /** Replaces the correct record. */
  record: (right: Extract<ImageRecord, { outcome: 'processed' }>) => ImageRecord = (right) => right;
  /** Replaces the correct file. */
  file: (rendition: Rendition, right: StoredRendition) => StoredRendition | undefined = (_, right) => right;
  /** Whether a deletion completes: tombstone, renditions, event. */
  finishesRemovals = true;
  /** False on the emulator, whose S3 events carry no version id. */
  knowsVersions = true;
  uploadFails: Error | undefined;
  lookFails: Error | undefined;

  // Only differences are meaningful.
  private millis = 1_000;
  private readonly due: { readonly at: number; readonly imageId: string; readonly record: ImageRecord }[] = [];

  get ports(): ProbePorts {
    return {
      uploader: this.uploader,
      catalogue: this.catalogue,
      publishedRenditions: this.reader,
      codec: this.codec,
      clock: this.clock,
    };
  }

  private readonly clock: Clock = {
    now: () => this.millis,
    sleep: async (millis) => {
      this.millis += millis;
    },
  };

  private readonly uploader: Uploader = {
    bucket: BUCKET,
    put: async (key, bytes) => {
      if (this.uploadFails) throw this.uploadFails;
      this.uploads.set(key, bytes);
      const imageId = await imageIdOf(BUCKET, key);
      const sent = { etag: `etag of ${key}`, versionId: `version of ${key}` };
      const record = this.record({
        ...this.commonFields(imageId, key, this.knowsVersions ? sent.versionId : sent.etag),
        outcome: 'processed',
        metadata: { ...photoHeader, ...photoPortrait, bytes: bytes.byteLength, sha256: '0'.repeat(64) },
        renditions: this.render(imageId),
      });
      this.due.push({ at: this.millis + this.readyAfterMillis, imageId, record });
      return sent;
    },
    remove: async (key) => {
      this.removals.push(key);
      this.uploads.delete(key);
      const imageId = await imageIdOf(BUCKET, key);
      const record: ImageRecord = {
        ...this.commonFields(imageId, key, 'none'),
        outcome: 'deleted',
        announced: this.finishesRemovals,
        expiresAt: 1,
      };
      this.due.push({ at: this.millis + this.removedAfterMillis, imageId, record });
    },
  };

  private readonly catalogue: Catalogue = {
    find: async (imageId) => {
      if (this.lookFails) throw this.lookFails;
      return this.due.filter((entry) => entry.imageId === imageId && entry.at <= this.millis).at(-1)?.record;
    },
  };

  private readonly reader: RenditionReader = {
    read: async (key) => {
      const found = this.stored.get(key);
      return found === undefined ? { outcome: 'denied', message: 'AccessDenied' } : { outcome: 'found', ...found };
    },
  };

  /** The bytes of a file describe it: `webp 320 240`. */
  private readonly codec: ImageCodec = {
    open: async (bytes) => {
      const [, format, width, height] = /^(webp|avif|jpeg) (\d+) (\d+)/.exec(new TextDecoder().decode(bytes)) ?? [];
      if (format !== 'webp' && format !== 'avif' && format !== 'jpeg') {
        return { outcome: 'rejected', reason: 'corrupt', message: 'It is damaged.' };
      }
      return {
        outcome: 'open',
        header: { ...photoHeader, orientation: 1, format, width: Number(width), height: Number(height) },
        portray: notUsed,
        render: notUsed,
      };
    },
  };

  private commonFields(imageId: string, key: string, version: string) {
    const at = '2026-01-02T03:04:05Z';
    const names = { imageId, bucket: BUCKET, key, version, sequencer: SEQUENCER, correlationId: 'correlation-1' };
    return { ...names, occurredAt: at, recordedAt: at, announced: true };
  }

  private render(imageId: string): Rendition[] {
    return presetsFor(photoHeader, examplePresets).map((preset) => {
      const { width, height } = renditionSize(photoHeader, preset);
      const bytes = imageBytes(preset.format, width, height);
      const contentType = contentTypes[preset.format];
      const key = renditionKey(imageId, SEQUENCER, preset);
      const rendition = { preset: preset.name, key, contentType, width, height, bytes: bytes.byteLength };
      const file = this.file(rendition, { bytes, contentType });
      if (file !== undefined) this.stored.set(key, file);
      return rendition;
    });
  }
}

async function notUsed(): Promise<never> {
  throw new Error('The probe reads only headers.');
}

export function imageBytes(format: string, width: number, height: number): Bytes {
  return new TextEncoder().encode(`${format} ${width} ${height}`);
}
