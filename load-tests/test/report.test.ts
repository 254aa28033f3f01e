import { beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../runner/ledger.ts';
import { byStep } from '../runner/processor-time.ts';
import { caveats, checkTable, galleryTimes, reportPage } from '../runner/report.ts';
import { percentiles, problemsOf, type RunResult, runResult, saturation, waits } from '../runner/result.ts';

const start = Date.parse('2026-01-01T12:00:00Z');
const change = (number: number, fields: Partial<Change> = {}): Change => ({
  number,
  user: number,
  key: `load/run/${number}.jpg`,
  kind: 'upload',
  class: 'small',
  bytes: 1000,
  startedAt: start + number * 1000,
  requestMillis: 20,
  names: [`version-${number}`],
  decidedAt: start + number * 1000 + 500,
  outcome: 'processed',
  ...fields,
});
const run = (fields: Partial<RunResult> = {}): RunResult => ({
  schemaVersion: 2,
  id: '2026-01-01T12-00-00-ramp',
  scenario: 'ramp',
  title: 'Ramp',
  target: { kind: 'emulator', endpoint: 'https://127.0.0.1:4566' },
  seed: 1,
  scale: 1,
  machine: 'a laptop',
  processors: 2,
  startedAt: new Date(start).toISOString(),
  endedAt: new Date(start + 30_000).toISOString(),
  phases: [
    { name: 'few', duration: 10, arrivalCount: 10 },
    { name: 'more', duration: 10, arrivalCount: 10 },
  ],
  passed: true,
  problems: [],
  checks: [
    { expression: 'ready.all.ms.p95 < 1000', passed: true, metrics: { 'ready.all.ms.p95': 500 } },
    {
      expression: 'changes.sent == changes.decided + changes.deadLettered',
      passed: true,
      metrics: { 'changes.sent': 20, 'changes.decided': 20, 'changes.deadLettered': 0 },
    },
  ],
  reconciliation: { sent: 20, decided: 20, deadLetters: 0, lost: [], notInTime: [] },
  changes: Array.from({ length: 20 }, (_, number) => change(number)),
  samples: [
    { at: start, waiting: 0, inWork: 1, deadLetters: 0, undelivered: 0 },
    { at: start + 12_000, waiting: 7, inWork: 4, deadLetters: 0, undelivered: 0 },
    { at: start + 25_000, waiting: 0, inWork: 0, deadLetters: 0, undelivered: 0 },
  ],
  lambda: [],
  ...fields,
});

let plainPage: string;
beforeAll(async () => {
  plainPage = await reportPage(run(), undefined);
});

it('a result is read as it was written', () => {
  expect(runResult.parse(JSON.parse(JSON.stringify(run())))).toEqual(run());
});

it('a percentile is a wait that occurred', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentiles(hundred)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, most: 100 });
  expect(percentiles([7])).toMatchObject({ p50: 7, p99: 7 });
});

it('waiting times are listed by size, and separately for rejections, deletions and the PUT', () => {
  const changes = [
    change(0, { class: 'thumb', decidedAt: start + 100 }),
    change(1, { class: 'corrupt', outcome: 'rejected', decidedAt: start + 1300 }),
    change(2, { kind: 'delete', outcome: 'deleted', decidedAt: start + 2400 }),
    change(3, { outcome: 'superseded' }),
  ];
  expect(waits(changes).map(({ name, count, p50 }) => [name, count, p50])).toEqual([
    ['upload → ready, thumb', 1, 100],
    ['upload → ready, all', 1, 100],
    ['upload → rejected', 1, 300],
    ['delete → done', 1, 400],
    ['change → superseded', 1, 500],
    ['PUT request', 3, 20],
  ]);
});

it('a wait in the gallery is divided into its parts, and the share outside the pipeline is in the report', async () => {
  const inGallery = (number: number, fields: Partial<Change> = {}) =>
    change(number, {
      requestMillis: 100,
      publishedAt: start + number * 1000 + 800,
      toldAt: start + number * 1000 + 900,
      decidedAt: start + number * 1000 + 1000,
      ...fields,
    });
  const changes = [
    inGallery(0),
    inGallery(1),
    inGallery(2, { class: 'corrupt', outcome: 'rejected', decidedAt: start + 2000 + 900 }),
    inGallery(3, { outcome: undefined, decidedAt: undefined, toldAt: undefined, publishedAt: undefined }),
  ];
  expect(waits(changes).map(({ name, count, p50 }) => [name, count, p50])).toEqual([
    ['drop → picture, small', 2, 1000],
    ['drop → picture, all', 2, 1000],
    ['outside the pipeline', 2, 300],
    ['event → picture', 2, 200],
    ['drop → rejected', 1, 900],
    ['ticket and upload', 4, 100],
  ]);
  // Of the last phase, here that of the second user and those after.
  changes[0] = inGallery(0, { decidedAt: start + 60_000 });
  const phases = [1, 3].map((arrivalCount) => ({ name: 'phase', duration: 1, arrivalCount }));
  const sentence =
    'In the last phase, 30 % of the time from drop to picture passed outside the pipeline: 10 % until the file was stored, ' +
    'and 20 % from the event of the result to the picture.';
  expect(galleryTimes(run({ changes, phases }))).toEqual([sentence]);
  expect(await reportPage(run({ changes, phases }), undefined)).toContain(sentence);
  expect(galleryTimes(run())).toEqual([]);
});

