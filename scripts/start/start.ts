/** `npm start`: see start-options.ts for what it does and takes. */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { defaultPort, isHealthy, stopEmulators } from '../local/emulator.ts';
import { isolateThisProcess } from '../local/isolated-environment.ts';
import { type LocalStack, startLocalStack } from '../local/local-stack.ts';
import { announceStack, findRunningStack, type RunningStack } from '../local/running-stack.ts';
import type { SavedRendition, SavedRenditions } from '../stack/save-renditions.ts';
import { copyRenditions } from '../stack/save-renditions.ts';
import { isDecided, sendUploads, type UploadResult } from '../stack/send-uploads.ts';
import { accountStack, type Stack } from '../stack/stack.ts';
import { below, filesOf, runPrefix, sampleFiles, type UploadFile } from '../stack/upload-files.ts';
import { describeFailure, Failure } from '../terminal/failure.ts';
import { showCursor, showStep } from '../terminal/progress.ts';
import { logDirectory, shownPath } from '../terminal/project.ts';
import { endRunningCommands } from '../terminal/run-command.ts';
import { onceStopped } from '../terminal/stop-on-signals.ts';
import { printable } from '../terminal/table.ts';
import { writeContactSheet } from './contact-sheet.ts';
import { resultTable } from './result-table.ts';
import { help, parseOptions, type StartOptions } from './start-options.ts';

let withdrawAnnouncement: () => Promise<void> = async () => undefined;
let idle = false;
let finishing: Promise<never> | undefined;
/** The uploads in progress. */
let sending: { readonly total: number; decided: number; readonly place: Place } | undefined;

/** Where files are sent: the emulator of this process, that of another one, or an account. */
type Place = LocalStack | RunningStack | { readonly stack: Stack };

onceStopped((exitCode) => {
  sayUndecided();
  // Ctrl-C is how a stack that waits for more is meant to end.
  void finish(idle ? 0 : exitCode);
});
try {
  await finish(await start(parseOptions(process.argv.slice(2))));
} catch (error) {
  // On the way out, what fails fails because it was stopped.
  if (finishing === undefined) {
    process.stderr.write(`\n${describeFailure(error)}\n`);
    sayUndecided();
  }
  await finish(1);
}

async function start(options: StartOptions): Promise<number> {
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  if (options.stack !== undefined) return await sendToAccount(options.stack, options);
  isolateThisProcess();
  const files = options.paths.length === 0 ? await sampleFiles() : await filesOf(options.paths, { emulated: true });
  await prepareOutput(options);

  const running = await findRunningStack();
  const reused = running !== undefined && (options.port ?? running.port) === running.port;
  const place = reused ? running : await startStack(options.port ?? defaultPort);
  if (reused) sayReused(running);

  const exitCode = await sendAndShow(files, place, options);
  return options.once || !('emulator' in place) ? exitCode : await waitForMore(place);
}

async function startStack(port: number): Promise<LocalStack> {
  const local = await startLocalStack(port, showStep);
  withdrawAnnouncement = await announceStack(local.emulator.port);
  return local;
}

async function sendToAccount(name: string, options: StartOptions): Promise<number> {
  const prefix = runPrefix(new Date());
  const files = below(prefix, await filesOf(options.paths, { emulated: false }));
  await prepareOutput(options);
  const stack = await accountStack(name);
  const folder = `s3://${stack.outputs.UploadBucketName}/${prefix}`;
  process.stdout.write(`Sending to ${folder} of stack ${name}\n`);
  const exitCode = await sendAndShow(files, { stack }, options);
  process.stdout.write(`The uploads stay. To remove them: aws s3 rm --recursive ${folder}\n`);
  return exitCode;
}

async function sendAndShow(files: readonly UploadFile[], place: Place, options: StartOptions): Promise<number> {
  const results = await whileUp(place, sendAll(files, place));
  await whileUp(place, showResults(results, place.stack, options));
  sending = undefined;
  return results.every(isDecided) ? 0 : 1;
}

