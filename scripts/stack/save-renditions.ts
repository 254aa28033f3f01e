import { createWriteStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, NoSuchKey } from '@aws-sdk/client-s3';
import type { ImageRecord } from '../../core/record.ts';
import type { Rendition } from '../../core/rendition.ts';
import { Failure } from '../terminal/failure.ts';
import { readRecords } from './follow.ts';
import type { UploadResult } from './send-uploads.ts';
import type { Stack } from './stack.ts';

export interface SavedRendition extends Rendition {
  /** Absolute. */
  readonly file: string;
}

/** By the upload's key. */
export type SavedRenditions = ReadonlyMap<string, readonly SavedRendition[]>;

/** Downloads the renditions of all results into a directory, as `<image id>/<preset>.<extension>`. */
export async function saveRenditions(
  results: readonly UploadResult[],
  stack: Stack,
  directory: string,
): Promise<SavedRenditions> {
  const saved = new Map<string, readonly SavedRendition[]>();
  for (const { key, record } of results) {
    if (record?.outcome === 'processed') saved.set(key, await saveAll(record, stack, directory));
  }
  return saved;
}

/** If the image was uploaded again in the meantime, saves the renditions of its current record. */
async function saveAll(record: ImageRecord, stack: Stack, directory: string): Promise<readonly SavedRendition[]> {
  if (record.outcome !== 'processed') return [];
  const attempts = await Promise.allSettled(
    record.renditions.map((rendition) => save(rendition, stack, join(directory, record.imageId))),
  );
  const failed = attempts.find((each) => each.status === 'rejected');
  if (failed === undefined) return attempts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const current = failed.reason instanceof NoSuchKey ? await readRecords(stack, [record.imageId]) : undefined;
  const now = current?.get(record.imageId);
  if (now === undefined || now.sequencer === record.sequencer) throw failed.reason;
  return saveAll(now, stack, directory);
}

async function save(rendition: Rendition, { clients, outputs }: Stack, directory: string): Promise<SavedRendition> {
  const file = join(directory, `${rendition.preset}${extname(rendition.key)}`);
  await mkdir(directory, { recursive: true });
  const { Body } = await clients.s3.send(
    new GetObjectCommand({ Bucket: outputs.RenditionBucketName, Key: rendition.key }),
  );
  if (!(Body instanceof Readable))
    throw new Failure(`The rendition ${rendition.key} has no content: send its upload again.`);
  await pipeline(Body, createWriteStream(file));
  return { ...rendition, file };
}

/** Copies the files to the names of their uploads: `<key>/<preset>.<extension>`. */
export async function copyRenditions(saved: SavedRenditions, directory: string): Promise<SavedRenditions> {
  const copies = new Map<string, readonly SavedRendition[]>();
  for (const [key, renditions] of saved) {
    await mkdir(join(directory, key), { recursive: true });
    const copied = renditions.map(async (rendition) => {
      const file = join(directory, key, `${rendition.preset}${extname(rendition.file)}`);
      await copyFile(rendition.file, file);
      return { ...rendition, file };
    });
    copies.set(key, await Promise.all(copied));
  }
  return copies;
}
