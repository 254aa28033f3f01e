/** `npm start`. */
import { rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Option } from '@commander-js/extra-typings';
import { projectTitle } from '../../core/names.ts';
import { type BuildInputs, readBuildInputs } from '../local/deploy.ts';
import { isHealthy, stopEmulators } from '../local/emulator.ts';
import { startGalleryPage } from '../local/gallery-page.ts';
import { isolateThisProcess } from '../local/isolated-environment.ts';
import { type LocalStack, startLocalStack } from '../local/local-stack.ts';
import { choosePort, defaultPort } from '../local/port.ts';
import { announceStack, findRunningStack, type RunningStack } from '../local/running-stack.ts';
import { cacheDirectory, cacheVariable } from '../local/tool-cache.ts';
import type { SavedRendition, SavedRenditions } from '../stack/save-renditions.ts';
import { copyRenditions } from '../stack/save-renditions.ts';
import { isDecided, sendUploads, type UploadResult } from '../stack/send-uploads.ts';
import { accountStack, type Stack } from '../stack/stack.ts';
import { filesOf, runPrefix, sampleFiles, type UploadFile, withPrefix } from '../stack/upload-files.ts';
import { command, main, nonEmpty, path, sayStopped, wholeNumber } from '../terminal/command.ts';
import { describeFailure, Failure } from '../terminal/failure.ts';
import { makeFolder } from '../terminal/make-folder.ts';
import { print, printError } from '../terminal/print.ts';
import { printable } from '../terminal/printable.ts';
import { showStep } from '../terminal/progress.ts';
import { logDirectory, shownPath } from '../terminal/project.ts';
import { writeContactSheet } from './contact-sheet.ts';
import { resultLine, resultTable } from './result-table.ts';
import { type WatchedStack, watchSources } from './watch.ts';

let withdrawAnnouncement: () => Promise<void> = async () => undefined;
/** All uploads are done; the stack is waiting for more. */
let idle = false;
/** The uploads in progress, and where they were sent. */
let sending: { readonly total: number; decided: number; readonly place: Place } | undefined;

/** An emulator started by this process, one started by another process, or an AWS account. */
type Place = LocalStack | RunningStack | { readonly stack: Stack };

