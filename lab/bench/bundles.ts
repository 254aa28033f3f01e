import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { type Bundle, bundleFunctions } from '../../scripts/template/bundle.ts';
import { at, ofType, templateFor } from '../../scripts/template/template.ts';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';
import { showSummary, summarise } from '../summary.ts';
import { table } from '../table.ts';

const ROUNDS = 5;
const TOP = 12;
const loader = fileURLToPath(new URL('load-module.ts', import.meta.url));
const directory = join(workDirectory, 'bench-bundles');

const variables = z.record(
  z.string(),
  z.union([z.string(), z.unknown().transform(() => 'arn:aws:service:us-east-1:123456789012:name')]),
);

// Variables that Lambda and the template set, with invented resource names.
const environment: Readonly<Record<string, string>> = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769',
  ...Object.fromEntries(
    ofType(templateFor('prod'), 'AWS::Serverless::Function').flatMap(([, { Properties }]) =>
      Object.entries(variables.parse(at(Properties['Environment'], 'Variables') ?? {})),
    ),
  ),
};

type Ways = Readonly<Record<string, readonly Bundle[]>>;

/** The size of each function's package and the load time of its modules, as deployed and with other settings. */
export async function benchBundles(): Promise<string> {
  const ways = await bundleInEveryWay();
  return [showSizes(ways), await showLoadTimes(ways)].join('\n\n');
}

async function bundleInEveryWay(): Promise<Ways> {
  return {
    'as deployed': await bundleFunctions(),
    'with every credential provider': await bundleFunctions({ external: ['sharp'] }),
    'not minified': await bundleFunctions({ minify: false }),
    'as ES modules': await bundleFunctions({ format: 'esm' }),
    'with source maps': await bundleFunctions({ sourcemap: true }),
  };
}

function showSizes(ways: Ways): string {
  const deployed = ways['as deployed'] ?? [];
  return [
    '### Zipped package, kB',
    table(
      ['bundle', ...deployed.map(({ name }) => name)],
      Object.entries(ways).map(([way, bundles]) => [
        way,
        ...bundles.map(({ zippedBytes }) => (zippedBytes / 1000).toFixed(1)),
      ]),
    ),
    '### What is in them, minified kB before zipping',
    contributorTable(deployed),
  ].join('\n\n');
}

async function showLoadTimes(ways: Ways): Promise<string> {
  const names = (ways['as deployed'] ?? []).map(({ name }) => name);
  const times = await loadTimes(ways);
  const sharp = [...times.values()].flat().flatMap(({ before }) => (before > 1 ? [before] : []));
  const ofWay = (way: string, name: string) =>
    showSummary(summarise((times.get(`${way} ${name}`) ?? []).map(({ own }) => own)));
  return [
    '### Load of our own modules, ms',
    `Medians of ${ROUNDS} interleaved fresh processes (least–most), sharp already loaded; sharp itself takes ${showSummary(summarise(sharp))}. ` +
      'Lambda’s Init Duration also includes its own start-up, more than 100 ms even for an empty function.',
    table(
      ['bundle', ...names],
      Object.keys(ways).map((way) => [way, ...names.map((name) => ofWay(way, name))]),
    ),
  ].join('\n\n');
}

const loadTime = z.object({ before: z.number(), own: z.number() });
type LoadTime = z.infer<typeof loadTime>;

async function loadTimes(ways: Ways): Promise<ReadonlyMap<string, LoadTime[]>> {
  await mkdir(directory, { recursive: true });
  try {
    // sharp is resolved from there, as from a layer.
    await symlink(join(projectDirectory, 'node_modules'), join(directory, 'node_modules'));
    const contenders: { id: string; file: string; before: readonly string[] }[] = [];
    for (const [way, bundles] of Object.entries(ways)) {
      for (const { name, code } of bundles) {
        const id = `${way} ${name}`;
        const folder = join(directory, id.replaceAll(' ', '-'));
        await writePackage(folder, way === 'as ES modules' ? 'module' : 'commonjs', code);
        // The workers that decode load sharp in another process.
        contenders.push({ id, file: join(folder, 'handler.js'), before: name === 'probe-pipeline' ? ['sharp'] : [] });
      }
    }
    const times = new Map(contenders.map(({ id }): [string, LoadTime[]] => [id, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { id, file, before } of contenders) times.get(id)?.push(load(file, before));
    }
    return times;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writePackage(folder: string, type: 'module' | 'commonjs', code: Bundle['code']): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type }));
  for (const [file, contents] of code) await writeFile(join(folder, file), contents);
}

function load(file: string, before: readonly string[]): LoadTime {
  const output = execFileSync(process.execPath, [loader, file, ...before], {
    env: { ...environment, LAMBDA_TASK_ROOT: dirname(file) },
    encoding: 'utf8',
  });
  return loadTime.parse(JSON.parse(output));
}

function contributorTable(bundles: readonly Bundle[]): string {
  const sizes = (name: string) => bundles.map(({ contributors }) => contributors.get(name) ?? 0);
  const names = [...new Set(bundles.flatMap(({ contributors }) => [...contributors.keys()]))];
  const largest = names.sort((one, other) => Math.max(...sizes(other)) - Math.max(...sizes(one))).slice(0, TOP);
  return table(
    ['package', ...bundles.map(({ name }) => name)],
    largest.map((name) => [name, ...sizes(name).map((bytes) => (bytes === 0 ? '–' : (bytes / 1000).toFixed(1)))]),
  );
}
