/**
 * `npm run invoke -- resize-image web`: `sam local invoke` of one function with one of its events, in a container, against
 * the stack that `npm start` keeps up. SAM CLI alone hands a function only what the template declares, with logical ids
 * where names should be; this gives it the running stack's values, the emulator's address and its certificate.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { build, type LayerPlatform, parameters } from '../local/deploy.ts';
import type { EmulatorAddress } from '../local/emulator.ts';
import { findRunningStack } from '../local/running-stack.ts';
import { installSam } from '../local/toolchain.ts';
import { physicalId, type Stack } from '../stack/stack.ts';
import { describeFailure, Failure } from '../terminal/failure.ts';
import { callerDirectory, projectDirectory, shownPath, workDirectory } from '../terminal/project.ts';
import { openToContainers } from './container-engine.ts';

const eventDirectory = join(projectDirectory, 'events');
// A container is Linux, whatever this machine is.
const container: LayerPlatform = { npm_config_os: 'linux', npm_config_cpu: process.arch, npm_config_libc: 'glibc' };
const certificateFile = 'emulator-certificate.pem';

async function invoke([name, event, ...samOptions]: string[]): Promise<number> {
  const events = await eventsByFunction();
  const known = name === undefined ? undefined : events.get(name);
  if (name === undefined || known === undefined || event === undefined) throw new Failure(usage(events));
  const eventFile = known.find((file) => basename(file, '.json') === event) ?? resolve(callerDirectory(), event);
  if (!existsSync(eventFile)) {
    throw new Failure(`${shownPath(eventFile)} does not exist. ${usage(events)}`);
  }

  const running = await findRunningStack();
  if (running === undefined) {
    throw new Failure(
      'No stack is up for the function to work with: run `npm start` in another terminal and leave it there.',
    );
  }
  const logicalId = logicalIdOf(name);
  const sam = await installSam(() => undefined);
  const built = await build(sam, (progress) => process.stderr.write(`${progress} …\n`), container);
  const directory = join(workDirectory, 'invoke', String(process.pid));
  const open = await openToContainers(running.port);
  try {
    const environment = {
      ...(await deployedEnvironment(running.stack, logicalId)),
      AWS_ENDPOINT_URL: `https://${open.host}:${running.port}`,
      NODE_EXTRA_CA_CERTS: `/var/task/${certificateFile}`,
    };
    const { certificate } = running.address;
    const template = await writeTemplate({ built, directory, logicalId, environment, certificate });
    const args = ['local', 'invoke', logicalId, '--template', template, '--event', eventFile];
    const options = ['--parameter-overrides', ...parameters(), ...open.samOptions, ...samOptions];
    return await run(sam, [...args, ...options], running.address);
  } finally {
    open.close();
    running.stack.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function eventsByFunction(): Promise<ReadonlyMap<string, readonly string[]>> {
  const files = await Array.fromAsync(glob('*/*.json', { cwd: eventDirectory }));
  const grouped = Map.groupBy(files.sort(), (file) => file.split('/')[0] ?? '');
  return new Map([...grouped].map(([name, paths]) => [name, paths.map((path) => join(eventDirectory, path))]));
}

function usage(events: ReadonlyMap<string, readonly string[]>): string {
  const lines = [...events].flatMap(([name, files]) =>
    files.map((file) => `  npm run invoke -- ${name} ${basename(file, '.json')}`),
  );
  return [
    'Which function, and which event? One of events/, or a JSON file of your own:',
    '',
    ...lines,
    '',
    'What follows goes to `sam local invoke`, for example --debug-port 9229 or --skip-pull-image.',
  ].join('\n');
}

/** resize-image is ResizeImageFunction. */
function logicalIdOf(name: string): string {
  const words = name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join('')}Function`;
}

async function deployedEnvironment(stack: Stack, logicalId: string): Promise<Readonly<Record<string, string>>> {
  const FunctionName = await physicalId(stack, logicalId);
  const { Environment } = await stack.clients.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  return Environment?.Variables ?? {};
}

interface Invocation {
  /** The template of the build. */
  readonly built: string;
  /** Where ours is to be. */
  readonly directory: string;
  readonly logicalId: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly certificate: string;
}

const builtTemplate = z.looseObject({
  Resources: z.record(z.string(), z.looseObject({ Properties: z.record(z.string(), z.unknown()).optional() })),
});

/** The build's template, with this one function's code, environment and layer where this invocation has them. */
async function writeTemplate({ built, directory, logicalId, environment, certificate }: Invocation): Promise<string> {
  const template = builtTemplate.parse(parse(await readFile(built, 'utf8')));
  const code = join(directory, logicalId);
  await mkdir(directory, { recursive: true });
  await cp(join(built, '..', logicalId), code, { recursive: true });
  await writeFile(join(code, certificateFile), certificate);
  for (const [id, { Properties }] of Object.entries(template.Resources)) {
    if (Properties === undefined) continue;
    if (id === 'SharpLayer') Object.assign(Properties, { ContentUri: join(built, '..', id) });
    if (id === logicalId) Object.assign(Properties, { CodeUri: code, Environment: { Variables: environment } });
  }
  const file = join(directory, 'template.yaml');
  await writeFile(file, stringify(template));
  return file;
}

async function run(sam: string, args: readonly string[], { environment }: EmulatorAddress): Promise<number> {
  // Both are for the container: SAM CLI itself has nothing to ask of the emulator.
  const { AWS_ENDPOINT_URL: _endpoint, NODE_EXTRA_CA_CERTS: _certificate, ...own } = environment;
  const child = spawn(sam, args, { env: own, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'close');
  return typeof code === 'number' ? code : 1;
}

try {
  process.exitCode = await invoke(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = 1;
}
