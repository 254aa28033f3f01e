/**
 * The time of each worker for images of several sizes, on the share of CPU that Lambda gives at several memory sizes. `npm run
 * lab -- cost` and `npm run lab -- scale` use it.
 *
 * Written to bench/durations.json in the work directory; `npm run lab -- cost --write` copies it into the repository.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { median } from 'simple-statistics';
import * as z from 'zod';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { renditionGroups } from '../../core/presets.ts';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';
import { onceStopped } from '../../scripts/terminal/stop-on-signals.ts';
import { openImage } from '../../test/support/open-image.ts';
import { deploymentOf } from '../cost/deployment.ts';
import { lastBenchFile, type Measured, type MeasuredUpload, type Run, type Times } from '../cost/measured.ts';
import { MEGABYTES_PER_VCPU } from '../cost/model.ts';
import { memorySizes } from '../cost/power-tuning.ts';
import { showSummary, summarise } from '../summary.ts';
import { table } from '../table.ts';
import { type CpuShares, cpuShares } from './cpu-shares.ts';
import { type LineWorker, startLineWorker, workerCost } from './line-worker.ts';
import { startLocalS3 } from './local-s3.ts';

const ROUNDS = 7;
// Fewer for the approaches that are only compared: they take as long as all the rest, and their noise is relatively small.
const COMPARED_ROUNDS = 3;
// More for S3's client: it is brief, and a garbage collection doubles it.
const CLIENT_ROUNDS = 15;
const script = fileURLToPath(new URL('upload-worker.ts', import.meta.url));
const project = (path: string) => join(projectDirectory, path);

/** Each a file. */
const uploads: Readonly<Record<string, () => string | Promise<string>>> = {
  'photo-12mp-detailed': () => project('docs/samples/tomatoes-5d-portrait-12mp.jpg'),
  'photo-12mp': () => project('test/fixtures/photos/book-d90-12mp.jpg'),
  'photo-8mp': () => project('docs/samples/flowers-iphone5-gps-8mp.jpg'),
  'photo-3mp': () => shrunk('docs/samples/flowers-iphone5-gps-8mp.jpg', 2048),
  'web-jpeg': () => project('docs/samples/rocket.jpg'),
  'web-png': () => project('docs/samples/coffee.png'),
};

const groupNames = renditionGroups.map(({ name }) => name);
const jobs = ['metadata', ...groupNames];
const clientJobs = jobs.map((job) => `s3:${job}`);
/** In a separate worker, because they change its memory. Only their CPU time counts, which no share changes. */
const comparedJobs = ['separate', 'naive'];

interface Contender {
  readonly memory: number;
  readonly threads: number;
  readonly jobs: readonly string[];
  readonly rounds: number;
  readonly worker: LineWorker;
}

const answer = workerCost.extend({
  renditions: z.array(z.object({ preset: z.string(), bytes: z.int() })).default([]),
});
type Answer = z.infer<typeof answer>;

export async function benchDurations(): Promise<string> {
  const files: Record<string, string> = {};
  for (const [name, path] of Object.entries(uploads)) files[name] = await path();
  const s3 = await startLocalS3(files);
  const shares = cpuShares();
  const contenders = startWorkers(shares, s3.environment);
  const end = async () => {
    for (const { worker } of contenders) await worker.end();
    shares?.end();
    s3.end();
  };
  onceStopped((exitCode) => void end().finally(() => process.exit(exitCode)));
  try {
    const measured: Measured = {
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
      cores: cpus().length,
      node: process.version,
      sharp: sharp.versions.sharp ?? 'unknown',
      presets: renditionGroups.map(({ name, presets }) => ({ name, presets: [...presets] })),
      uploads: await measureAll(contenders, files),
    };
    mkdirSync(dirname(lastBenchFile), { recursive: true });
    writeFileSync(lastBenchFile, `${JSON.stringify(measured, null, 2)}\n`);
    return show(measured, shares !== undefined);
  } finally {
    await end();
  }
}

const bySize = (one: Contender, other: Contender) => one.memory - other.memory || one.threads - other.threads;

const deployed = deploymentOf('prod').memory;
const isDeployed = ({ memory, threads }: Pick<Contender, 'memory' | 'threads'>) =>
  memory === deployed.resize && threads === 1;

/** One per memory size, and another with two threads where there are two vCPUs. */
function startWorkers(
  shares: CpuShares | undefined,
  environment: Readonly<Record<string, string>>,
): readonly Contender[] {
  // Without shares a worker has a whole CPU, the most that one thread can use at any size.
  const sizes = new Set([deployed.metadata, deployed.resize, ...(shares === undefined ? [] : memorySizes)]);
  const start = (memory: number, threads: number, own: readonly string[], rounds: number): Contender => {
    const worker = startLineWorker(process.execPath, [script, String(threads)], projectDirectory, {
      ...environment,
      // As template.yaml has it.
      MALLOC_ARENA_MAX: '2',
    });
    shares?.limit(worker.pid, memory / MEGABYTES_PER_VCPU);
    return { memory, threads, jobs: own, rounds, worker };
  };
  const ways = [...sizes]
    .filter((memory) => shares !== undefined || memory >= MEGABYTES_PER_VCPU)
    .flatMap((memory) => (memory < 2 * MEGABYTES_PER_VCPU ? [1] : [1, 2]).map((threads) => ({ memory, threads })));
  return [
    ...ways.map(({ memory, threads }) => {
      const alsoReference = isDeployed({ memory, threads }) ? ['reference'] : [];
      return start(memory, threads, [...jobs, ...alsoReference], ROUNDS);
    }),
    start(deployed.resize, 1, clientJobs, CLIENT_ROUNDS),
    start(deployed.resize, 1, comparedJobs, COMPARED_ROUNDS),
  ];
}

