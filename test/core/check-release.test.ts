import { beforeEach, describe, expect, it } from 'vitest';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { extractMetadata } from '../../core/extract-metadata.ts';
import type { Upload } from '../../core/image.ts';
import type { ImageTask } from '../../core/image-task.ts';
import { defaultLimits } from '../../core/limits.ts';
import { releaseCheckPrefix } from '../../core/names.ts';
import { rejected } from '../../core/outcome.ts';
import type { Bytes } from '../../core/ports.ts';
import type { RenditionGroup } from '../../core/presets.ts';
import { removeRenditions } from '../../core/remove-renditions.ts';
import type { Rendition } from '../../core/rendition.ts';
import { resizeImage } from '../../core/resize-image.ts';
import { type CheckReleasePorts, checkRelease } from '../../core/watch/check-release.ts';
import type { RenditionReader, Steps } from '../../core/watch/ports.ts';
import type { NewVersion, ReleasedStep, ReleaseHook, Verdict } from '../../core/watch/release.ts';
import { releasedSteps } from '../../core/watch/release.ts';
import { whatFailed, withEachCallFailing } from '../support/failing-calls.ts';
import { InMemoryRenditionStore } from '../support/in-memory-rendition-store.ts';
import { InMemoryUploadStore } from '../support/in-memory-upload-store.ts';

// More than one group, and images of a few pixels: the check is the same at any size.
const groups: readonly RenditionGroup[] = [
  {
    name: 'web',
    presets: [
      { name: 'webp-64', format: 'webp', width: 64, quality: 80, effort: 0 },
      { name: 'jpeg-64', format: 'jpeg', width: 64, quality: 80 },
    ],
  },
  { name: 'avif', presets: [{ name: 'avif-64', format: 'avif', width: 64, quality: 55, effort: 0 }] },
];
const hook: ReleaseHook = { deploymentId: 'd-1', executionId: 'e-1' };
const codec = sharpImageCodec();
let uploads: InMemoryUploadStore;
let stored: InMemoryRenditionStore;
let present: Upload[];
let reported: { hook: ReleaseHook; verdict: Verdict }[];
let called: string[];

const begin = () => {
  uploads = new InMemoryUploadStore();
  stored = new InMemoryRenditionStore();
  present = [];
  reported = [];
  called = [];
};
beforeEach(begin);

/** The real functions, without Lambda. */
const goodSteps = (): Steps => {
  const calling = (name: string) => called.push(name);
  return {
    async dispatch(name, task) {
      calling(name);
      dispatched = task;
      return { undecided: 0 };
    },
    async extractMetadata(name, task) {
      calling(name);
      return extractMetadata(task, { uploadReader: uploads, codec, limits: defaultLimits }, { keepLocation: false });
    },
    async resizeImage(name, task) {
      calling(name);
      return resizeImage(task, { uploadReader: uploads, codec, limits: defaultLimits, renditionStore: stored }, groups);
    },
    async removeRenditions(name, task) {
      calling(name);
      return removeRenditions(task, { renditionStore: stored });
    },
  };
};
let dispatched: ImageTask | undefined;

const portsFor = (
  step: ReleasedStep,
  broken: Partial<Steps> = {},
  renditions: RenditionReader = stored,
): CheckReleasePorts => {
  const newVersion: NewVersion = { step, functionName: `prod-${step}Function-1`, version: '7' };
  return {
    releases: {
      newVersion: async () => newVersion,
      report: async (reportedHook, verdict) => void reported.push({ hook: reportedHook, verdict }),
    },
    uploader: {
      bucket: 'uploads',
      async put(key, bytes) {
        const state = { versionId: 'v1', etag: 'e1' };
        uploads.put({ bucket: 'uploads', key, ...state }, bytes);
        present.push({ bucket: 'uploads', key, ...state, imageId: '', sequencer: '', size: bytes.length });
        return state;
      },
      async remove(key) {
        present = present.filter((upload) => upload.key !== key);
      },
    },
    steps: { ...goodSteps(), ...broken },
    publishedRenditions: renditions,
    renditionStore: stored,
  };
};
const known = { knownImage, groups };
const check = (...given: Parameters<typeof portsFor>) => checkRelease(hook, portsFor(...given), known);

