/**
 * Runs a worker's own code on one upload after another: one line of JSON in, one line out (line-worker.ts).
 *
 *     node lab/bench/upload-worker.ts <threads of libvips>
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import * as z from 'zod';
import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { s3UploadReader } from '../../adapters/aws/s3-upload-reader.ts';
import { encoder } from '../../adapters/sharp/pyramid.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { extractMetadata } from '../../core/extract-metadata.ts';
import type { Upload } from '../../core/image.ts';
import type { ImageTask } from '../../core/image-task.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { Bytes } from '../../core/ports.ts';
import { allPresets, type Preset, renditionGroups } from '../../core/presets.ts';
import { presetsFor, type Rendition, renditionSize, type Size } from '../../core/rendition.ts';
import { resizeImage } from '../../core/resize-image.ts';
import { InMemoryRenditionStore } from '../../test/support/in-memory-rendition-store.ts';
import { InMemoryUploadStore } from '../../test/support/in-memory-upload-store.ts';
import { openImage } from '../../test/support/open-image.ts';
import { costOf } from './measure.ts';
import { referenceJob } from './reference-job.ts';

/**
 * `metadata` or a group's name, with stores in memory. After `s3:`, only what that job reads and writes. `separate` and `naive`
 * make each rendition from its own decode, with our encoder settings or sharp's defaults. `reference` is reference-job.ts.
 */
const question = z.object({ name: z.string(), file: z.string(), job: z.string() });

const [threads = '1'] = process.argv.slice(2);
const codec = sharpImageCodec();
const client = s3Client();
const s3 = {
  uploadReader: s3UploadReader({ client }),
  renditionStore: s3RenditionStore({ client, bucket: 'renditions' }),
};
sharp.concurrency(Number(threads));

async function answer(name: string, bytes: Bytes, job: string) {
  if (job === 'reference') return costOf(referenceJob);
  if (job === 'separate' || job === 'naive') {
    const presets = await presetsOf(bytes);
    return costOf(() => eachAlone(bytes, presets, job === 'naive' ? withDefaults : encoder));
  }
  const task = taskFor(name, bytes);
  const ports = inMemory(task.image, bytes);
  const resize = async (group: string) =>
    processed(await resizeImage({ ...task, group }, ports, renditionGroups)).renditions;
  const [kind, step = kind] = job.split(':');
  if (kind === 's3') {
    if (step !== 'metadata') await resize(step ?? '');
    return costOf(() => throughS3(task.image, ports.renditionStore.objects));
  }
  if (step === 'metadata') {
    return costOf(async () => processed(await extractMetadata(task, ports, { keepLocation: false })));
  }
  let renditions: readonly Rendition[] = [];
  const cost = await costOf(async () => {
    renditions = await resize(job);
  });
  return { ...cost, renditions: renditions.map(({ preset, bytes }) => ({ preset, bytes })) };
}

async function throughS3(image: Upload, renditions: InMemoryRenditionStore['objects']): Promise<void> {
  await s3.uploadReader.read(image);
  await Promise.all(
    [...renditions].map(([key, { bytes, contentType }]) => s3.renditionStore.put(key, bytes, contentType)),
  );
}

function processed<Result extends { readonly outcome: string }>(result: Result) {
  if (!isProcessed(result)) throw new Error(`The upload ended as ${result.outcome}.`);
  return result;
}

function isProcessed<Result extends { readonly outcome: string }>(
  result: Result,
): result is Extract<Result, { readonly outcome: 'processed' }> {
  return result.outcome === 'processed';
}

function taskFor(name: string, bytes: Bytes): ImageTask {
  const image = {
    ...{ bucket: 'uploads', key: name, imageId: '0'.repeat(32), sequencer: '0'.repeat(32) },
    ...{ versionId: '1', etag: '1', size: bytes.byteLength },
  };
  return { correlationId: 'bench', image };
}

function inMemory(image: Upload, bytes: Bytes) {
  const uploads = new InMemoryUploadStore();
  uploads.put(image, bytes);
  return { uploadReader: uploads, codec, limits: defaultLimits, renditionStore: new InMemoryRenditionStore() };
}

type Sized = { readonly preset: Preset; readonly size: Size };

async function presetsOf(bytes: Bytes): Promise<readonly Sized[]> {
  const { header } = await openImage(codec, bytes);
  return presetsFor(header, allPresets).map((preset) => ({ preset, size: renditionSize(header, preset) }));
}

async function eachAlone(bytes: Bytes, presets: readonly Sized[], encode: typeof encoder): Promise<void> {
  for (const { preset, size } of presets) {
    await encode(sharp(bytes).autoOrient().resize(size), preset).toBuffer();
  }
}

const withDefaults: typeof encoder = (picture, { format, quality }) => picture.toFormat(format, { quality });

for await (const line of createInterface({ input: process.stdin })) {
  const { name, file, job } = question.parse(JSON.parse(line));
  const given = await answer(name, new Uint8Array(readFileSync(file)), job);
  process.stdout.write(`${JSON.stringify(given)}\n`);
}