async function measureAll(
  contenders: readonly Contender[],
  files: Readonly<Record<string, string>>,
): Promise<MeasuredUpload[]> {
  const measured: MeasuredUpload[] = [];
  for (const [name, file] of Object.entries(files)) {
    const each = (round: number) => {
      const shift = round % contenders.length;
      const inTurn = [...contenders.slice(shift), ...contenders.slice(0, shift)];
      return askAll(
        inTurn.filter(({ rounds }) => round < rounds),
        name,
        files,
      );
    };
    // Warm-up.
    await each(0);
    const answers: Answered[] = [];
    for (let round = 0; round < CLIENT_ROUNDS; round += 1) answers.push(...(await each(round)));
    measured.push(await summarised(name, file, answers));
  }
  return measured;
}

interface Answered extends Answer {
  readonly contender: Contender;
  readonly job: string;
}

/** One after the other: side by side they would slow each other down. */
async function askAll(
  contenders: readonly Contender[],
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<Answered[]> {
  const answers: Answered[] = [];
  for (const contender of contenders) {
    for (const job of contender.jobs) {
      const given = await contender.worker.ask({ name, file: files[name], job }, answer);
      answers.push({ contender, job, ...given });
    }
  }
  return answers;
}

async function summarised(name: string, file: string, answers: readonly Answered[]): Promise<MeasuredUpload> {
  const bytes = new Uint8Array(readFileSync(file));
  const { header } = await openImage(sharpImageCodec(), bytes);
  const contenders = [...new Set(answers.map(({ contender }) => contender))].sort(bySize);
  const cpuMillis = (job: string) =>
    tenths(median(answers.filter((one) => one.job === job && isDeployed(one.contender)).map(({ cpu }) => cpu)));
  const times = (job: string): Times => ({
    cpuMillis: cpuMillis(job),
    clientCpuMillis: cpuMillis(`s3:${job}`),
    runs: contenders
      .filter((contender) => contender.jobs.includes(job))
      .map((contender) => {
        const own = answers.filter((one) => one.contender === contender && one.job === job);
        const { median: millis, least, most } = summarise(own.map(({ wall }) => wall));
        const { memory, threads } = contender;
        return { memory, threads, millis: tenths(millis), least: tenths(least), most: tenths(most) };
      }),
  });
  return {
    name,
    bytes: bytes.byteLength,
    header: header,
    referenceCpuMillis: cpuMillis('reference'),
    metadata: times('metadata'),
    groups: groupNames.map((group) => ({
      name: group,
      ...times(group),
      renditions: answers.find(({ job }) => job === group)?.renditions ?? [],
    })),
    separateCpuMillis: cpuMillis('separate'),
    naiveCpuMillis: cpuMillis('naive'),
  };
}

function show({ uploads: measured }: Measured, throttled: boolean): string {
  const columns = measured[0]?.metadata.runs ?? [];
  const row = (name: string, job: string, { cpuMillis, clientCpuMillis, runs }: Times) => [
    ...[name, job, cpuMillis.toFixed(0), clientCpuMillis.toFixed(0)],
    ...runs.map(showRun),
  ];
  const cpuOnly = (name: string, job: string, millis: number) => [
    name,
    job,
    millis.toFixed(0),
    '',
    ...columns.map(() => ''),
  ];
  return [
    `Milliseconds, medians of ${ROUNDS} interleaved rounds (least–most): the work itself, on the share of a CPU that each ` +
      `memory size has. “S3” is the additional CPU time of S3’s client, median of ${CLIENT_ROUNDS}. \`npm run lab -- cost\` now uses these figures.`,
    ...(throttled
      ? []
      : [
          'Measured on a whole CPU, not on the shares that smaller functions get: limiting it needs cgroups, on Linux as root.',
        ]),
    table(
      [
        ...['upload', 'job', 'CPU', 'S3'],
        ...columns.map(({ memory, threads }) => `${memory} MB${threads > 1 ? `, ${threads} threads` : ''}`),
      ],
      measured.flatMap(({ name, metadata, groups, separateCpuMillis, naiveCpuMillis, referenceCpuMillis }) => [
        row(name, 'metadata', metadata),
        ...groups.map((group) => row(name, `resize, ${group.name}`, group)),
        cpuOnly(name, 'one by one', separateCpuMillis),
        cpuOnly(name, 'naive', naiveCpuMillis),
        cpuOnly(name, 'reference job', referenceCpuMillis),
      ]),
    ),
  ].join('\n\n');
}

const showRun = ({ millis, least, most }: Run) => showSummary({ median: millis, least, most });
const tenths = (millis: number) => Number(millis.toFixed(1));

/** Encoded again, so that the file comes from the installed version of sharp. */
async function shrunk(path: string, width: number): Promise<string> {
  const file = join(workDirectory, 'bench-inputs', `shrunk-${width}.jpg`);
  mkdirSync(dirname(file), { recursive: true });
  // The codec's hardening leaves sharp no way to open files itself.
  writeFileSync(
    file,
    await sharp(readFileSync(project(path)))
      .rotate()
      .resize(width)
      .jpeg({ quality: 90 })
      .toBuffer(),
  );
  return file;
}