describe.each(releasedSteps)('a new version of %s', (step) => {
  it('that works passes, and is invoked by version, never by alias', async () => {
    expect(await check(step)).toEqual({ verdict: 'passed' });
    expect(new Set(called)).toEqual(new Set([`prod-${step}Function-1:7`]));
  });

  it('that throws is refused, with the error as reason', async () => {
    const fails = () => Promise.reject(new Error('sharp could not be loaded'));
    const broken = { dispatch: fails, extractMetadata: fails, resizeImage: fails, removeRenditions: fails };
    expect(await check(step, broken)).toEqual({ verdict: 'refused', reason: 'sharp could not be loaded' });
  });

  it('is reported to CodeDeploy either way, and the image is deleted', async () => {
    const fails = () => Promise.reject(new Error('no'));
    await check(step);
    await check(step, { dispatch: fails, extractMetadata: fails, resizeImage: fails, removeRenditions: fails });
    expect(reported.map(({ hook: reportedHook, verdict }) => [reportedHook, verdict.verdict])).toEqual([
      [hook, 'passed'],
      [hook, 'refused'],
    ]);
    expect(present).toEqual([]);
  });
});

it('uploads its image under its own prefix, with the lowest sequencer and a correlation id', async () => {
  await check('DispatchImages');
  expect(dispatched).toMatchObject({
    correlationId: 'release-d-1',
    image: { key: `${releaseCheckPrefix}d-1-DispatchImages.jpg`, sequencer: '0'.repeat(32) },
  });
});

it('given the check cannot run, refuses the release', async () => {
  const releases = {
    newVersion: () => Promise.reject(new Error('AccessDenied')),
    report: async (reportedHook: ReleaseHook, verdict: Verdict) => void reported.push({ hook: reportedHook, verdict }),
  };
  const unused = () => Promise.reject(new Error('not to be called'));
  const verdict = await checkRelease(
    hook,
    {
      releases,
      uploader: { bucket: 'uploads', put: unused, remove: unused },
      steps: goodSteps(),
      publishedRenditions: { read: unused },
      renditionStore: { put: unused },
    },
    known,
  );
  expect(verdict).toEqual({ verdict: 'refused', reason: 'AccessDenied' });
  expect(reported).toEqual([{ hook, verdict }]);
});

it('given it cannot verify a removal, refuses the release', async () => {
  const denied: RenditionReader = { read: async () => ({ outcome: 'denied', message: 'AccessDenied: no' }) };
  expect(await check('RemoveRenditions', {}, denied)).toEqual({
    verdict: 'refused',
    reason: expect.stringContaining('AccessDenied: no'),
  });
});

describe.each(releasedSteps)('while checking a new version of %s', (step) => {
  const names = ['releases', 'uploader', 'steps', 'publishedRenditions', 'renditionStore'] as const;
  const make = () => {
    begin();
    return portsFor(step);
  };

  it.each([
    ['before it took effect', false],
    ['after it took effect', true],
  ])('an AWS call that fails %s refuses the release, or leaves it without a verdict', async (_, takesEffect) => {
    const ends = await withEachCallFailing({ make, names, takesEffect }, (ports) => checkRelease(hook, ports, known));
    const reports = ends.filter(({ call }) => call === 'releases.report');
    expect(ends.length - reports.length).toBeGreaterThan(3);
    for (const { call, ended } of ends.filter((end) => !reports.includes(end))) {
      const value = { verdict: 'refused', reason: whatFailed };
      expect({ call, ended }).toEqual({ call, ended: { status: 'fulfilled', value } });
    }
    // CodeDeploy receives no verdict and ends the deployment.
    expect(reports.map(({ ended: { status } }) => status)).toEqual(['rejected']);
  });

  it('deletes its image, whatever else fails', async () => {
    const left: string[] = [];
    await withEachCallFailing({ make, names, takesEffect: false }, async (ports) => {
      await checkRelease(hook, ports, known).catch(() => undefined);
      left.push(present.map(({ key }) => key).join());
    });
    // If the deletion itself fails, the bucket's lifecycle rule removes the image.
    expect(left.filter((keys) => keys !== '')).toHaveLength(1);
  });
});

