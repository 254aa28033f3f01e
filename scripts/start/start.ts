/** `npm start`. */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Option } from '@commander-js/extra-typings';
import { projectTitle } from '../../core/names.ts';
import { type BuildInputs, output, readBuildInputs } from '../local/deploy.ts';
import { isHealthy, stopEmulators } from '../local/emulator.ts';
import { isolateThisProcess } from '../local/isolated-environment.ts';
import { type LocalStack, startLocalStack } from '../local/local-stack.ts';
import { choosePort, defaultPort } from '../local/port.ts';
import { announceStack, findRunningStack, type RunningStack } from '../local/running-stack.ts';
import { cacheDirectory, cacheVariable } from '../local/tool-cache.ts';
import type { SavedRendition, SavedRenditions } from '../stack/save-renditions.ts';
import { copyRenditions } from '../stack/save-renditions.ts';
import { type Destination, isDecided, sendUploads, type UploadResult } from '../stack/send-uploads.ts';
import { filesOf, sampleFiles } from '../stack/upload-files.ts';
import { command, main, path, sayStopped, wholeNumber } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';
import { print, printError } from '../terminal/print.ts';
import { showStep } from '../terminal/progress.ts';
import { logDirectory, shownPath } from '../terminal/project.ts';
import { printable } from '../terminal/table.ts';
import { writeContactSheet } from './contact-sheet.ts';
import { resultLine, resultTable } from './result-table.ts';
import { watchSources } from './watch.ts';

let withdrawAnnouncement: () => Promise<void> = async () => undefined;
let idle = false;
/** The uploads in progress, and where they were sent. */
let sending: { readonly total: number; decided: number; readonly stack: Destination } | undefined;

export const startCommand = command({
  name: 'npm start',
  summary:
    'Sends photographs through the image pipeline on an emulator of AWS on this machine, and shows the outcome of each.',
  syntax: (line) =>
    line
      .argument(
        '[paths...]',
        'files, or directories with files at any depth (default: the photographs of docs/samples)',
      )
      .option('--once', 'exit when every upload has an outcome, instead of staying up until Ctrl-C')
      .addOption(
        new Option(
          '--watch',
          'after each change to the code, update the stack in seconds and send the last photograph again; a change to the template, the workflow or a package deploys again',
        ).conflicts('once'),
      )
      .option('--json <file>', 'write an array with one object per upload', path)
      .option('--out <dir>', 'save the renditions as DIR/KEY/PRESET.EXTENSION', path)
      .option(
        '--port <n>',
        `port of the emulator on 127.0.0.1 (default: ${defaultPort}, or the next free one)`,
        wholeNumber({ from: 1, to: 65_535 }),
      ),
  examples: {
    'npm start': 'sends the samples, then stays up until Ctrl-C',
    'npm start -- FILE|DIR …': 'your own; sent to the pipeline that is already running, if there is one',
    'npm start -- --once FILE|DIR …': 'exit code 0 only if every upload has an outcome',
  },
  notes: `The objects of --json have file, key, outcome, reason, record and renditions. Hidden files are skipped. Every other file is sent, whatever its name: the pipeline goes by the content. A key is the path below the deepest directory that all given paths share.

The Python tools are installed once per machine, in ${shownPath(cacheDirectory())}; set ${cacheVariable} to move them.`,
  run: ({ arguments: [paths], options }) => start({ ...options, paths }),
  // Ctrl-C is how a stack that waits for more uploads is meant to end.
  onStop: (exitCode) => (idle ? 0 : sayStopped(exitCode)),
  cleanUp: async () => {
    sayUndecided();
    await withdrawAnnouncement();
    await stopEmulators();
  },
});

interface StartOptions {
  readonly paths: readonly string[];
  readonly once?: true;
  readonly watch?: true;
  /** Absolute. */
  readonly json?: string;
  /** Absolute. */
  readonly out?: string;
  readonly port?: number;
}

async function start(options: StartOptions): Promise<number> {
  isolateThisProcess();
  const files = options.paths.length === 0 ? await sampleFiles() : await filesOf(options.paths);
  await prepareOutput(options);

  const inputs = await readBuildInputs();
  const running = await findRunningStack();
  const reused = running !== undefined && (options.port ?? running.port) === running.port;
  const stack = reused ? running : await startStack(options.port, inputs);
  if (reused) sayReused(running);

  const results = await whileUp(stack, sendAll(files, stack));
  await whileUp(stack, showResults(results, stack, options));
  sending = undefined;
  if (options.watch) {
    idle = true;
    const deployed = reused && running.outdated ? new Map<string, string>() : inputs;
    return await whileUp(stack, watchSources(stack, deployed, sendAgain(results, stack)));
  }
  if (options.once || !('crashed' in stack)) return results.every(isDecided) ? 0 : 1;
  return await waitForMore(stack);
}

async function startStack(wantedPort: number | undefined, inputs: BuildInputs): Promise<LocalStack> {
  const { port, notice } = await choosePort(wantedPort);
  if (notice !== undefined) print(notice);
  const stack = await startLocalStack(port, showStep);
  withdrawAnnouncement = await announceStack(stack, inputs);
  return stack;
}