it('saturation is described in numbers: how deep, when, how fast, how long to drain', () => {
  const slow = run({
    changes: Array.from({ length: 20 }, (_, number) => change(number, { decidedAt: start + 10_000 + number * 1000 })),
    lambda: [{ at: start, function: 'ResizeImage', metric: 'Throttles', value: 3 }],
  });
  expect(saturation(slow)).toEqual({
    ...{ deepest: 7, deepestAt: 12, drained: 10, rate: 1, deadLetters: 0 },
    calls: { errors: 0, throttles: 3 },
  });
});

describe('a load test that falls behind', () => {
  const phases = [{ name: 'steady', duration: 20, arrivalCount: 20 }];
  // The first user arrives after a pause, like all others.
  const arrivals = (late: (user: number) => number) => ({
    phases,
    changes: Array.from({ length: 20 }, (_, user) =>
      change(user, { arrivedAt: start + (user + 1) * 1000 + late(user) }),
    ),
  });
  const problems = (late: (user: number) => number) =>
    problemsOf({ plannedChanges: 20, lost: 0, notInTime: 0, notShown: 0, problem: undefined, ...arrivals(late) });

  it('fails if a user arrived more than a second later than planned, and says by how much', () => {
    expect(problems((user) => (user === 7 ? 1000 : 0))).toEqual([]);
    expect(problems((user) => (user === 7 ? 1300 : 0))).toEqual([expect.stringContaining('up to 1.3 s later')]);
  });

  it('is measured from the most punctual user, even if the first one was late', () => {
    expect(problems((user) => (user === 0 ? 1300 : 0))).toHaveLength(1);
    expect(problems(() => 5000)).toEqual([]);
  });

  it('is in the report, and left out if a result does not record it', async () => {
    const late = run(arrivals((user) => (user < 5 ? 0 : 250)));
    expect(caveats(late)).toEqual(['Users arrived up to 250 ms later than planned.']);
    expect(await reportPage(late, undefined)).toContain('Users arrived up to 250 ms later than planned.');
    expect(caveats(run())).toEqual([]);
  });
});

it('a metric that is not published is not reported as zero', () => {
  expect(saturation(run()).calls).toBeUndefined();
  expect(plainPage).toContain('does not publish');
});

it('the page shows the verdict, the totals, every check and every plot', () => {
  const page = plainPage;
  expect(page).toContain('<span class="passed">passed</span>');
  expect(page).toContain('The queue grew to 7 messages after 12 s');
  expect(page).toContain('ready.all.ms.p95 &lt; 1000');
  for (const title of ['Arrivals', 'Upload → ready', 'Queue depth', 'Concurrency']) {
    expect(page).toMatch(new RegExp(`<h2>${title}</h2>(?:(?!</figure>)[^])*<svg`));
  }
});

it('errors are plotted if there are any: refused requests, dead letters, throttled functions', async () => {
  const plot = /<h2>Errors<\/h2>(?:(?!<\/figure>).)*<svg/s;
  expect(plainPage).not.toMatch(plot);
  const troubles: readonly Partial<RunResult>[] = [
    { changes: [...run().changes, change(20, { problem: 'SlowDown', decidedAt: undefined, outcome: undefined })] },
    { samples: [...run().samples, { at: start + 29_000, waiting: 0, inWork: 0, deadLetters: 1, undelivered: 0 }] },
    { lambda: [{ function: 'ResizeImageFunction', metric: 'Throttles', at: start + 5000, value: 2 }] },
  ];
  for (const trouble of troubles) expect(await reportPage(run(trouble), undefined)).toMatch(plot);
});

it('each threshold is shown with its measurement and the remaining room', () => {
  const page = plainPage;
  expect(page).toContain('500 ms of 1.0 s, 50 % left');
  expect(page).toContain('20 == 20 + 0');
  expect(checkTable(run())).toMatch(/^ok +ready\.all\.ms\.p95 < 1000 +500 ms of 1\.0 s, 50 % left$/m);
  const slow = { expression: 'deleted.ms.p95 < 1000', passed: false, metrics: { 'deleted.ms.p95': 1250 } };
  expect(checkTable(run({ checks: [slow] }))).toMatch(/^FAIL +deleted\.ms\.p95 < 1000 +1\.3 s of 1\.0 s, 25 % over$/m);
});

it('a threshold without a measurement says so', () => {
  const never = { expression: 'deleted.ms.p95 < 1000', passed: false, metrics: {} };
  expect(checkTable(run({ checks: [never] }))).toMatch(/^FAIL +deleted\.ms\.p95 < 1000 +not measured$/m);
});

