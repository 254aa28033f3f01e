import { describe, expect, it } from 'vitest';
import { probePrefix } from '../../core/names.ts';
import type { KnownImage } from '../../core/watch/ports.ts';
import { probePipeline } from '../../core/watch/probe-pipeline.ts';
import { exampleGroups } from '../support/example-presets.ts';
import { whatFailed, withEachCallFailing } from '../support/failing-calls.ts';
import { InMemoryPipeline, imageBytes } from '../support/in-memory-pipeline.ts';
import { photoHeader } from '../support/stub-image-codec.ts';

const image: KnownImage = { bytes: imageBytes('jpeg', 4000, 3000), contentType: 'image/jpeg', header: photoHeader };
const WAIT_MILLIS = 10_000;
const options = { knownImage: image, groups: exampleGroups, waitMillis: WAIT_MILLIS };
const probe = ({ ports }: InMemoryPipeline) => probePipeline(ports, options);

function pipelineWith(faults: Partial<InMemoryPipeline>): InMemoryPipeline {
  return Object.assign(new InMemoryPipeline(), faults);
}

describe('given a pipeline that works', () => {
  it('the probe is healthy and returns the time taken and the correlation id', async () => {
    const verdict = await probe(pipelineWith({ readyAfterMillis: 2_000 }));
    expect(verdict).toEqual({
      verdict: 'healthy',
      key: expect.stringMatching(new RegExp(`^${probePrefix}[0-9a-f-]{36}\\.jpg$`)),
      imageId: expect.stringMatching(/^[0-9a-f]{32}$/),
      correlationId: 'correlation-1',
      readyMillis: 2_000,
    });
  });

  it('the probe is healthy even if events carry no version id', async () => {
    expect(await probe(pipelineWith({ knowsVersions: false }))).toMatchObject({ verdict: 'healthy' });
  });

  it('each probe has its own key and leaves nothing behind', async () => {
    const pipeline = new InMemoryPipeline();
    const [one, other] = [await probe(pipeline), await probe(pipeline)];
    expect(one.key).not.toBe(other.key);
    expect([...pipeline.uploads.keys()]).toEqual([]);
  });
});

const avif = 'avif-1280';
const onlyAvif = (
  change: (right: { bytes: ReturnType<typeof imageBytes>; contentType: string | undefined }) => object,
) =>
  pipelineWith({
    file: (rendition, right) => (rendition.preset === avif ? { ...right, ...change(right) } : right),
  });