export const startCommand = command({
  name: 'npm start',
  summary:
    'Sends photos through the image pipeline, on an AWS emulator on this machine, and shows the outcome of each.',
  syntax: (line) =>
    line
      .argument('[paths...]', 'files, or directories to search recursively (default: the photos in docs/samples)')
      .option('--once', 'exit when every upload has an outcome, instead of running until Ctrl-C')
      .addOption(
        new Option(
          '--watch',
          'after each code change, update the stack in seconds and send the last photo again; a change to the template, the workflow or a package redeploys the stack',
        ).conflicts('once'),
      )
      .option('--json <file>', 'write an array with one object per upload', path)
      .option('--out <dir>', 'save the renditions as DIR/KEY/PRESET.EXTENSION', path)
      .option(
        '--port <n>',
        `port of the emulator on 127.0.0.1 (default: ${defaultPort}, or the next free one)`,
        wholeNumber({ from: 1, to: 65_535 }),
      )
      .addOption(
        new Option('--stack <name>', 'send to a stack in your AWS account instead of the emulator')
          .argParser(nonEmpty)
          .conflicts(['port', 'watch']),
      ),
  examples: {
    'npm start': 'send the samples, then run until Ctrl-C',
    'npm start -- FILE|DIR …': 'send your own files, to the pipeline that is already running if there is one',
    'npm start -- --once FILE|DIR …': 'exit code 0 only if every upload has an outcome',
    'npm start -- --stack NAME FILE|DIR …': 'send to a stack in the account and region of your AWS profile',
  },
  notes: `Each object in the --json file has file, key, outcome, reason, record and renditions. Hidden files are skipped. All other files are sent, whatever their names: the pipeline detects the format from the content. A file's key is its path below the deepest directory that all given paths share. With --stack, keys start with npm-start/DATE-TIME/, so nothing in the bucket is overwritten. Those uploads stay until you remove them, and processing and storing them costs money.

The Python tools are installed once per machine, in ${shownPath(cacheDirectory())}; set ${cacheVariable} to move them.`,
  run: ({ arguments: [paths], options }) => start({ ...options, paths }),
  // Ctrl-C is the normal way to stop a stack that is waiting for more uploads.
  onStop: (exitCode) => (idle ? 0 : sayStopped(exitCode)),
  cleanUp: async () => {
    reportUndecided();
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
  /** Name of a stack in an account. */
  readonly stack?: string;
}

async function start(options: StartOptions): Promise<number> {
  if (options.stack !== undefined) return await sendToAccount(options.stack, options);
  isolateThisProcess();
  const files = options.paths.length === 0 ? await sampleFiles() : await filesToSend(options.paths, { emulated: true });
  await prepareOutput(options);

  const inputs = await readBuildInputs();
  const running = await findRunningStack();
  const reused = running !== undefined && (options.port ?? running.port) === running.port;
  const place = reused ? running : await startStack(options.port, inputs);
  if (reused) reportReuse(running);

  const results = await sendAndShow(files, place, options);
  if (options.watch) {
    idle = true;
    const deployed = reused && running.outdated ? new Map<string, string>() : inputs;
    return await whileRunning(place, watchSources(watchedStack(place), deployed, resendLast(results, place.stack)));
  }
  if (options.once || !('emulator' in place)) return exitCodeOf(results);
  return await waitForMore(place);
}

/** Says which files it skips. */
async function filesToSend(...found: Parameters<typeof filesOf>): Promise<readonly UploadFile[]> {
  const { files, skipped } = await filesOf(...found);
  for (const reason of skipped) printError(`Skipped: ${reason}`);
  return files;
}

async function startStack(wantedPort: number | undefined, inputs: BuildInputs): Promise<LocalStack> {
  const { port, notice } = await choosePort(wantedPort);
  if (notice !== undefined) print(notice);
  const local = await startLocalStack(port, showStep);
  withdrawAnnouncement = await announceStack(local.emulator, inputs);
  return local;
}

async function sendToAccount(name: string, options: StartOptions): Promise<number> {
  if (options.paths.length === 0)
    throw new Failure('Specify the files to send to the account: npm start -- --stack NAME FILE|DIR …');
  const prefix = runPrefix(new Date());
  const files = withPrefix(prefix, await filesToSend(options.paths, { emulated: false }));
  await prepareOutput(options);
  const stack = await accountStack(name);
  const folder = `s3://${stack.outputs.UploadBucketName}/${prefix}`;
  print(`Sending to ${folder}`);
  const results = await sendAndShow(files, { stack }, options);
  print(`The uploads stay in the bucket. To remove them: aws s3 rm --recursive ${folder}`);
  stack.close();
  return exitCodeOf(results);
}

async function sendAndShow(
  files: readonly UploadFile[],
  place: Place,
  options: StartOptions,
): Promise<readonly UploadResult[]> {
  const results = await whileRunning(place, sendAll(files, place));
  await whileRunning(place, showResults(results, place.stack, options));
  sending = undefined;
  return results;
}

function exitCodeOf(results: readonly UploadResult[]): number {
  return results.every(isDecided) ? 0 : 1;
}

function watchedStack(place: LocalStack | RunningStack): WatchedStack {
  if (!('emulator' in place)) return place;
  const { stack, emulator } = place;
  return { stack, address: emulator, port: emulator.port };
}

function reportReuse({ port, outdated }: RunningStack): void {
  const advice = outdated
    ? ' It does not include your latest changes: to deploy them, stop it with Ctrl-C and start it again.'
    : '';
  print(`${projectTitle} is already running on port ${port}; using it.${advice}`);
}

async function sendAll(files: readonly UploadFile[], place: Place): Promise<UploadResult[]> {
  const underWay = { total: files.length, decided: 0, place };
  sending = underWay;
  return await showStep(`Images: ${files.length}`, (report) =>
    sendUploads(files, place.stack, (result, ended) => {
      const { key, outcome, took } = result;
      if (isDecided(result)) underWay.decided += 1;
      report(`${ended} of ${files.length}: ${printable(key)} ${outcome ?? 'undecided'}, ${(took / 1000).toFixed(1)} s`);
    }),
  );
}

/** Returns a function that sends the last photo again and returns its result as text. */
function resendLast(results: readonly UploadResult[], stack: Stack): () => Promise<string> {
  const last = results.findLast(({ outcome }) => outcome === 'processed') ?? results.at(-1);
  return async () => {
    const sent = await sendUploads(last === undefined ? [] : [last], stack, () => undefined);
    return sent.map(resultLine).join('\n');
  };
}

/** On exit, reports uploads that have no outcome yet. */
function reportUndecided(): void {
  if (sending === undefined) return;
  const { total, decided, place } = sending;
  const rest =
    'emulator' in place
      ? 'The emulator keeps no state between runs. Run npm start again to process the rest.'
      : 'The stack continues to process the uploads that it received.';
  printError(`\nStopped with ${decided} of ${total} uploads decided. ${rest}`);
}

async function showResults(results: readonly UploadResult[], stack: Stack, options: StartOptions): Promise<void> {
  const sheet = await showStep('Contact sheet', () => writeContactSheet(results, stack));
  const saved = options.out === undefined ? sheet.renditions : await copyRenditions(sheet.renditions, options.out);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(toJson(results, saved), null, 2)}\n`);
  const undecided = results.filter((result) => !isDecided(result)).length;
  const verdict =
    undecided === 0
      ? 'Every upload has an outcome.'
      : `${undecided} of ${results.length} uploads have no outcome: ${troubleshootingHint(stack)}`;
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

function troubleshootingHint({ name, emulated }: Stack): string {
  return emulated
    ? `see ${shownPath(join(logDirectory, 'emulator.log'))}.`
    : `to see why, run npm run redrive -- --list --stack ${name}`;
}

function toJson(results: readonly UploadResult[], renditions: SavedRenditions) {
  return results.map(({ file, key, outcome, record }) => ({
    file,
    key,
    outcome: outcome ?? null,
    reason: record?.outcome === 'rejected' ? record.reason : null,
    record: record ?? null,
    renditions: (renditions.get(key) ?? []) satisfies readonly SavedRendition[],
  }));
}

async function waitForMore(local: LocalStack): Promise<never> {
  const { stack, emulator } = local;
  const page = await whileRunning(local, galleryPage(local));
  idle = true;
  const lines = [
    ...(page === undefined ? [] : ['', `The gallery, for your browser: ${page}`]),
    '',
    'Running until you press Ctrl-C. To send more, from a second terminal:',
    '',
    '  npm start -- FILE|DIR …',
    '',
    'or with the AWS CLI, in a shell that has loaded the emulator’s address, certificate and keys (new at each start):',
    '',
    `  . ${shownPath(emulator.shellSettings)}`,
    `  aws s3 cp FILE s3://${stack.outputs.UploadBucketName}/`,
  ];
  print(...lines);
  throw await emulator.crashed;
}