function sayReused({ port, outdated }: RunningStack): void {
  const advice = outdated
    ? ' It was deployed before your last change: end it with Ctrl-C and start it again to see that.'
    : '';
  process.stdout.write(`Darkroom is up on port ${port} already, and is used.${advice}\n`);
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

/** Nothing half-done may pass for done. */
function sayUndecided(): void {
  if (sending === undefined) return;
  const { total, decided, place } = sending;
  const rest =
    'emulator' in place
      ? 'This machine’s AWS keeps nothing from one start to the next: start again to have all of them decided.'
      : 'The stack carries on with what it has received.';
  process.stderr.write(`\nEnded with ${decided} of ${total} uploads decided. ${rest}\n`);
}

async function showResults(results: readonly UploadResult[], stack: Stack, options: StartOptions): Promise<void> {
  const sheet = await showStep('Contact sheet', () => writeContactSheet(results, stack));
  const saved = options.out === undefined ? sheet.renditions : await copyRenditions(sheet.renditions, options.out);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(asJson(results, saved), null, 2)}\n`);
  const undecided = results.filter((result) => !isDecided(result)).length;
  const verdict =
    undecided === 0
      ? 'All decided.'
      : `${undecided} of ${results.length} uploads are not decided: ${whereToLook(stack)}`;
  const lines = [
    '',
    resultTable(results),
    '',
    verdict,
    `Contact sheet: ${pathToFileURL(sheet.file)}`,
    ...(options.out === undefined ? [] : [`Renditions: ${shownPath(options.out)}`]),
    ...(options.json === undefined ? [] : [`JSON: ${shownPath(options.json)}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function whereToLook({ name, emulated }: Stack): string {
  return emulated
    ? `see ${shownPath(join(logDirectory, 'emulator.log'))}.`
    : `see npm run redrive -- --list --stack ${name}`;
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

async function waitForMore({ stack, emulator }: LocalStack): Promise<number> {
  idle = true;
  const { AWS_CA_BUNDLE = '', AWS_ACCESS_KEY_ID = '' } = emulator.environment;
  const lines = [
    '',
    'Up until Ctrl-C. To send more, from a second terminal:',
    '',
    '  npm start -- FILE|DIR …',
    '',
    `or with any S3 client: bucket ${stack.outputs.UploadBucketName} at ${emulator.endpoint}`,
    `(certificate ${shownPath(AWS_CA_BUNDLE)}, access key and secret both "${AWS_ACCESS_KEY_ID}", path-style addresses).`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  throw await emulator.crashed;
}

/** Requests may fail because the emulator is gone before its end is noticed: then that is the error to show. */
async function whileUp<Result>(place: Place, work: Promise<Result>): Promise<Result> {
  try {
    if (!('emulator' in place)) return await work;
    return await Promise.race([work, place.emulator.crashed.then((failure) => Promise.reject(failure))]);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if ('emulator' in place && !(await isHealthy(place.emulator)))
      throw await Promise.race([place.emulator.crashed, sleep(5_000, error)]);
    if ('address' in place && !(await isHealthy(place.address)))
      throw new Failure(`The stack on port ${place.port} has ended.`);
    throw error;
  }
}

async function prepareOutput({ json, out }: StartOptions): Promise<void> {
  if (json !== undefined) {
    const found = await stat(json).catch(() => undefined);
    if (found?.isDirectory()) throw new Failure(`${shownPath(json)} is a directory: give --json the name of a file.`);
    await makeDirectory(dirname(json));
    // A result of an earlier run must not be taken for one of this.
    await rm(json, { force: true });
  }
  if (out !== undefined) await makeDirectory(out);
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : String(error);
    throw new Failure(`The directory ${shownPath(directory)} cannot be made (${reason}): choose another one.`);
  }
}

/** Whoever comes first says with which exit code. */
function finish(exitCode: number): Promise<never> {
  finishing ??= (async () => {
    endRunningCommands();
    await withdrawAnnouncement();
    await stopEmulators();
    showCursor();
    process.exit(exitCode);
  })();
  return finishing;
}
