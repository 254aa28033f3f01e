/** `npm start -- --watch`: updates the running stack whenever a source file is saved. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { DeleteFunctionCommand, UpdateAliasCommand, UpdateFunctionCodeCommand } from '@aws-sdk/client-lambda';
// Not fs.watch with `recursive`: on Linux it stops watching a file that an editor saves by renaming a new file over it.
import { watch } from 'chokidar';
import { type BuildFailure, formatMessages } from 'esbuild';
import { zipSync } from 'fflate';
import { type BuildInputs, build, deploy, readBuildInputs } from '../local/deploy.ts';
import type { EmulatorAddress } from '../local/emulator.ts';
import { announceUpdate } from '../local/running-stack.ts';
import { installSam } from '../local/toolchain.ts';
import type { Stack } from '../stack/stack.ts';
import { type Bundle, bundleFunctions } from '../template/bundle.ts';
import { describeFailure, Failure } from '../terminal/failure.ts';
import { print } from '../terminal/print.ts';
import { showStep } from '../terminal/progress.ts';
import { projectDirectory } from '../terminal/project.ts';

export interface WatchedStack {
  readonly stack: Stack;
  readonly address: EmulatorAddress;
  readonly port: number;
}

const watched = [
  ...['adapters', 'core', 'functions', 'layers', 'statemachine'],
  ...['template.yaml', 'samconfig.toml', 'package-lock.json', 'tsconfig.json'],
];
const bundledFolders = ['adapters/', 'core/', 'functions/'];
const alias = 'live';

/** Milliseconds to wait for an editor to finish saving; files saved later count as another change. */
const settleTime = 50;

/**
 * Updates the stack after each change, until the program ends. Files are compared by content, so files saved during an
 * update are part of the next one.
 *
 * @param deployed the files that the stack was deployed from
 * @param runNewCode runs the new code and returns a report, which is discarded if a file is saved in the meantime
 */
export async function watchSources(
  { stack, address, port }: WatchedStack,
  deployed: BuildInputs,
  runNewCode: () => Promise<string>,
): Promise<never> {
  let saved = Promise.withResolvers<undefined>();
  const watcher = watch(watched, {
    cwd: projectDirectory,
    ignoreInitial: true,
    ignored: (path) => path.includes('node_modules'),
  });
  watcher.on('all', () => saved.resolve(undefined));
  await new Promise<void>((resolve) => watcher.once('ready', resolve));
  const update = await stackUpdater(stack, address);
  print('Watching adapters/, core/, functions/, the workflow and the template. Save a file to update the stack.');

  let inStack = deployed;
  let seen = deployed;
  /** Compares content, because an event may arrive late, for a change that has already been read. */
  const nextChange = async (): Promise<undefined> => {
    for (;;) {
      if (differences(seen, await readBuildInputs()).length > 0) return undefined;
      await saved.promise;
      await sleep(settleTime);
      saved = Promise.withResolvers();
    }
  };
  let change = nextChange();
  for (;;) {
    await change;
    const inputs = await readBuildInputs();
    seen = inputs;
    change = nextChange();
    // Includes files that an earlier update failed to build.
    const changed = differences(inStack, inputs);
    const done = changed.length > 0 && (await orPrintFailure(() => update(changed)));
    if (!done) continue;
    inStack = inputs;
    await announceUpdate(port, inputs);
    print(done.summary);
    const shown = done.changesCode && (await Promise.race([runNewCode().catch(describeFailure), change]));
    if (shown) print(shown);
  }
}

interface Update {
  readonly summary: string;
  readonly changesCode: boolean;
}

