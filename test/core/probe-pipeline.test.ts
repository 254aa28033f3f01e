import { describe, expect, it } from 'vitest';
import { probePrefix } from '../../core/names.ts';
import { renditionGroups } from '../../core/presets.ts';
import type { KnownImage } from '../../core/watch/ports.ts';
import { probePipeline } from '../../core/watch/probe-pipeline.ts';
import { whatFailed, withEachCallFailing } from '../support/failing-calls.ts';
import { InMemoryPipeline, pictureBytes } from '../support/in-memory-pipeline.ts';
import { photoHeader } from '../support/stub-image-codec.ts';

const image: KnownImage = { bytes: pictureBytes('jpeg', 4000, 3000), contentType: 'image/jpeg', header: photoHeader };
const WAIT_MILLIS = 10_000;
const probe = ({ ports }: InMemoryPipeline) => probePipeline(ports, { image, waitMillis: WAIT_MILLIS });

function pipelineWith(faults: Partial<InMemoryPipeline>): InMemoryPipeline {
  return Object.assign(new InMemoryPipeline(), faults);
}

describe('given a pipeline that works', () => {
  it('the probe is healthy, says how long it took, and whose line to look for', async () => {
    const verdict = await probe(pipelineWith({ readyAfterMillis: 2_000 }));
    expect(verdict).toEqual({
      verdict: 'healthy',
      key: expect.stringMatching(new RegExp(`^${probePrefix}[0-9a-f-]{36}\\.jpg$`)),
      imageId: expect.stringMatching(/^[0-9a-f]{32}$/),
      correlationId: 'correlation-1',
      readyMillis: 2_000,
    });
  });

  it('it is healthy where events name no version, too', async () => {
    expect(await probe(pipelineWith({ knowsVersions: false }))).toMatchObject({ verdict: 'healthy' });
  });

  it('no two probes share a key, and nothing of them stays', async () => {
    const pipeline = new InMemoryPipeline();
    const [one, other] = [await probe(pipeline), await probe(pipeline)];
    expect(one.key).not.toBe(other.key);
    expect([...pipeline.uploads.keys()]).toEqual([]);
  });
});

const avif = renditionGroups.flatMap(({ presets }) => presets).find(({ format }) => format === 'avif')?.name ?? 'none';
const onlyAvif = (
  change: (right: { bytes: ReturnType<typeof pictureBytes>; contentType: string | undefined }) => object,
) =>
  pipelineWith({
    file: (rendition, right) => (rendition.preset === avif ? { ...right, ...change(right) } : right),
  });

