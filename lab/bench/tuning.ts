/** libvips' threads, cache and vector code, V8's heap and malloc's arenas: each setting compared with its default. */
import { fileURLToPath } from 'node:url';
import { showSummary, summarise } from '../summary.ts';
import { table } from '../table.ts';
import { type Job, renderInProcess } from './render-in-process.ts';

const ROUNDS = 3;
const PICTURES = 8;
const file = fileURLToPath(new URL('../../test/fixtures/photos/book-d90-12mp.jpg', import.meta.url));

const ways: Readonly<Record<string, Pick<Job, 'settings' | 'arenas'>>> = {
  '**as deployed**: concurrency 1, no cache, MALLOC_ARENA_MAX=2': {},
  'sharp.concurrency(2)': { settings: { concurrency: 2 } },
  'sharp.cache(true)': { settings: { cache: true } },
  'sharp.simd(false)': { settings: { simd: false } },
  'V8 heap may grow fivefold before collection': { settings: { heapGrowingPercent: 400 } },
  'MALLOC_ARENA_MAX=1': { arenas: '1' },
  'MALLOC_ARENA_MAX unset': { arenas: undefined },
  'all at their defaults': {
    settings: { concurrency: 2, cache: true },
    arenas: undefined,
  },
};

export async function benchTuning(): Promise<string> {
  const runs = new Map(Object.keys(ways).map((way): [string, ReturnType<typeof renderInProcess>[]] => [way, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [way, settings] of Object.entries(ways)) {
      runs.get(way)?.push(renderInProcess({ file, job: 'all', times: PICTURES, ...settings }));
    }
  }
  const [deployed = []] = runs.values();
  const rows = [...runs].map(([way, reports]) => {
    const ratio = (read: 'cpu' | 'wall' | 'megabytes') =>
      showSummary(summarise(reports.map((report, round) => report[read] / (deployed[round]?.[read] ?? Number.NaN))), 2);
    return [way, ratio('cpu'), ratio('wall'), ratio('megabytes')];
  });
  const peak = showSummary(summarise(deployed.map(({ megabytes }) => megabytes)));
  return [
    `The 12-megapixel photograph ${PICTURES} times through all groups in a fresh process, relative to the deployed settings ` +
      `(medians of ${ROUNDS} interleaved rounds, least–most), whose peak is ${peak} MB. This machine has two cores; a Lambda of ` +
      '1,769 MB has one, where a second thread saves no time.',
    table(['one setting changed', 'CPU', 'time', 'peak memory'], rows),
  ].join('\n\n');
}
