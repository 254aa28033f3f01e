import { type ImageId, imageIdOf } from '../image.ts';
import type { ImageHeader } from '../metadata.ts';
import { probePrefix } from '../names.ts';
import type { Catalogue, ImageCodec } from '../ports.ts';
import type { Preset, RenditionGroup } from '../presets.ts';
import type { ImageRecord } from '../record.ts';
import { contentTypes, presetsFor, type Rendition, renditionSize, type Size } from '../rendition.ts';
import type { Clock, KnownImage, RenditionReader, SentUpload, Uploader } from './ports.ts';

/**
 * Also the precision of the measured time. Each poll costs one small read.
 *
 * @lab
 */
export const POLL_INTERVAL_MILLIS = 250;

export interface ProbePorts {
  readonly uploader: Uploader;
  readonly catalogue: Catalogue;
  readonly publishedRenditions: RenditionReader;
  readonly codec: ImageCodec;
  readonly clock: Clock;
}

/** What a user would observe; docs/runbooks/probe-pipeline.md explains each. */
type ProbeFailure =
  | 'late'
  | 'rejected'
  | 'failed'
  | 'deleted'
  | 'missing-rendition'
  | 'wrong-rendition'
  | 'not-removed';

export type ProbeVerdict = {
  readonly key: string;
  readonly imageId: ImageId;
  /** From the record, if there is one: finds everything that the pipeline logged about this probe. */
  readonly correlationId?: string | undefined;
} & (
  | { readonly verdict: 'healthy'; readonly readyMillis: number }
  | { readonly verdict: 'failed'; readonly reason: ProbeFailure; readonly message: string }
);

type Fault = { readonly reason: ProbeFailure; readonly message: string };

/**
 * Does what a user does: uploads an image, waits for its renditions, checks them, deletes the image, and waits until they
 * are gone. A fault in the pipeline is returned as a verdict; only a failure of the probe itself throws.
 *
 * @param probe.groups the ones that the pipeline renders
 * @param probe.waitMillis for the renditions, and again for their removal
 */
export async function probePipeline(
  ports: ProbePorts,
  probe: { readonly knownImage: KnownImage; readonly groups: readonly RenditionGroup[]; readonly waitMillis: number },
): Promise<ProbeVerdict> {
  const { uploader: uploads, clock } = ports;
  const key = `${probePrefix}${crypto.randomUUID()}.jpg`;
  const imageId = await imageIdOf(uploads.bucket, key);
  const presets = presetsFor(
    probe.knownImage.header,
    probe.groups.flatMap((group) => group.presets),
  );
  const wait = (matches: (record: ImageRecord) => boolean) => waitForRecord(imageId, matches, ports, probe.waitMillis);

  const startedAt = clock.now();
  const sent = await uploads.put(key, probe.knownImage.bytes, probe.knownImage.contentType);
  let shown:
    | { readonly record: ImageRecord; readonly readyMillis: number; readonly fault?: Fault | undefined }
    | undefined;
  try {
    const record = await wait((candidate) => refersTo(sent, candidate));
    const readyMillis = clock.now() - startedAt;
    shown = record && {
      record,
      readyMillis,
      fault: await faultInRecord(record, presets, probe.knownImage.header, ports),
    };
  } finally {
    // Only a delete marker, as users do: a probe should not have permission to delete versions permanently.
    await uploads.remove(key);
  }

  const identity = { key, imageId, correlationId: shown?.record.correlationId };
  const seconds = `${probe.waitMillis / 1000} seconds`;
  const failed = (fault: Fault): ProbeVerdict => ({ ...identity, verdict: 'failed', ...fault });
  if (shown === undefined) return failed({ reason: 'late', message: `No record appeared within ${seconds}.` });
  if (shown.fault) return failed(shown.fault);
  // `announced` is set after the renditions are removed.
  const removed = await wait(({ outcome, announced }) => outcome === 'deleted' && announced);
  if (removed === undefined) {
    return failed({ reason: 'not-removed', message: `The renditions were not removed within ${seconds}.` });
  }
  return { ...identity, verdict: 'healthy', readyMillis: shown.readyMillis };
}

/** S3's events carry the version id; the emulator's only the etag. */
function refersTo({ versionId, etag }: SentUpload, { version }: ImageRecord): boolean {
  return version === versionId || version === etag;
}

async function waitForRecord(
  imageId: ImageId,
  matches: (record: ImageRecord) => boolean,
  { catalogue, clock }: ProbePorts,
  waitMillis: number,
): Promise<ImageRecord | undefined> {
  const giveUpAt = clock.now() + waitMillis;
  for (;;) {
    const record = await catalogue.find(imageId);
    if (record && matches(record)) return record;
    if (clock.now() >= giveUpAt) return undefined;
    await clock.sleep(POLL_INTERVAL_MILLIS);
  }
}

async function faultInRecord(
  record: ImageRecord,
  presets: readonly Preset[],
  header: ImageHeader,
  ports: ProbePorts,
): Promise<Fault | undefined> {
  switch (record.outcome) {
    case 'processed':
      return await faultInRenditions(record.renditions, presets, header, ports);
    case 'rejected':
      return { reason: 'rejected', message: `${record.reason}: ${record.message}` };
    case 'failed':
      return { reason: 'failed', message: record.message };
    case 'deleted':
      return { reason: 'deleted', message: 'The image was deleted before the probe deleted it.' };
  }
}

async function faultInRenditions(
  listed: readonly Rendition[],
  presets: readonly Preset[],
  header: ImageHeader,
  ports: ProbePorts,
): Promise<Fault | undefined> {
  const pairs = presets.map((preset) => ({
    preset,
    rendition: listed.find(({ preset: name }) => name === preset.name),
  }));
  const missing = pairs.filter(({ rendition }) => rendition === undefined).map(({ preset }) => preset.name);
  if (missing.length > 0)
    return { reason: 'missing-rendition', message: `The record does not list ${missing.join(', ')}.` };

  // Check all: each format has its own encoder, which may break on its own.
  const faults = await Promise.all(
    pairs.map(
      ({ preset, rendition }) =>
        rendition && faultInRendition(rendition, preset.format, renditionSize(header, preset), ports),
    ),
  );
  const message = faults.find((fault) => fault !== undefined);
  return message === undefined ? undefined : { reason: 'wrong-rendition', message };
}

/** The preset, the record and the stored file must agree. */
async function faultInRendition(
  rendition: Rendition,
  format: Preset['format'],
  size: Size,
  { publishedRenditions, codec }: ProbePorts,
): Promise<string | undefined> {
  const file = await publishedRenditions.read(rendition.key);
  if (file.outcome !== 'found') return `${rendition.key} cannot be read: ${file.message}`;
  const image = await codec.open(file.bytes);
  if (image.outcome === 'rejected') return `${rendition.key} is not an image: ${image.message}`;

  const expected = described(contentTypes[format], format, size, rendition.bytes);
  const recorded = described(rendition.contentType, format, rendition, rendition.bytes);
  const stored = described(file.contentType, image.header.format, image.header, file.bytes.byteLength);
  if (expected === recorded && expected === stored) return undefined;
  return `${rendition.key} should be ${expected}; the record says ${recorded}; the file is ${stored}.`;
}

function described(contentType: string | undefined, format: string, { width, height }: Size, bytes: number): string {
  return `${contentType} (${format}, ${width} × ${height}, ${bytes} bytes)`;
}
