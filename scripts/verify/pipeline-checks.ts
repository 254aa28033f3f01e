/** Checks that send uploads through the pipeline. */
import { S3ServiceException } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { s3RenditionReader } from '../../adapters/aws/s3-rendition-reader.ts';
import { allPresets } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { contentTypes, presetsFor, type Rendition, renditionSize } from '../../core/rendition.ts';
import type { KnownImage, RenditionReader } from '../../core/watch/ports.ts';
import { describeFailure } from '../terminal/failure.ts';
import { rejectedFiles, type SentReason, sentReasons } from './rejected-files.ts';
import { decided, deleteUpload, deletionDecided, upload, uprightImage } from './uploads.ts';
import type { Finding, Verification } from './verification.ts';

const concurrentUploads = 4;

/** Uploads, overwrites and deletes a known picture. */
export async function checkPicture(verification: Verification): Promise<Finding> {
  const { stack } = verification;
  const reader = s3RenditionReader({ client: stack.clients.s3, bucket: stack.outputs.RenditionBucketName });
  const name = 'picture.jpg';

  const first = await decided(verification, await upload(verification, name, knownImage.bytes));
  const faults = await renditionFaults(first, knownImage, reader);
  const sent = await upload(verification, name, uprightImage.bytes);
  const second = await decided(verification, sent);
  faults.push(...(await renditionFaults(second, uprightImage, reader)));
  faults.push(...(await removalFaults(renditionsOf(first), 'The overwrite', reader)));
  await deleteUpload(verification, sent.key);
  await deletionDecided(verification, sent.imageId);
  faults.push(...(await removalFaults(renditionsOf(second), 'The deletion', reader)));
  return { faults, seen: `renditions: ${renditionsOf(first).length + renditionsOf(second).length}` };
}

async function renditionFaults(record: ImageRecord, image: KnownImage, reader: RenditionReader): Promise<string[]> {
  if (record.outcome !== 'processed') return [`The known picture ended ${described(record)}.`];
  const presets = presetsFor(image.header, allPresets);
  const faults = presets.map(async (preset) => {
    const found = record.renditions.find((one) => one.preset === preset.name);
    if (found === undefined) return `The record lists no ${preset.name}: is this the commit that is deployed?`;
    const { width, height } = renditionSize(image.header, preset);
    const file = await reader.read(found.key);
    if (file.outcome !== 'found') return `${found.key} cannot be read (${file.message}).`;
    const expected = [contentTypes[preset.format], `${width} × ${height}`, found.bytes].join(', ');
    const actual = [file.contentType, `${found.width} × ${found.height}`, file.bytes.length].join(', ');
    return actual === expected ? [] : `${found.key} is ${actual} bytes instead of ${expected}.`;
  });
  return (await Promise.all(faults)).flat();
}

async function removalFaults(removed: readonly Rendition[], by: string, reader: RenditionReader): Promise<string[]> {
  const files = await Promise.all(removed.map(({ key }) => reader.read(key)));
  const left = files.filter(({ outcome }) => outcome === 'found').length;
  return left === 0 ? [] : [`${by} left ${left} renditions behind.`];
}

function renditionsOf(record: ImageRecord): readonly Rendition[] {
  return record.outcome === 'processed' ? record.renditions : [];
}

/** Sends a file for each reason to reject one. */
export async function checkRejections(verification: Verification): Promise<Finding> {
  // A file that fails must not end the check while others are being sent.
  const faultsOf = (reason: SentReason) =>
    rejectionFaults(verification, reason).catch((error: unknown) => [`${reason}: ${describeFailure(error)}`]);
  const faults = await pMap(sentReasons, faultsOf, { concurrency: concurrentUploads });
  return { faults: faults.flat(), seen: `reasons: ${sentReasons.length}` };
}

async function rejectionFaults(verification: Verification, reason: SentReason): Promise<string[]> {
  const { bytes, refusedClass } = rejectedFiles[reason]();
  try {
    const sent = await upload(verification, reason, bytes, refusedClass);
    // The emulator's bucket does not refuse it, so that the pipeline has to.
    if (refusedClass !== undefined && !verification.stack.emulated)
      return [`The upload bucket accepts the storage class ${refusedClass}, which workers cannot read.`];
    const record = await decided(verification, sent);
    if (record.outcome === 'rejected' && record.reason === reason) return [];
    return [`The file that should be rejected as ${reason} ended ${described(record)}.`];
  } catch (error) {
    if (refusedClass !== undefined && isRefusal(error)) return [];
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof S3ServiceException && error.name === 'AccessDenied';
}

function described(record: ImageRecord): string {
  switch (record.outcome) {
    case 'rejected':
      return `rejected as ${record.reason} (${record.message})`;
    case 'failed':
      return `failed (${record.message})`;
    case 'processed':
    case 'deleted':
      return record.outcome;
  }
}
