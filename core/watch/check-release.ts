import { imageIdOf, padSequencer, sha256 } from '../image.ts';
import type { ImageTask } from '../image-task.ts';
import { releaseCheckPrefix } from '../names.ts';
import type { RenditionStore } from '../ports.ts';
import { renditionGroups } from '../presets.ts';
import { contentTypes, presetsFor, renditionKey, renditionSize, uprightSize } from '../rendition.ts';
import type { KnownImage, ReleaseStore, RenditionReader, Steps, Uploader } from './ports.ts';
import type { NewVersion, ReleaseHook, Verdict } from './release.ts';

export interface CheckReleasePorts {
  readonly releases: ReleaseStore;
  readonly uploads: Uploader;
  readonly steps: Steps;
  readonly renditions: RenditionReader;
  readonly renditionStore: Pick<RenditionStore, 'put'>;
  readonly known: KnownImage;
}

/**
 * Takes a real image through a version of a function that has no traffic yet, and says whether it may have some.
 * Whatever goes wrong is a refusal: a check that could not be made is not passed.
 */
export async function checkRelease(hook: ReleaseHook, ports: CheckReleasePorts): Promise<Verdict> {
  const verdict = await judge(hook, ports).catch((error: unknown) => refused(messageOf(error)));
  await ports.releases.report(hook, verdict);
  return verdict;
}

async function judge({ deploymentId }: ReleaseHook, ports: CheckReleasePorts): Promise<Verdict> {
  const release = await ports.releases.newVersion(deploymentId);
  const key = `${releaseCheckPrefix}${deploymentId}-${release.step}.jpg`;
  const { bucket } = ports.uploads;
  const { bytes, contentType } = ports.known;
  const state = await ports.uploads.put(key, bytes, contentType);
  try {
    const imageId = await imageIdOf(bucket, key);
    const image = { bucket, key, imageId, sequencer: LOWEST_SEQUENCER, ...state, size: bytes.byteLength };
    const fault = await faultOf(release, { correlationId: `release-${deploymentId}`, image }, ports);
    return fault === undefined ? { verdict: 'passed' } : refused(fault);
  } finally {
    // The pipeline hears of it and removes whatever was rendered.
    await ports.uploads.remove(key);
  }
}

/** The only keys of the upload bucket that the check may write: the role has no others. */

// The bucket's own event of the same upload takes its way too, through the version that is live. It always wins, and so
// does that of the removal: nothing that the check makes up outlives it.
const LOWEST_SEQUENCER = padSequencer('0');

/** What is wrong with the new version's work, if anything is. */
async function faultOf(
  { step, functionName, version }: NewVersion,
  task: ImageTask,
  ports: CheckReleasePorts,
): Promise<string | undefined> {
  const called = `${functionName}:${version}`;
  switch (step) {
    case 'DispatchImages':
      return await dispatchFault(called, task, ports);
    case 'ExtractMetadata':
      return await metadataFault(called, task, ports);
    case 'ResizeImage':
      return await renditionFault(called, task, ports);
    case 'RemoveRenditions':
      return await removalFault(called, task, ports);
  }
}

async function dispatchFault(
  called: string,
  task: ImageTask,
  { steps }: CheckReleasePorts,
): Promise<string | undefined> {
  const occurredAt = new Date().toISOString();
  const { undecided } = await steps.dispatch(called, { ...task, change: 'created', occurredAt });
  return undecided === 0 ? undefined : 'It came to no decision on a good image.';
}

async function metadataFault(
  called: string,
  task: ImageTask,
  { steps, known: { bytes, header } }: CheckReleasePorts,
): Promise<string | undefined> {
  const result = await steps.extractMetadata(called, task);
  if (result.outcome !== 'processed') return `It answered ${result.outcome} to a good image.`;
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

/** Every group, and each rendition as it has to be: by what is said of it, and by what is there. */
async function renditionFault(
  called: string,
  task: ImageTask,
  { steps, renditions, known: { header } }: CheckReleasePorts,
): Promise<string | undefined> {
  const { imageId, sequencer } = task.image;
  for (const { name: group, presets } of renditionGroups) {
    const result = await steps.resizeImage(called, { ...task, group });
    if (result.outcome !== 'processed') return `It answered ${result.outcome} to a good image.`;
    for (const preset of presetsFor(header, presets)) {
      const made = result.renditions.find((rendition) => rendition.preset === preset.name);
      const key = renditionKey(imageId, sequencer, preset);
      const contentType = contentTypes[preset.format];
      const fault =
        difference(made, { key, contentType, ...renditionSize(header, preset) }) ??
        (await storedFault(key, { contentType, bytes: made?.bytes }, renditions));
      if (fault !== undefined) return `Rendition ${preset.name}: ${fault}`;
    }
  }
  return undefined;
}

async function storedFault(
  key: string,
  expected: { readonly contentType: string; readonly bytes: number | undefined },
  renditions: RenditionReader,
): Promise<string | undefined> {
  const file = await renditions.read(key);
  if (file.outcome !== 'found') return `It cannot be read: ${file.message}`;
  return difference({ contentType: file.contentType, bytes: file.bytes.byteLength }, expected);
}

async function removalFault(
  called: string,
  task: ImageTask,
  { steps, renditions, renditionStore, known }: CheckReleasePorts,
): Promise<string | undefined> {
  const { imageId, sequencer } = task.image;
  const key = `${imageId}/${sequencer}/to-be-removed.jpg`;
  await renditionStore.put(key, known.bytes, known.contentType);
  const { count } = await steps.removeRenditions(called, { ...task, scope: 'own' });
  if (count !== 1) return `It says that it removed ${count} renditions where there was one.`;
  const left = await renditions.read(key);
  switch (left.outcome) {
    case 'missing':
      return undefined;
    case 'found':
      return 'It says that it removed a rendition that is still there.';
    case 'denied':
      return `It says that it removed a rendition, and nobody can see whether it did: ${left.message}`;
  }
}

/** The first property that is not as expected. */
function difference<Expected extends object>(
  found: { readonly [Name in keyof Expected]?: unknown } | undefined,
  expected: Expected,
): string | undefined {
  if (found === undefined) return 'It is not there.';
  for (const name of Object.keys(expected) as (keyof Expected & string)[]) {
    if (found[name] !== expected[name])
      return `${name} is ${String(found[name])} and should be ${String(expected[name])}.`;
  }
  return undefined;
}

function refused(reason: string): Verdict {
  return { verdict: 'refused', reason };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