/** The pipeline is useful without its page. */
async function galleryPage(local: LocalStack): Promise<string | undefined> {
  try {
    return await startGalleryPage(local, showStep);
  } catch (error) {
    printError(`The gallery did not start. ${describeFailure(error)}`);
    return undefined;
  }
}

/** If the emulator has crashed, throws that error instead of the failed request that noticed it first. */
async function whileRunning<Result>(place: Place, work: Promise<Result>): Promise<Result> {
  try {
    if (!('emulator' in place)) return await work;
    return await Promise.race([work, place.emulator.crashed.then((failure) => Promise.reject(failure))]);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if ('emulator' in place && !(await isHealthy(place.emulator)))
      throw await Promise.race([place.emulator.crashed, sleep(5_000, error)]);
    if ('address' in place && !(await isHealthy(place.address)))
      throw new Failure(`The stack on port ${place.port} has stopped.`);
    throw error;
  }
}

async function prepareOutput({ json, out }: StartOptions): Promise<void> {
  if (json !== undefined) {
    const found = await stat(json).catch(() => undefined);
    if (found?.isDirectory()) throw new Failure(`${shownPath(json)} is a directory: pass a file name to --json.`);
    makeFolder(dirname(json));
    // If this run fails, results of an earlier run must not be mistaken for its own.
    await rm(json, { force: true });
  }
  if (out !== undefined) makeFolder(out);
}

if (import.meta.main) await main(startCommand);
