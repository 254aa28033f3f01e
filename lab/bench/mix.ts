/** The CPU time and the price of what phones and cameras send, compared with an earlier commit. */
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { type Preset, renditionGroups } from '../../core/presets.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { onceStopped } from '../../scripts/terminal/stop-on-signals.ts';
import { deploymentOf } from '../cost/deployment.ts';
import { imageHeader, keptMeasurements, type Measured, type MeasuredUpload, type Times } from '../cost/measured.ts';
import { costPerImage, type Mix } from '../cost/model.ts';
import { type Summary, showSummary, summarise } from '../summary.ts';
import { table } from '../table.ts';
import { type LineWorker, startLineWorker } from './line-worker.ts';
import { mixUploads } from './mix-uploads.ts';
import { pastCheckout } from './past-checkout.ts';

const ROUNDS = 7;
const script = fileURLToPath(new URL('mix-worker.ts', import.meta.url));

const answer = z.object({
  bytes: z.int(),
  header: imageHeader,
  /** CPU time in ms. */
  reference: z.number(),
  metadata: z.number(),
  groups: z.array(
    z.object({
      name: z.string(),
      cpu: z.number(),
      renditions: z.array(z.object({ preset: z.string(), bytes: z.int() })),
    }),
  ),
});
type Answer = z.infer<typeof answer>;

/** By upload: one answer for each round. */
type Answers = ReadonlyMap<string, readonly Answer[]>;

export async function benchMix(_write: boolean, against?: string): Promise<string> {
  const past = against === undefined ? undefined : pastCheckout(against);
  const start = (directory: string) =>
    startLineWorker(process.execPath, [script, directory], projectDirectory, { MALLOC_ARENA_MAX: '2' });
  const now = start(projectDirectory);
  const before = past && start(past.directory);
  const end = async () => {
    await Promise.all([now.end(), before?.end()]);
    past?.remove();
  };
  onceStopped((exitCode) => void end().finally(() => process.exit(exitCode)));
  try {
    const [ours = new Map(), theirs] = await measure(before === undefined ? [now] : [now, before]);
    return report(ours, theirs, past?.commit);
  } finally {
    await end();
  }
}

async function measure(workers: readonly LineWorker[]): Promise<readonly Answers[]> {
  const answers = workers.map(() => new Map<string, readonly Answer[]>());
  for (const [name, { file }] of Object.entries(mixUploads)) {
    const each = await inRounds(workers, { file: await file() });
    for (const [at, rounds] of each.entries()) answers[at]?.set(name, rounds);
  }
  return answers;
}

/** Each worker's answers. All workers answer in each round, in changing order, so that other load affects them equally. */
async function inRounds(workers: readonly LineWorker[], question: object): Promise<readonly (readonly Answer[])[]> {
  const rounds: Answer[][] = [];
  // The first is a warm-up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const order = [...workers.entries()];
    const given = new Map<number, Answer>();
    for (const [at, worker] of round % 2 === 0 ? order : order.reverse()) {
      given.set(at, await worker.ask(question, answer));
    }
    rounds.push(workers.flatMap((_, at) => given.get(at) ?? []));
  }
  return workers.map((_, at) => rounds.slice(1).flatMap((round) => round[at] ?? []));
}

// ── Report ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const cpuOf = ({ metadata, groups }: Answer) => groups.reduce((sum, { cpu }) => sum + cpu, metadata);

function report(ours: Answers, theirs: Answers | undefined, commit: string | undefined): string {
  const cpu = (answers: Answers | undefined, name: string) => (answers?.get(name) ?? []).map(cpuOf);
  const row = (name: string, share: string, now: readonly number[], before: readonly number[]) => [
    name,
    share,
    showSummary(summarise(now)),
    ...(theirs === undefined ? [] : [showSummary(summarise(before)), showSummary(ratio(now, before), 2)]),
  ];
  const weighted = (answers: Answers | undefined) =>
    Array.from({ length: ROUNDS }, (_, round) =>
      Object.entries(mixUploads).reduce(
        (sum, [name, { share }]) => sum + (share / 100) * (cpu(answers, name)[round] ?? Number.NaN),
        0,
      ),
    );
  const columns = ['upload', 'share, %', 'CPU ms', ...(commit === undefined ? [] : [`CPU ms at ${commit}`, 'ratio'])];
  return [
    `What phones and cameras send, described and rendered with all presets: CPU ms, medians of ${ROUNDS} interleaved rounds (least–most).`,
    table(columns, [
      ...Object.entries(mixUploads).map(([name, { share }]) =>
        row(name, String(share), cpu(ours, name), cpu(theirs, name)),
      ),
      row('**the mix**', '100', weighted(ours), theirs === undefined ? [] : weighted(theirs)),
    ]),
    'Where the shares come from:',
    table(
      ['upload', 'share, %', 'source'],
      Object.entries(mixUploads).map(([name, { share, source }]) => [name, String(share), source]),
    ),
    'A million pictures of the mix on Lambda’s likely processor, and without some presets:',
    priceTable(ours, theirs, commit),
  ].join('\n\n');
}

