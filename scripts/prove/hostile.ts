import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { bombs, brokenFiles, goodFiles, type Maker, oddFiles, tornAtParts } from '../../test/hostile/files.ts';
import { projectDirectory, workDirectory } from '../project.ts';
import type { Proof, ProofOptions } from '../prove.ts';
import { at, numberAt, templateFor } from '../template.ts';

const worker = templateFor('prod').resources.get('ResizeImageFunction')?.Properties;
// 30 % stay free: docs/decisions/0006-image-work.md.
const MEMORY_LIMIT = Math.floor(numberAt(worker, 'MemorySize') * 0.7);
const environment = z.record(z.string(), z.unknown()).parse(at(worker, 'Environment', 'Variables'));
const FILES_A_PROCESS = 50;
// A worker is stopped after 40 seconds; here each file goes through three of them, and every file after it.
const PATIENCE_MILLIS = 300_000;

const line = z.object({
  file: z.string(),
  outcome: z.string().optional(),
  defects: z.array(z.string()).default([]),
  megabytes: z.number().default(0),
});

/** Hundreds of files that nobody should upload, through the real workers in processes of their own. */
export async function proveHostile({ seed, runs = 400 }: ProofOptions): Promise<readonly Proof[]> {
  const good = await goodFiles();
  const small = [...(await oddFiles(good)), ...tornAtParts(good), ...brokenFiles(good, seed, runs)];
  const batches = Array.from({ length: Math.ceil(small.length / FILES_A_PROCESS) }, (_, index) =>
    small.slice(index * FILES_A_PROCESS, (index + 1) * FILES_A_PROCESS),
  );
  const broken = await inTurn(batches);
  const large = await inTurn(bombs().map((bomb) => [bomb]));
  return [
    proof(`${small.length} broken and deceitful files end processed or rejected, and carry nothing out`, broken),
    proof(`${bombs().length} bombs end within ${MEMORY_LIMIT} MB`, large),
  ];
}

type Line = z.infer<typeof line>;

async function inTurn(batches: readonly (readonly Maker[])[]): Promise<Line[]> {
  const lines: Line[] = [];
  for (const batch of batches) lines.push(...(await judged(batch)));
  return lines;
}

async function judged(makers: readonly Maker[]): Promise<Line[]> {
  const folder = join(workDirectory, 'hostile');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [index, [name, make]] of makers.entries()) {
    writeFileSync(join(folder, `${String(index).padStart(3, '0')} ${name.replaceAll('/', '-')}`), await make());
  }
  const { status, signal, stdout } = spawnSync('node', [join(import.meta.dirname, 'judge-files.ts'), folder], {
    cwd: projectDirectory,
    encoding: 'utf8',
    env: { ...process.env, ...strings(environment) },
    timeout: PATIENCE_MILLIS,
  });
  const lines = stdout
    .split('\n')
    .filter(Boolean)
    .map((text) => line.parse(JSON.parse(text)));
  const ended = lines.filter(({ outcome }) => outcome !== undefined);
  const last = lines.at(-1)?.file ?? 'the first file';
  const how = signal === null ? `exit code ${status}` : `signal ${signal}`;
  return status === 0 ? ended : [...ended, { file: last, defects: [`The process ended with ${how}.`], megabytes: 0 }];
}

/** What the template sets in plain words: MALLOC_ARENA_MAX, VIPS_BLOCK_UNTRUSTED. */
function strings(variables: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}

function proof(promise: string, lines: readonly Line[]): Proof {
  const counts = Map.groupBy(lines, ({ outcome = 'crashed' }) => outcome);
  const peak = Math.max(...lines.map(({ megabytes }) => megabytes));
  const against = lines.flatMap(({ file, defects, megabytes }) => [
    ...defects.map((defect) => `${file}: ${defect}`),
    ...(megabytes > MEMORY_LIMIT ? [`${file}: ${megabytes} MB, and ${MEMORY_LIMIT} MB are allowed.`] : []),
  ]);
  return {
    promise,
    evidence: `${[...counts].map(([outcome, files]) => `${outcome} ${files.length}`).join(', ')}; peak ${peak} MB of ${MEMORY_LIMIT}`,
    ...(against.length > 0 && { against: against.join('\n') }),
  };
}