const good = goodSteps();
const renditionsWith = (change: (rendition: Rendition) => Rendition): Partial<Steps> => ({
  async resizeImage(name, task) {
    const result = await good.resizeImage(name, task);
    return result.outcome === 'processed' ? { ...result, renditions: result.renditions.map(change) } : result;
  },
});
const removed = (count: number) => ({ outcome: 'removed', count }) as const;
const rejectAll = async () => rejected('corrupt', 'The image cannot be read.');

describe.each<[string, ReleasedStep, Partial<Steps>, string]>([
  ['reaches no decision', 'DispatchImages', { dispatch: async () => ({ undecided: 1 }) }, 'failed to reach a decision'],
  ['rejects a good image', 'ExtractMetadata', { extractMetadata: rejectAll }, 'returned "rejected"'],
  ['rejects a good image', 'ResizeImage', { resizeImage: rejectAll }, 'returned "rejected"'],
  [
    'does not rotate the image upright',
    'ExtractMetadata',
    {
      async extractMetadata(name, task) {
        const result = await good.extractMetadata(name, task);
        if (result.outcome !== 'processed') return result;
        return { ...result, metadata: { ...result.metadata, width: 162, height: 1296 } };
      },
    },
    'width is 162, expected 1296',
  ],
  [
    'reads other bytes',
    'ExtractMetadata',
    {
      async extractMetadata(name, task) {
        const result = await good.extractMetadata(name, task);
        if (result.outcome !== 'processed') return result;
        return { ...result, metadata: { ...result.metadata, sha256: 'f'.repeat(64) } };
      },
    },
    'sha256',
  ],
  ['renders at the wrong size', 'ResizeImage', renditionsWith((made) => ({ ...made, width: 1 })), 'width is 1'],
  ['returns the wrong size in bytes', 'ResizeImage', renditionsWith((made) => ({ ...made, bytes: 1 })), 'expected 1'],
  [
    'returns the wrong content type',
    'ResizeImage',
    renditionsWith((made) => ({ ...made, contentType: 'text/plain' })),
    'contentType is text/plain',
  ],
  [
    'renders nothing for a group',
    'ResizeImage',
    { resizeImage: async () => ({ outcome: 'processed', renditions: [] }) },
    'missing',
  ],
  [
    'stores nothing',
    'ResizeImage',
    {
      async resizeImage(_, task) {
        return resizeImage(
          task,
          { uploadReader: uploads, codec, limits: defaultLimits, renditionStore: new InMemoryRenditionStore() },
          groups,
        );
      },
    },
    'cannot be read: NoSuchKey',
  ],
  [
    'stores the wrong content type',
    'ResizeImage',
    {
      async resizeImage(_, task) {
        const renditions = {
          put: (key: string, bytes: Bytes) => stored.put(key, bytes, 'image/avif'),
          list: stored.list.bind(stored),
          remove: stored.remove.bind(stored),
        };
        return resizeImage(
          task,
          { uploadReader: uploads, codec, limits: defaultLimits, renditionStore: renditions },
          groups,
        );
      },
    },
    'contentType is image/avif',
  ],
  ['removes nothing', 'RemoveRenditions', { removeRenditions: async () => removed(0) }, 'removing 0'],
  [
    'reports a removal without removing',
    'RemoveRenditions',
    { removeRenditions: async () => removed(1) },
    'still there',
  ],
])('a version that %s (%s)', (_, step, broken, reason) => {
  it('is refused for that reason', async () => {
    expect(await check(step, broken)).toEqual({ verdict: 'refused', reason: expect.stringContaining(reason) });
  });
});