describe.each<[what: string, pipeline: InMemoryPipeline, reason: string, message: RegExp]>([
  ['never decides', pipelineWith({ readyAfterMillis: Number.POSITIVE_INFINITY }), 'late', /within 10 seconds/],
  ['decides a moment too late', pipelineWith({ readyAfterMillis: WAIT_MILLIS + 1 }), 'late', /within 10 seconds/],
  [
    'has a record of another version only',
    pipelineWith({ record: (right) => ({ ...right, version: 'another' }) }),
    'late',
    /no record/,
  ],
  [
    'rejects a good picture',
    pipelineWith({
      record: ({ metadata: _, renditions: __, ...told }) => ({
        ...told,
        outcome: 'rejected',
        reason: 'corrupt',
        message: 'It is torn.',
      }),
    }),
    'rejected',
    /corrupt: It is torn/,
  ],
  [
    'fails',
    pipelineWith({ record: (right) => ({ ...right, outcome: 'failed', message: 'AccessDenied on resize-image' }) }),
    'failed',
    /AccessDenied on resize-image/,
  ],
  [
    'finds it deleted by somebody',
    pipelineWith({
      record: ({ metadata: _, renditions: __, ...told }) => ({ ...told, outcome: 'deleted', expiresAt: 1 }),
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
    new RegExp(`lists no ${avif}`),
  ],
  [
    'lists none',
    pipelineWith({ record: (right) => ({ ...right, renditions: [] }) }),
    'missing-rendition',
    new RegExp(`lists no .+, ${avif}`),
  ],
  [
    'stores all renditions but one',
    pipelineWith({ file: (rendition, right) => (rendition.preset === avif ? undefined : right) }),
    'wrong-rendition',
    /cannot be read: AccessDenied/,
  ],
  [
    'stores one that is no picture',
    onlyAvif(({ bytes }) => ({ bytes: bytes.map(() => 0) })),
    'wrong-rendition',
    /no picture: It is torn/,
  ],
  [
    'stores one of another format',
    onlyAvif(() => ({ bytes: pictureBytes('webp', 1280, 1707) })),
    'wrong-rendition',
    /it is image\/avif \(webp/,
  ],
  [
    'stores one of another size',
    onlyAvif(() => ({ bytes: pictureBytes('avif', 1280, 1280) })),
    'wrong-rendition',
    /it is image\/avif \(avif, 1280 × 1280/,
  ],
  [
    'stores one as another type',
    onlyAvif(() => ({ contentType: 'application/octet-stream' })),
    'wrong-rendition',
    /it is application\/octet-stream/,
  ],
  [
    'stores one with more bytes than it says',
    onlyAvif(({ bytes }) => ({ bytes: new Uint8Array([...bytes, 32]) })),
    'wrong-rendition',
    /bytes/,
  ],
  [
    'records another size than the preset demands',
    pipelineWith({
      file: (_, right) => right,
      record: (right) => ({
        ...right,
        renditions: right.renditions.map((rendition) => ({ ...rendition, width: rendition.width - 1 })),
      }),
    }),
    'wrong-rendition',
    /its record says/,
  ],
  [
    'keeps what was deleted',
    pipelineWith({ removedAfterMillis: Number.POSITIVE_INFINITY }),
    'not-removed',
    /not removed within 10/,
  ],
  [
    'writes a tombstone and stops there',
    pipelineWith({ finishesRemovals: false }),
    'not-removed',
    /not removed within 10/,
  ],
])('given a pipeline that %s', (_, pipeline, reason, message) => {
  it(`the probe fails as ${reason}, and its picture is gone`, async () => {
    const verdict = await probe(pipeline);
    expect(verdict).toMatchObject({ verdict: 'failed', reason, message: expect.stringMatching(message) });
    expect(verdict.key).toContain(probePrefix);
    expect([...pipeline.uploads.keys()]).toEqual([]);
  });
});

describe('given that the probe itself cannot work', () => {
  it('and its upload fails, it throws, and deletes nothing', async () => {
    const pipeline = pipelineWith({ uploadFails: new Error('SlowDown') });
    await expect(probe(pipeline)).rejects.toThrow('SlowDown');
    expect(pipeline.removals).toEqual([]);
  });

  it('and the record cannot be read, it throws after it has deleted its picture', async () => {
    const pipeline = pipelineWith({ lookFails: new Error('ProvisionedThroughputExceeded') });
    await expect(probe(pipeline)).rejects.toThrow('ProvisionedThroughputExceeded');
    expect([...pipeline.uploads.keys()]).toEqual([]);
  });
});

describe.each([
  ['before it took effect', false],
  ['after it took effect', true],
])('given a call of AWS that fails %s, whichever it is', (_, takesEffect) => {
  it('no probe is healthy: it throws what it met', async () => {
    const names = ['uploads', 'catalogue', 'renditions'] as const;
    const make = () => new InMemoryPipeline().ports;
    const ends = await withEachCallFailing({ make, names, takesEffect }, (ports) =>
      probePipeline(ports, { image, waitMillis: WAIT_MILLIS }),
    );
    expect(new Set(ends.map(({ call }) => call))).toEqual(
      new Set(['uploads.put', 'uploads.remove', 'catalogue.find', 'renditions.read']),
    );
    for (const { call, ended } of ends)
      expect({ call, ended }).toEqual({ call, ended: { status: 'rejected', reason: new Error(whatFailed) } });
  });
});
