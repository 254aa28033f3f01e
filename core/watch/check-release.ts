import { imageIdOf, padSequencer, sha256 } from '../image.ts';
import type { ImageTask } from '../image-task.ts';
import { releaseCheckPrefix } from '../names.ts';
import type { RenditionStore } from '../ports.ts';
import type { RenditionGroup } from '../presets.ts';
import { contentTypes, presetsFor, renditionKey, renditionSize, uprightSize } from '../rendition.ts';
import type { KnownImage, ReleaseStore, RenditionReader, Steps, Uploader } from './ports.ts';
import type { ReleasedStep, ReleaseHook, Verdict } from './release.ts';

export interface CheckReleasePorts {
  readonly releases: ReleaseStore;
  readonly uploader: Uploader;
  readonly steps: Steps;
  readonly publishedRenditions: RenditionReader;
  readonly renditionStore: Pick<RenditionStore, 'put'>;
}

interface Known {
  readonly knownImage: KnownImage;
  readonly groups: readonly RenditionGroup[];
}

interface Check extends CheckReleasePorts, Known {
  /** The name and version of the function under test. */
  readonly functionVersion: string;
  readonly task: ImageTask;
}

/**
 * Runs a real image through a function version that has no traffic yet, and decides whether it may receive traffic.
 * Any error is a refusal: a check that could not run has not passed.
 *
 * @param known.groups the ones that resize-image renders
 */
export async function checkRelease(hook: ReleaseHook, ports: CheckReleasePorts, known: Known): Promise<Verdict> {
  const verdict = await judge(hook, ports, known).catch((error: unknown) => refused(messageOf(error)));
  await ports.releases.report(hook, verdict);
  return verdict;
}

async function judge(
  { deploymentId }: ReleaseHook,
  ports: CheckReleasePorts,
  { knownImage, groups }: Known,
): Promise<Verdict> {
  const release = await ports.releases.newVersion(deploymentId);
  const key = `${releaseCheckPrefix}${deploymentId}-${release.step}.jpg`;
  const { bucket } = ports.uploader;
  const { bytes, contentType } = knownImage;
  const sent = await ports.uploader.put(key, bytes, contentType);
  try {
    const imageId = await imageIdOf(bucket, key);
    const image = { bucket, key, imageId, sequencer: LOWEST_SEQUENCER, ...sent, size: bytes.byteLength };
    const task = { correlationId: `release-${deploymentId}`, image };
    const functionVersion = `${release.functionName}:${release.version}`;
    const fault = await faultOf(release.step, { ...ports, functionVersion, task, knownImage, groups });
    return fault === undefined ? { verdict: 'passed' } : refused(fault);
  } finally {
    // The deletion makes the pipeline remove whatever was rendered.
    await ports.uploader.remove(key);
  }
}

// The bucket's own events for this upload and its deletion also run, through the live version. They must win against the
// check's made-up event, so that nothing of the check outlives them.
const LOWEST_SEQUENCER = padSequencer('0');

/** What is wrong with the new version's work, if anything. */
async function faultOf(step: ReleasedStep, check: Check): Promise<string | undefined> {
  switch (step) {
    case 'DispatchImages':
      return await dispatchFault(check);
    case 'ExtractMetadata':
      return await metadataFault(check);
    case 'ResizeImage':
      return await renditionFault(check);
    case 'RemoveRenditions':
      return await removalFault(check);
  }
}

async function dispatchFault({ functionVersion, task, steps }: Check): Promise<string | undefined> {
  const { undecided } = await steps.dispatch(functionVersion, task);
  return undecided === 0 ? undefined : 'It failed to reach a decision on a known-good image.';
}

async function metadataFault({ functionVersion, task, steps, knownImage }: Check): Promise<string | undefined> {
  const result = await steps.extractMetadata(functionVersion, task);
  if (result.outcome !== 'processed') return wrongOutcome(result);
  const { bytes, header } = knownImage;
  const { format, orientation, frames } = header;
  return difference(result.metadata, {
    format,
    ...uprightSize(header),
    bytes: bytes.byteLength,
    sha256: await sha256(bytes),
    orientation,
    frames,
    damaged: false,
  });
}

/** Checks every rendition of every group: what the function returned, and what it stored. */
async function renditionFault(check: Check): Promise<string | undefined> {
  const { functionVersion, task, steps, publishedRenditions, knownImage, groups } = check;
  const { imageId, sequencer } = task.image;
  for (const { name: group, presets } of groups) {
    const result = await steps.resizeImage(functionVersion, { ...task, group });
    if (result.outcome !== 'processed') return wrongOutcome(result);
    for (const preset of presetsFor(knownImage.header, presets)) {
      const returned = result.renditions.find((rendition) => rendition.preset === preset.name);
      const key = renditionKey(imageId, sequencer, preset);
      const contentType = contentTypes[preset.format];
      const fault =
        difference(returned, { key, contentType, ...renditionSize(knownImage.header, preset) }) ??
        (await storedFault(key, { contentType, bytes: returned?.bytes }, publishedRenditions));
      if (fault !== undefined) return `Rendition ${preset.name}: ${fault}`;
    }
  }
  return undefined;
}

async function storedFault(
  key: string,
  expected: { readonly contentType: string; readonly bytes: number | undefined },
  publishedRenditions: RenditionReader,
): Promise<string | undefined> {
  const file = await publishedRenditions.read(key);
  if (file.outcome !== 'found') return `It cannot be read: ${file.message}`;
  return difference({ contentType: file.contentType, bytes: file.bytes.byteLength }, expected);
}

async function removalFault(check: Check): Promise<string | undefined> {
  const { functionVersion, task, steps, publishedRenditions, renditionStore, knownImage } = check;
  const key = `${task.image.imageId}/${task.image.sequencer}/to-be-removed.jpg`;
  await renditionStore.put(key, knownImage.bytes, knownImage.contentType);
  const { count } = await steps.removeRenditions(functionVersion, { ...task, scope: 'own' });
  if (count !== 1) return `It reported removing ${count} renditions; there was 1.`;
  const left = await publishedRenditions.read(key);
  switch (left.outcome) {
    case 'missing':
      return undefined;
    case 'found':
      return 'It reported removing a rendition that is still there.';
    case 'denied':
      return `It reported removing a rendition, which could not be verified: ${left.message}`;
  }
}

function wrongOutcome({ outcome }: { readonly outcome: string }): string {
  return `It returned "${outcome}" for a known-good image.`;
}

/** Describes the first property that differs from what is expected. */
function difference<Expected extends object>(
  found: { readonly [Name in keyof Expected]?: unknown } | undefined,
  expected: Expected,
): string | undefined {
  if (found === undefined) return 'It is missing.';
  for (const name of Object.keys(expected) as (keyof Expected & string)[]) {
    if (found[name] !== expected[name]) return `${name} is ${String(found[name])}, expected ${String(expected[name])}.`;
  }
  return undefined;
}

function refused(reason: string): Verdict {
  return { verdict: 'refused', reason };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
