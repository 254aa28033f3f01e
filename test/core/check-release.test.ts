import { beforeEach, describe, expect, it } from 'vitest';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { extractMetadata } from '../../core/extract-metadata.ts';
import type { Upload, UploadEvent } from '../../core/image.ts';
import { releaseCheckPrefix } from '../../core/names.ts';
import { rejected } from '../../core/outcome.ts';
import type { Bytes } from '../../core/ports.ts';
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

const hook: ReleaseHook = { deploymentId: 'd-1', executionId: 'e-1' };
const codec = sharpImageCodec();
let uploads: InMemoryUploadStore;
let stored: InMemoryRenditionStore;
let lent: Upload[];
let reported: { hook: ReleaseHook; verdict: Verdict }[];
let called: string[];

const begin = () => {
  uploads = new InMemoryUploadStore();
  stored = new InMemoryRenditionStore();
  lent = [];
  reported = [];
  called = [];
};
beforeEach(begin);

/** The functions as they are, without Lambda around them. */
const goodSteps = (): Steps => {
  const calling = (name: string) => called.push(name);
  return {
    async dispatch(name, event) {
      calling(name);
      dispatched = event;
      return { undecided: 0 };
    },
    async extractMetadata(name, task) {
      calling(name);
      return extractMetadata(task, { uploads, codec }, { keepLocation: false });
    },
    async resizeImage(name, task) {
      calling(name);
      return resizeImage(task, { uploads, codec, renditions: stored });
    },
    async removeRenditions(name, task) {
      calling(name);
      return removeRenditions(task, { renditions: stored });
    },
  };
};
let dispatched: UploadEvent | undefined;

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
    uploads: {
      bucket: 'uploads',
      async put(key, bytes) {
        const state = { versionId: 'v1', etag: 'e1' };
        uploads.put({ bucket: 'uploads', key, ...state }, bytes);
        lent.push({ bucket: 'uploads', key, ...state, imageId: '', sequencer: '', size: bytes.length });
        return state;
      },
      async remove(key) {
        lent = lent.filter((upload) => upload.key !== key);
      },
    },
    steps: { ...goodSteps(), ...broken },
    renditions,
    renditionStore: stored,
    known: knownImage,
  };
};
const check = (...given: Parameters<typeof portsFor>) => checkRelease(hook, portsFor(...given));

describe.each(releasedSteps)('a new version of %s', (step) => {
  it('that does its work passes, called by its version and never by its alias', async () => {
    expect(await check(step)).toEqual({ verdict: 'passed' });
    expect(new Set(called)).toEqual(new Set([`prod-${step}Function-1:7`]));
  });

  it('that throws is refused, with what it threw', async () => {
    const fails = () => Promise.reject(new Error('sharp could not be loaded'));
    const broken = { dispatch: fails, extractMetadata: fails, resizeImage: fails, removeRenditions: fails };
    expect(await check(step, broken)).toEqual({ verdict: 'refused', reason: 'sharp could not be loaded' });
  });

  it('is reported to CodeDeploy either way, and the lent image is taken back', async () => {
    const fails = () => Promise.reject(new Error('no'));
    await check(step);
    await check(step, { dispatch: fails, extractMetadata: fails, resizeImage: fails, removeRenditions: fails });
    expect(reported.map(({ hook: told, verdict }) => [told, verdict.verdict])).toEqual([
      [hook, 'passed'],
      [hook, 'refused'],
    ]);
    expect(lent).toEqual([]);
  });
});

it('lends its image below its own prefix, as a new state that every real one supersedes, and with an id to be followed by', async () => {
  await check('DispatchImages');
  expect(dispatched).toMatchObject({
    change: 'created',
    correlationId: 'release-d-1',
    image: { key: `${releaseCheckPrefix}d-1-DispatchImages.jpg`, sequencer: '0'.repeat(32) },
  });
});

it('given no verdict can be reached, refuses: a check that could not be made is not passed', async () => {
  const releases = {
    newVersion: () => Promise.reject(new Error('AccessDenied')),
    report: async (reportedHook: ReleaseHook, verdict: Verdict) => void reported.push({ hook: reportedHook, verdict }),
  };
  const unused = () => Promise.reject(new Error('not to be called'));
  const verdict = await checkRelease(hook, {
    releases,
    uploads: { bucket: 'uploads', put: unused, remove: unused },
    steps: goodSteps(),
    renditions: { read: unused },
    renditionStore: { put: unused },
    known: knownImage,
  });
  expect(verdict).toEqual({ verdict: 'refused', reason: 'AccessDenied' });
  expect(reported).toEqual([{ hook, verdict }]);
});