async function stackUpdater(
  stack: Stack,
  address: EmulatorAddress,
): Promise<(changed: readonly string[]) => Promise<Update>> {
  const functions = liveFunctions(stack);
  /** Unknown until a function has been bundled; until then, every change may affect it. */
  const sources = new Map<string, Bundle['sources']>();

  const bundle = async (wanted: (logicalId: string) => boolean): Promise<readonly Bundle[]> => {
    // Stage local leaves out some functions.
    const names = await functions.names();
    const bundles = await bundleFunctions({ logLevel: 'silent' }, (id) => names.has(id) && wanted(id));
    for (const { logicalId, sources: found } of bundles) sources.set(logicalId, found);
    return bundles;
  };

  const updateFunctions = async (changed: readonly string[]): Promise<Update> => {
    const startedAt = performance.now();
    const isAffected = (logicalId: string): boolean =>
      changed.some((file) => sources.get(logicalId)?.has(file) ?? true);
    const bundles = await bundle(isAffected);
    const affected = bundles.filter(({ logicalId }) => isAffected(logicalId));
    if (affected.length === 0) {
      return { summary: `${listed(changed)}: not in any function's bundle, nothing to update.`, changesCode: false };
    }
    await functions.update(affected);
    const names = listed(affected.map(({ name }) => name));
    return { summary: `${listed(changed)} → ${names} [${secondsSince(startedAt)}]`, changesCode: true };
  };

  const redeploy = async (changed: readonly string[]): Promise<Update> => {
    const startedAt = performance.now();
    print(`${listed(changed)} changed: redeploying the whole stack.`);
    const sam = await installSam(() => undefined);
    const template = await showStep('Build', (report) => build(sam, report));
    await showStep('Deploy', (report) => deploy(sam, template, address, report));
    // CloudFormation does not know about code that was updated directly, and skips functions that it considers unchanged.
    await functions.update(await bundle(functions.wasUpdated));
    return { summary: `Stack redeployed [${secondsSince(startedAt)}]`, changesCode: true };
  };

  // A file that does not build now is reported once it is saved.
  await bundle(() => true).catch(() => undefined);
  return (changed) => {
    const bundled = changed.every((file) => bundledFolders.some((folder) => file.startsWith(folder)));
    return bundled ? updateFunctions(changed) : redeploy(changed);
  };
}

function liveFunctions({ name: StackName, clients: { lambda, cloudFormation } }: Stack) {
  /** The version that this program last published, by logical id. */
  const published = new Map<string, string>();

  /** Physical names by logical id. */
  const names = async (): Promise<ReadonlyMap<string, string>> => {
    const { StackResources = [] } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName }));
    return new Map(
      StackResources.flatMap(({ LogicalResourceId: id, PhysicalResourceId: name }) =>
        id === undefined || name === undefined ? [] : [[id, name]],
      ),
    );
  };

  /** The workflow and the queue call an alias that points to a version, so new code needs a new version to run. */
  const replaceCode = async (FunctionName: string, { logicalId, code }: Bundle): Promise<void> => {
    const ZipFile = zipSync(Object.fromEntries(code), { level: 1 });
    const { Version } = await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile, Publish: true }));
    if (Version === undefined)
      throw new Failure(`Lambda updated ${FunctionName} but returned no version: run npm start again.`);
    await lambda.send(new UpdateAliasCommand({ FunctionName, Name: alias, FunctionVersion: Version }));
    const previous = published.get(logicalId);
    published.set(logicalId, Version);
    // Otherwise, an hour of saves would leave hundreds of idle workers. CloudFormation deletes the version it created.
    if (previous !== undefined) await lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier: previous }));
  };

  return {
    names,
    wasUpdated: (logicalId: string): boolean => published.has(logicalId),
    async update(bundles: readonly Bundle[]): Promise<void> {
      const known = await names();
      const replaced = bundles.map(async (bundle) => {
        const name = known.get(bundle.logicalId);
        if (name !== undefined) await replaceCode(name, bundle);
      });
      await Promise.all(replaced);
    },
  };
}

/** Prints a failed build or deployment instead of throwing it, because the next save may fix it. */
async function orPrintFailure(update: () => Promise<Update>): Promise<Update | undefined> {
  try {
    return await update();
  } catch (error) {
    print(isBuildFailure(error) ? await compileErrors(error) : describeFailure(error));
    print('The stack was not updated. Fix the error and save again.');
    return undefined;
  }
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}

async function compileErrors({ errors }: BuildFailure): Promise<string> {
  // No colors: `print` would escape them.
  const messages = await formatMessages(errors, { kind: 'error', color: false });
  return messages.join('').trimEnd();
}

/** The files that were added, changed or removed. */
export function differences(before: BuildInputs, after: BuildInputs): string[] {
  const files = new Set([...before.keys(), ...after.keys()]);
  return [...files].filter((file) => before.get(file) !== after.get(file)).sort();
}

const mostListed = 3;

function listed(names: readonly string[]): string {
  const more = names.length - mostListed;
  return names.slice(0, mostListed).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function secondsSince(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}