it('processor time by program and busy workers are plotted if the operating system reports them', async () => {
  const spent = {
    ...byStep(() => 0),
    DispatchImages: 50,
    ExtractMetadata: 100,
    ResizeImage: 1200,
    emulator: 300,
    load: 100,
    others: 20,
  };
  const none = { alive: 0, busy: 0 };
  const processes = {
    ...byStep(() => none),
    DispatchImages: { alive: 2, busy: 1 },
    ResizeImage: { alive: 8, busy: 7 },
  };
  const samples = run().samples.map((sample) => ({ ...sample, processor: { millis: spent, processes } }));
  const page = await reportPage(run({ samples }), undefined);
  const [, concurrency, processors] = /<h2>Concurrency<\/h2>(.*?)<h2>Processors<\/h2>(.*?)<h2>/s.exec(page) ?? [];
  expect(concurrency).toContain('ResizeImage');
  expect(concurrency).not.toContain('ExtractMetadata');
  for (const name of ['ExtractMetadata', 'the emulator', 'other programs']) expect(processors).toContain(name);
  expect(plainPage).not.toContain('<h2>Processors');
});

it('a run next to other busy programs warns against comparing its figures', async () => {
  const none = { alive: 0, busy: 0 };
  const processes = byStep(() => none);
  const share = (others: number) => ({
    processes,
    millis: { ...byStep(() => 0), ResizeImage: 900, emulator: 0, load: 0, others },
  });
  // A sample covers the time since the previous one; here, the second includes much from before the first request.
  const samples = [{ at: start - 10_000, waiting: 0, inWork: 0, deadLetters: 0, undelivered: 0 }, ...run().samples];
  const withOthers = (cores: number) =>
    run({
      samples: samples.map((sample, index, all) => ({
        ...sample,
        processor: share(index < 2 ? 99_000 : cores * (sample.at - (all[index - 1]?.at ?? 0))),
      })),
    });
  expect(caveats(withOthers(0.2))).toEqual([]);
  const line = 'Other programs used 0.3 of 2 processors on average';
  expect(caveats(withOthers(0.3))).toEqual([expect.stringContaining(line)]);
  expect(await reportPage(withOthers(0.3), undefined)).toContain(line);
  expect(caveats(run())).toEqual([]);
});

it('a failed run says so, and why', async () => {
  const lost = { number: 3, key: 'load/run/3.jpg', kind: 'upload' } as const;
  const page = await reportPage(
    run({
      passed: false,
      problems: ['1 change is lost.'],
      reconciliation: { sent: 20, decided: 19, deadLetters: 0, lost: [lost], notInTime: [] },
    }),
    undefined,
  );
  expect(page).toContain('<span class="failed">failed</span>');
  expect(page).toContain('<li class="failed">1 change is lost.</li>');
  expect(page).toContain('Not all were decided before the run ended.');
  expect(page).not.toContain('All were decided');
});

it('a run fails for lost changes, changes not decided in time, and uploads not shown in the gallery, each with its own message', async () => {
  const ended = { plannedChanges: 20, notShown: 0, problem: undefined, phases: run().phases, changes: run().changes };
  expect(problemsOf({ ...ended, lost: 0, notInTime: 0 })).toEqual([]);
  expect(problemsOf({ ...ended, lost: 2, notInTime: 0 })).toEqual([expect.stringMatching(/^2 changes are lost/)]);
  expect(problemsOf({ ...ended, lost: 0, notInTime: 3 })).toEqual([
    expect.stringMatching(/^3 changes were not decided in time/),
  ]);
  expect(problemsOf({ ...ended, lost: 0, notInTime: 0, notShown: 4 })).toEqual([
    expect.stringMatching(/^4 uploads were stored, and the gallery never showed/),
  ]);
  const open = { number: 3, key: 'load/run/3.jpg', kind: 'upload' } as const;
  const reconciliation = { sent: 20, decided: 19, deadLetters: 0, lost: [], notInTime: [open] };
  const page = await reportPage(run({ reconciliation }), undefined);
  expect(page).toContain('<b>1</b><span>not decided in time</span>');
  expect(page).toContain('Not all were decided before the run ended.');
});

it('an earlier run is shown next to every figure', async () => {
  const earlier = run({ id: 'the-one-before', changes: [change(0, { decidedAt: start + 9000 })] });
  const page = await reportPage(run(), earlier);
  expect(page).toContain('the-one-before');
  expect(page).toContain('500 ms<small> (9.0 s)</small>');
  expect(page).toContain('earlier run');
});

it('a run without changes is still plotted', async () => {
  await expect(reportPage(run({ changes: [], samples: [] }), undefined)).resolves.toContain('<svg');
});

it('a chart that is wider than a phone says so, because phones hide scroll bars', async () => {
  const page = plainPage;
  const charts = page.match(/<figure.*?<svg/gs) ?? [];
  expect(charts.length).toBeGreaterThan(3);
  for (const chart of charts) expect(chart).toContain('<p class="scrolls">Scroll sideways to see all of it.</p>');
  // Shown only where the least width of a chart exceeds that of the page.
  expect(page).toMatch(/@media \(max-width: 36rem\) \{ \.scrolls \{ display: block; \} \}/);
  expect(page).toMatch(/@media \(max-width: 64rem\) \{ \.wide \.scrolls \{ display: block; \} \}/);
});
