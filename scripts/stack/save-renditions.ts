import { createWriteStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import type { ImageRecord } from '../../core/record.ts';
import type { Rendition } from '../../core/rendition.ts';
import { output } from '../local/deploy.ts';
import { clientConfig } from '../local/emulator.ts';
import { Failure } from '../terminal/failure.ts';
import type { Destination, UploadResult } from './send-uploads.ts';
import { stackCatalogue } from './stack-catalogue.ts';

export interface SavedRendition extends Rendition {
  /** Absolute. */
  readonly file: string;
}

/** By the upload's key. */
export type SavedRenditions = ReadonlyMap<string, readonly SavedRendition[]>;

/** Fetches the renditions of all results into a directory, as `<image id>/<preset>.<extension>`. */
export async function saveRenditions(
  results: readonly UploadResult[],
  { address, outputs }: Destination,
  directory: string,
): Promise<SavedRenditions> {
  const s3 = new S3Client({ ...clientConfig(address), forcePathStyle: true });
  const dynamoDb = new DynamoDBClient(clientConfig(address));
  const catalogue = stackCatalogue(dynamoDb, outputs);
  const bucket = output(outputs, 'RenditionBucketName');
  const save = async (rendition: Rendition, imageId: string): Promise<SavedRendition> => {
    const file = join(directory, imageId, `${rendition.preset}${extname(rendition.key)}`);
    await mkdir(dirname(file), { recursive: true });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: rendition.key }));
    if (!(Body instanceof Readable))
      throw new Failure(`The rendition ${rendition.key} has no content: send its upload again.`);
    await pipeline(Body, createWriteStream(file));
    return { ...rendition, file };
  };
  /** Of an image that was uploaded again meanwhile: those of its record as it is now. */
  const saveAll = async (record: ImageRecord): Promise<readonly SavedRendition[]> => {
    if (record.outcome !== 'processed') return [];
    const tried = await Promise.allSettled(record.renditions.map((rendition) => save(rendition, record.imageId)));
    const failed = tried.find((each) => each.status === 'rejected');
    if (failed === undefined) return tried.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const now = failed.reason instanceof NoSuchKey ? await catalogue.find(record.imageId) : undefined;
    if (now === undefined || now.sequencer === record.sequencer) throw failed.reason;
    return saveAll(now);
  };
  try {
    const saved = new Map<string, readonly SavedRendition[]>();
    for (const { key, record } of results) {
      if (record?.outcome === 'processed') saved.set(key, await saveAll(record));
    }
    return saved;
  } finally {
    s3.destroy();
    dynamoDb.destroy();
  }
}

/** The same files under the names of the uploads: `<key>/<preset>.<extension>`. */
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