it('given it may not see whether a rendition is gone, refuses', async () => {
  const denied: RenditionReader = { read: async () => ({ outcome: 'denied', message: 'AccessDenied: no' }) };
  expect(await check('RemoveRenditions', {}, denied)).toEqual({
    verdict: 'refused',
    reason: expect.stringContaining('AccessDenied: no'),
  });
});

describe.each(releasedSteps)('while a new version of %s is checked', (step) => {
  const names = ['releases', 'uploads', 'steps', 'renditions', 'renditionStore'] as const;
  const make = () => {
    begin();
    return portsFor(step);
  };

  it.each([
    ['before it took effect', false],
    ['after it took effect', true],
  ])('any call of AWS that fails %s refuses the release, or leaves it without a verdict', async (_, takesEffect) => {
    const ends = await withEachCallFailing({ make, names, takesEffect }, (ports) => checkRelease(hook, ports));
    const reports = ends.filter(({ call }) => call === 'releases.report');
    expect(ends.length - reports.length).toBeGreaterThan(3);
    for (const { call, ended } of ends.filter((end) => !reports.includes(end))) {
      const value = { verdict: 'refused', reason: whatFailed };
      expect({ call, ended }).toEqual({ call, ended: { status: 'fulfilled', value } });
    }
    // CodeDeploy waits for one in vain, and ends the deployment.
    expect(reports.map(({ ended: { status } }) => status)).toEqual(['rejected']);
  });

  it('takes the lent image back, whatever else fails', async () => {
    const left: string[] = [];
    await withEachCallFailing({ make, names, takesEffect: false }, async (ports) => {
      await checkRelease(hook, ports).catch(() => undefined);
      left.push(lent.map(({ key }) => key).join());
    });
    // Where it is the removal itself that fails, the bucket's lifecycle does it; and the last time nothing failed.
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
const rejectAll = async () => rejected('corrupt', 'The picture cannot be read.');

describe.each<[string, ReleasedStep, Partial<Steps>, string]>([
  ['comes to no decision', 'DispatchImages', { dispatch: async () => ({ undecided: 1 }) }, 'no decision'],
  ['rejects a good image', 'ExtractMetadata', { extractMetadata: rejectAll }, 'rejected'],
  ['rejects a good image', 'ResizeImage', { resizeImage: rejectAll }, 'rejected'],
  [
    'does not turn the picture upright',
    'ExtractMetadata',
    {
      async extractMetadata(name, task) {
        const result = await good.extractMetadata(name, task);
        if (result.outcome !== 'processed') return result;
        return { ...result, metadata: { ...result.metadata, width: 162, height: 1296 } };
      },
    },
    'width is 162 and should be 1296',
  ],
  [
    'read other bytes',
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
  ['renders at a wrong size', 'ResizeImage', renditionsWith((made) => ({ ...made, width: 1 })), 'width is 1'],
  ['says a wrong size in bytes', 'ResizeImage', renditionsWith((made) => ({ ...made, bytes: 1 })), 'should be 1'],
  [
    'says a wrong type',
    'ResizeImage',
    renditionsWith((made) => ({ ...made, contentType: 'text/plain' })),
    'contentType is text/plain',
  ],
  [
    'makes nothing of a group',
    'ResizeImage',
    { resizeImage: async () => ({ outcome: 'processed', renditions: [] }) },
    'not there',
  ],
  [
    'stores nothing',
    'ResizeImage',
    {
      async resizeImage(_, task) {
        return resizeImage(task, { uploads, codec, renditions: new InMemoryRenditionStore() });
      },
    },
    'cannot be read: NoSuchKey',
  ],
  [
    'stores it as something else',
    'ResizeImage',
    {
      async resizeImage(_, task) {
        const renditions = {
          put: (key: string, bytes: Bytes) => stored.put(key, bytes, 'binary/octet-stream'),
          list: stored.list.bind(stored),
          remove: stored.remove.bind(stored),
        };
        return resizeImage(task, { uploads, codec, renditions });
      },
    },
    'binary/octet-stream',
  ],
  ['removes nothing', 'RemoveRenditions', { removeRenditions: async () => removed(0) }, 'removed 0'],
  ['says so without removing it', 'RemoveRenditions', { removeRenditions: async () => removed(1) }, 'still there'],
])('a version that %s (%s)', (_, step, broken, reason) => {
  it('is refused, and the reason says it', async () => {
    expect(await check(step, broken)).toEqual({ verdict: 'refused', reason: expect.stringContaining(reason) });
  });
});