describe.each<[what: string, pipeline: InMemoryPipeline, reason: string, message: RegExp]>([
  ['never decides', pipelineWith({ readyAfterMillis: Number.POSITIVE_INFINITY }), 'late', /within 10 seconds/],
  ['decides a moment too late', pipelineWith({ readyAfterMillis: WAIT_MILLIS + 1 }), 'late', /within 10 seconds/],
  [
    'has only a record of another version',
    pipelineWith({ record: (right) => ({ ...right, version: 'another' }) }),
    'late',
    /No record/,
  ],
  [
    'rejects a good image',
    pipelineWith({
      record: ({ metadata: _, renditions: __, ...common }) => ({
        ...common,
        outcome: 'rejected',
        reason: 'corrupt',
        message: 'It is damaged.',
      }),
    }),
    'rejected',
    /corrupt: It is damaged/,
  ],
  [
    'fails',
    pipelineWith({ record: (right) => ({ ...right, outcome: 'failed', message: 'AccessDenied on resize-image' }) }),
    'failed',
    /AccessDenied on resize-image/,
  ],
  [
    'finds that someone else deleted it',
    pipelineWith({
      record: ({ metadata: _, renditions: __, ...common }) => ({ ...common, outcome: 'deleted', expiresAt: 1 }),
    }),
    'deleted',
    /before the probe/,
  ],
  [
    'lists all renditions but one',
    pipelineWith({
      record: (right) => ({ ...right, renditions: right.renditions.filter(({ preset }) => preset !== avif) }),
    }),
    'missing-rendition',
    new RegExp(`does not list ${avif}`),
  ],
  [
    'lists none',
    pipelineWith({ record: (right) => ({ ...right, renditions: [] }) }),
    'missing-rendition',
    new RegExp(`does not list .+, ${avif}`),
  ],
  [
    'stores all renditions but one',
    pipelineWith({ file: (rendition, right) => (rendition.preset === avif ? undefined : right) }),
    'wrong-rendition',
    /cannot be read: AccessDenied/,
  ],
  [
    'stores one that is not an image',
    onlyAvif(({ bytes }) => ({ bytes: bytes.map(() => 0) })),
    'wrong-rendition',
    /not an image: It is damaged/,
  ],
  [
    'stores one of another format',
    onlyAvif(() => ({ bytes: imageBytes('webp', 1280, 1707) })),
    'wrong-rendition',
    /the file is image\/avif \(webp/,
  ],
  [
    'stores one of another size',
    onlyAvif(() => ({ bytes: imageBytes('avif', 1280, 1280) })),
    'wrong-rendition',
    /the file is image\/avif \(avif, 1280 × 1280/,
  ],
  [
    'stores one with the wrong content type',
    onlyAvif(() => ({ contentType: 'application/octet-stream' })),
    'wrong-rendition',
    /the file is application\/octet-stream/,
  ],
  [
    'stores one with more bytes than recorded',
    onlyAvif(({ bytes }) => ({ bytes: new Uint8Array([...bytes, 32]) })),
    'wrong-rendition',
    /bytes/,
  ],
  [
    'records a size that does not match the preset',
    pipelineWith({
      file: (_, right) => right,
      record: (right) => ({
        ...right,
        renditions: right.renditions.map((rendition) => ({ ...rendition, width: rendition.width - 1 })),
      }),
    }),
    'wrong-rendition',
    /the record says/,
  ],
  [
    'does not remove the renditions',
    pipelineWith({ removedAfterMillis: Number.POSITIVE_INFINITY }),
    'not-removed',
    /not removed within 10/,
  ],
  [
    'writes a tombstone but does not finish the removal',
    pipelineWith({ finishesRemovals: false }),
    'not-removed',
    /not removed within 10/,
  ],
])('given a pipeline that %s', (_, pipeline, reason, message) => {
  it(`the probe fails as ${reason} and deletes its image`, async () => {
    const verdict = await probe(pipeline);
    expect(verdict).toMatchObject({ verdict: 'failed', reason, message: expect.stringMatching(message) });
    expect(verdict.key).toContain(probePrefix);
    expect([...pipeline.uploads.keys()]).toEqual([]);
  });
});

describe('given the probe itself cannot work', () => {
  it('because its upload fails, it throws and deletes nothing', async () => {
    const pipeline = pipelineWith({ uploadFails: new Error('SlowDown') });
    await expect(probe(pipeline)).rejects.toThrow('SlowDown');
    expect(pipeline.removals).toEqual([]);
  });

  it('because the record cannot be read, it throws after deleting its image', async () => {
    const pipeline = pipelineWith({ lookFails: new Error('ProvisionedThroughputExceeded') });
    await expect(probe(pipeline)).rejects.toThrow('ProvisionedThroughputExceeded');
    expect([...pipeline.uploads.keys()]).toEqual([]);
  });
});

describe.each([
  ['before it took effect', false],
  ['after it took effect', true],
])('given any AWS call fails %s', (_, takesEffect) => {
  it('the probe throws that error and never returns healthy', async () => {
    const names = ['uploader', 'catalogue', 'publishedRenditions'] as const;
    const make = () => new InMemoryPipeline().ports;
    const ends = await withEachCallFailing({ make, names, takesEffect }, (ports) => probePipeline(ports, options));
    expect(new Set(ends.map(({ call }) => call))).toEqual(
      new Set(['uploader.put', 'uploader.remove', 'catalogue.find', 'publishedRenditions.read']),
    );
    for (const { call, ended } of ends)
      expect({ call, ended }).toEqual({ call, ended: { status: 'rejected', reason: new Error(whatFailed) } });
  });
});
