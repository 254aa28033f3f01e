/** `npm start`: see start-options.ts for what it does and takes. */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { projectTitle } from '../../core/names.ts';
import { output } from '../local/deploy.ts';
import { defaultPort, isHealthy, stopEmulators } from '../local/emulator.ts';
import { isolateThisProcess } from '../local/isolated-environment.ts';
import { type LocalStack, startLocalStack } from '../local/local-stack.ts';
import { announceStack, findRunningStack, type RunningStack } from '../local/running-stack.ts';
import type { SavedRendition, SavedRenditions } from '../stack/save-renditions.ts';
import { copyRenditions } from '../stack/save-renditions.ts';
import { type Destination, isDecided, sendUploads, type UploadResult } from '../stack/send-uploads.ts';
import { filesOf, sampleFiles } from '../stack/upload-files.ts';
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
/** What is under way, and with whom. */
let sending: { readonly total: number; decided: number; readonly stack: Destination } | undefined;

onceStopped((exitCode) => {
  sayUndecided();
  // Ctrl-C is how a stack that waits for more is meant to end.
  void finish(idle ? 0 : exitCode);
});
isolateThisProcess();
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
  const files = options.paths.length === 0 ? await sampleFiles() : await filesOf(options.paths);
  await prepareOutput(options);

  const running = await findRunningStack();
  const reused = running !== undefined && (options.port ?? running.port) === running.port;
  const stack = reused ? running : await startStack(options.port ?? defaultPort);
  if (reused) sayReused(running);

  const results = await whileUp(stack, sendAll(files, stack));
  await whileUp(stack, showResults(results, stack, options));
  sending = undefined;
  if (options.once || !('crashed' in stack)) return results.every(isDecided) ? 0 : 1;
  return await waitForMore(stack);
}

async function startStack(port: number): Promise<LocalStack> {
  const stack = await startLocalStack(port, showStep);
  withdrawAnnouncement = await announceStack(stack);
  return stack;
}

function sayReused({ port, outdated }: RunningStack): void {
  const advice = outdated
    ? ' It was deployed before your last change: end it with Ctrl-C and start it again to see that.'
    : '';
  process.stdout.write(`${projectTitle} is up on port ${port} already, and is used.${advice}\n`);
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

/** Nothing half-done may pass for done. */
function sayUndecided(): void {
  if (sending === undefined) return;
  const { total, decided, stack } = sending;
  const rest =
    'crashed' in stack
      ? 'This machine’s AWS keeps nothing from one start to the next: start again to have all of them decided.'
      : 'The stack that is up goes on with what it has received.';
  process.stderr.write(`\nEnded with ${decided} of ${total} uploads decided. ${rest}\n`);
}

async function showResults(results: readonly UploadResult[], stack: Destination, options: StartOptions): Promise<void> {
  const sheet = await showStep('Contact sheet', () => writeContactSheet(results, stack));
  const saved = options.out === undefined ? sheet.renditions : await copyRenditions(sheet.renditions, options.out);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(asJson(results, saved), null, 2)}\n`);
  const undecided = results.filter((result) => !isDecided(result)).length;
  const verdict =
    undecided === 0
      ? 'All decided.'
      : `${undecided} of ${results.length} uploads are not decided: ${shownPath(join(logDirectory, 'emulator.log'))} has the rest.`;
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
    'Up until Ctrl-C. To send more, from a second terminal:',
    '',
    '  npm start -- FILE|DIR …',
    '',
    `or with any S3 client: bucket ${output(stack.outputs, 'UploadBucketName')} at ${stack.address.endpoint}`,
    `(certificate ${shownPath(AWS_CA_BUNDLE)}, access key and secret both "${AWS_ACCESS_KEY_ID}", path-style addresses).`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return await failure(stack);
}

/** Requests may fail because the emulator is gone before its end is noticed: that is what happened, then. */
async function whileUp<Result>(stack: LocalStack | RunningStack, work: Promise<Result>): Promise<Result> {
  try {
    return await Promise.race([work, failure(stack)]);
  } catch (error) {
    if (error instanceof Failure || (await isHealthy(stack.address))) throw error;
    if (!('crashed' in stack)) throw new Failure(`The stack on port ${stack.port} has ended.`);
    throw await Promise.race([stack.crashed, sleep(5_000, error)]);
  }
}

/** Of a stack that this process did not start, the requests themselves will tell. */
async function failure(stack: LocalStack | RunningStack): Promise<never> {
  if (!('crashed' in stack)) return await new Promise<never>(() => undefined);
  throw await stack.crashed;
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
