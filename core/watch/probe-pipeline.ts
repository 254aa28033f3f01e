import { type ImageId, imageIdOf } from '../image.ts';
import type { ImageHeader } from '../metadata.ts';
import { probePrefix } from '../names.ts';
import type { ImageCodec } from '../ports.ts';
import { type Preset, renditionGroups } from '../presets.ts';
import type { ImageRecord } from '../record.ts';
import { contentTypes, presetsFor, type Rendition, renditionSize, type Size } from '../rendition.ts';
import type { Catalogue, Clock, KnownImage, RenditionReader, SentUpload, Uploader } from './ports.ts';

// How exact the measured time is. A look costs one small read.
const LOOK_EVERY_MILLIS = 250;

export interface ProbePorts {
  readonly uploads: Uploader;
  readonly catalogue: Catalogue;
  readonly renditions: RenditionReader;
  readonly codec: Pick<ImageCodec, 'inspect'>;
  readonly clock: Clock;
}

/** Each says what a user would see: docs/runbooks/probe-pipeline.md has a line for each. */
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
  /** Of the record, where one came: all that the pipeline logged about this probe. */
  readonly correlationId?: string | undefined;
} & (
  | { readonly verdict: 'healthy'; readonly readyMillis: number }
  | { readonly verdict: 'failed'; readonly reason: ProbeFailure; readonly message: string }
);

type Fault = { readonly reason: ProbeFailure; readonly message: string };

/**
 * Does what a user does: uploads a picture, waits for its renditions, looks at them, deletes it, waits until they are gone.
 * What the pipeline gets wrong is a verdict; only what keeps the probe itself from working throws.
 *
 * @param probe.waitMillis for the renditions, and once more for their removal
 */
export async function probePipeline(
  ports: ProbePorts,
  probe: { readonly image: KnownImage; readonly waitMillis: number },
): Promise<ProbeVerdict> {
  const { uploads, clock } = ports;
  const key = `${probePrefix}${crypto.randomUUID()}.jpg`;
  const imageId = await imageIdOf(uploads.bucket, key);
  const presets = presetsFor(
    probe.image.header,
    renditionGroups.flatMap((group) => group.presets),
  );
  const wait = (found: (record: ImageRecord) => boolean) => recordWhen(imageId, found, ports, probe.waitMillis);

  const startedAt = clock.now();
  const sent = await uploads.put(key, probe.image.bytes, probe.image.contentType);
  let shown:
    | { readonly record: ImageRecord; readonly readyMillis: number; readonly fault?: Fault | undefined }
    | undefined;
  try {
    const record = await wait((found) => speaksOf(sent, found));
    const readyMillis = clock.now() - startedAt;
    shown = record && { record, readyMillis, fault: await faultInRecord(record, presets, probe.image.header, ports) };
  } finally {
    // The delete marker alone, as users do it: to erase versions for good is a permission that no probe should have.
    await uploads.remove(key);
  }

  const identity = { key, imageId, correlationId: shown?.record.correlationId };
  const seconds = `${probe.waitMillis / 1000} seconds`;
  const failed = (fault: Fault): ProbeVerdict => ({ ...identity, verdict: 'failed', ...fault });
  if (shown === undefined) return failed({ reason: 'late', message: `There was no record within ${seconds}.` });
  if (shown.fault) return failed(shown.fault);
  // Announced: the renditions were removed before.
  const removed = await wait(({ outcome, announced }) => outcome === 'deleted' && announced);
  if (removed === undefined) {
    return failed({ reason: 'not-removed', message: `Its renditions were not removed within ${seconds}.` });
  }
  return { ...identity, verdict: 'healthy', readyMillis: shown.readyMillis };
}

/** S3's events name the version; the emulator's the etag alone. */
function speaksOf({ versionId, etag }: SentUpload, { version }: ImageRecord): boolean {
  return version === versionId || version === etag;
}

async function recordWhen(
  imageId: ImageId,
  found: (record: ImageRecord) => boolean,
  { catalogue, clock }: ProbePorts,
  waitMillis: number,
): Promise<ImageRecord | undefined> {
  const giveUpAt = clock.now() + waitMillis;
  for (;;) {
    const record = await catalogue.find(imageId);
    if (record && found(record)) return record;
    if (clock.now() >= giveUpAt) return undefined;
    await clock.sleep(LOOK_EVERY_MILLIS);
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
      return { reason: 'deleted', message: 'The picture was deleted before the probe did it.' };
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
  if (missing.length > 0) return { reason: 'missing-rendition', message: `The record lists no ${missing.join(', ')}.` };

  // Each format has an encoder of its own that may break.
  const faults = await Promise.all(
    pairs.map(
      ({ preset, rendition }) =>
        rendition && faultInRendition(rendition, preset.format, renditionSize(header, preset), ports),
    ),
  );
  const message = faults.find((fault) => fault !== undefined);
  return message === undefined ? undefined : { reason: 'wrong-rendition', message };
}

/** What the preset demands, what the record says and what is stored have to be one. */
async function faultInRendition(
  rendition: Rendition,
  format: Preset['format'],
  size: Size,
  { renditions, codec }: ProbePorts,
): Promise<string | undefined> {
  const file = await renditions.read(rendition.key);
  if (file.outcome !== 'found') return `${rendition.key} cannot be read: ${file.message}`;
  const inspected = await codec.inspect(file.bytes);
  if (inspected.outcome === 'rejected') return `${rendition.key} is no picture: ${inspected.message}`;

  const due = described(contentTypes[format], format, size, rendition.bytes);
  const recorded = described(rendition.contentType, format, rendition, rendition.bytes);
  const stored = described(file.contentType, inspected.header.format, inspected.header, file.bytes.byteLength);
  if (due === recorded && due === stored) return undefined;
  return `${rendition.key} should be ${due}; its record says ${recorded}; it is ${stored}.`;
}

function described(contentType: string | undefined, format: string, { width, height }: Size, bytes: number): string {
  return `${contentType} (${format}, ${width} × ${height}, ${bytes} bytes)`;
}