function sayReused({ port, outdated }: RunningStack): void {
  const advice = outdated
    ? ' It was deployed before your last change: stop it with Ctrl-C and start it again to see the change.'
    : '';
  print(`${projectTitle} is already running on port ${port}; using it.${advice}`);
}

async function sendAll(files: Parameters<typeof sendUploads>[0], destination: Destination): Promise<UploadResult[]> {
  const underWay = { total: files.length, decided: 0, stack: destination };
  sending = underWay;
  return await showStep(`Images: ${files.length}`, (report) =>
    sendUploads(files, destination, (result, ended) => {
      const { key, outcome, took } = result;
      if (isDecided(result)) underWay.decided += 1;
      report(`${ended} of ${files.length}: ${printable(key)} ${outcome ?? 'undecided'}, ${(took / 1000).toFixed(1)} s`);
    }),
  );
}

/** Sends the last photograph again, and returns its result. */
function sendAgain(results: readonly UploadResult[], stack: Destination): () => Promise<string> {
  const last = results.findLast(({ outcome }) => outcome === 'processed') ?? results.at(-1);
  return async () => {
    const sent = await sendUploads(last === undefined ? [] : [last], stack, () => undefined);
    return sent.map(resultLine).join('\n');
  };
}

/** Unfinished work must not look finished. */
function sayUndecided(): void {
  if (sending === undefined) return;
  const { total, decided, stack } = sending;
  const rest =
    'crashed' in stack
      ? 'The emulator keeps no state between runs. Run npm start again to process the rest.'
      : 'The stack carries on with what it has received.';
  printError(`\nEnded with ${decided} of ${total} uploads decided. ${rest}`);
}

async function showResults(results: readonly UploadResult[], stack: Destination, options: StartOptions): Promise<void> {
  const sheet = await showStep('Contact sheet', () => writeContactSheet(results, stack));
  const saved = options.out === undefined ? sheet.renditions : await copyRenditions(sheet.renditions, options.out);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(asJson(results, saved), null, 2)}\n`);
  const undecided = results.filter((result) => !isDecided(result)).length;
  const verdict =
    undecided === 0
      ? 'Every upload has an outcome.'
      : `${undecided} of ${results.length} uploads have no outcome: see ${shownPath(join(logDirectory, 'emulator.log'))}.`;
  const lines = [
    '',
    resultTable(results),
    '',
    verdict,
    `Contact sheet: ${pathToFileURL(sheet.file)}`,
    ...(options.out === undefined ? [] : [`Renditions: ${shownPath(options.out)}`]),
    ...(options.json === undefined ? [] : [`JSON: ${shownPath(options.json)}`]),
  ];
  print(...lines);
}

function asJson(results: readonly UploadResult[], renditions: SavedRenditions) {
  return results.map(({ file, key, outcome, record }) => ({
    file,
    key,
    outcome: outcome ?? null,
    reason: record?.outcome === 'rejected' ? record.reason : null,
    record: record ?? null,
    renditions: (renditions.get(key) ?? []) satisfies readonly SavedRendition[],
  }));
}

async function waitForMore(stack: LocalStack): Promise<number> {
  idle = true;
  const { AWS_CA_BUNDLE = '', AWS_ACCESS_KEY_ID = '' } = stack.address.environment;
  const lines = [
    '',
    'Running until you press Ctrl-C. To send more, from a second terminal:',
    '',
    '  npm start -- FILE|DIR …',
    '',
    `or with any S3 client: bucket ${output(stack.outputs, 'UploadBucketName')} at ${stack.address.endpoint}`,
    `(certificate ${shownPath(AWS_CA_BUNDLE)}, access key and secret both "${AWS_ACCESS_KEY_ID}", path-style addresses).`,
  ];
  print(...lines);
  return await failure(stack);
}

/** Requests may fail because the emulator is gone before its end is noticed: then that is the error to show. */
async function whileUp<Result>(stack: LocalStack | RunningStack, work: Promise<Result>): Promise<Result> {
  try {
    return await Promise.race([work, failure(stack)]);
  } catch (error) {
    if (error instanceof Failure || (await isHealthy(stack.address))) throw error;
    if (!('crashed' in stack)) throw new Failure(`The stack on port ${stack.port} has ended.`);
    throw await Promise.race([stack.crashed, sleep(5_000, error)]);
  }
}

/** If this process did not start the stack, failing requests show that it is gone. */
async function failure(stack: LocalStack | RunningStack): Promise<never> {
  if (!('crashed' in stack)) return await new Promise<never>(() => undefined);
  throw await stack.crashed;
}

async function prepareOutput({ json, out }: StartOptions): Promise<void> {
  if (json !== undefined) {
    const found = await stat(json).catch(() => undefined);
    if (found?.isDirectory()) throw new Failure(`${shownPath(json)} is a directory: pass --json the name of a file.`);
    await makeDirectory(dirname(json));
    // The result of an earlier run must not be taken for this one's.
    await rm(json, { force: true });
  }
  if (out !== undefined) await makeDirectory(out);
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : String(error);
    throw new Failure(`The directory ${shownPath(directory)} cannot be created (${reason}): choose another one.`);
  }
}

if (import.meta.main) await main(startCommand);