function ratio(now: readonly number[], before: readonly number[]): Summary {
  return summarise(now.map((value, round) => value / (before[round] ?? Number.NaN)));
}

const without = (...names: readonly string[]) =>
  renditionGroups.map((group) => ({ ...group, presets: group.presets.filter(({ name }) => !names.includes(name)) }));

const choices: Readonly<Record<string, readonly { readonly name: string; readonly presets: readonly Preset[] }[]>> = {
  'all presets': renditionGroups,
  'without webp-1920': without('webp-1920'),
  'without avif-1280': without('avif-1280'),
  'without both': without('webp-1920', 'avif-1280'),
  'without both, and without webp-320': without('webp-1920', 'avif-1280', 'webp-320'),
};

function priceTable(ours: Answers, theirs: Answers | undefined, commit: string | undefined): string {
  const deployment = deploymentOf('prod');
  const price = (answers: Answers, groups: (typeof choices)[string]) =>
    `$${(costPerImage(mix, { ...deployment, groups }, measuredFrom(answers)) * 1e6).toFixed(2)}`;
  return table(
    ['presets', 'US$ per million', ...(commit === undefined ? [] : [`at ${commit}`])],
    Object.entries(choices).map(([name, groups]) => [
      name,
      price(ours, groups),
      ...(theirs === undefined ? [] : [price(theirs, groups)]),
    ]),
  );
}

const mix: Mix = {
  name: 'what phones and cameras send',
  images: Object.entries(mixUploads).map(([upload, { share }]) => ({
    share: share / 100,
    image: { becomes: 'processed', upload },
  })),
};

/** In the form that the price is calculated from. Time that S3's client takes is that of the stored upload of the closest size. */
function measuredFrom(answers: Answers): Measured {
  const kept = keptMeasurements();
  const { memory } = deploymentOf('prod');
  const uploads = [...answers].map(([name, rounds]): MeasuredUpload => {
    const [first] = rounds;
    if (first === undefined) throw new Error(`${name} was not measured.`);
    const like = closest(kept.uploads, first.bytes);
    const times = (cpu: readonly number[], megabytes: number, { clientCpuMillis }: Times): Times => {
      const { median: millis, least, most } = summarise(cpu);
      return { cpuMillis: millis, clientCpuMillis, runs: [{ memory: megabytes, threads: 1, millis, least, most }] };
    };
    return {
      name,
      bytes: first.bytes,
      header: first.header,
      referenceCpuMillis: summarise(rounds.map(({ reference }) => reference)).median,
      metadata: times(
        rounds.map(({ metadata }) => metadata),
        memory.metadata,
        like.metadata,
      ),
      groups: first.groups.map(({ name: group, renditions }, at) => {
        const cpu = rounds.map(({ groups }) => groups[at]?.cpu ?? Number.NaN);
        return { name: group, renditions, ...times(cpu, memory.resize, like.groups[at] ?? like.metadata) };
      }),
      separateCpuMillis: Number.NaN,
      naiveCpuMillis: Number.NaN,
    };
  });
  return { ...kept, presets: renditionGroups.map(({ name, presets }) => ({ name, presets: [...presets] })), uploads };
}

function closest(uploads: readonly MeasuredUpload[], bytes: number): MeasuredUpload {
  const [first] = uploads.toSorted((one, other) => Math.abs(one.bytes - bytes) - Math.abs(other.bytes - bytes));
  if (first === undefined) throw new Error('There are no stored measurements.');
  return first;
}
