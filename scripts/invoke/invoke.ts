/**
 * `npm run invoke`. SAM CLI alone sets a function's environment from the template, with logical ids in place of resource
 * names. This command sets the running stack's values, the emulator's address and its certificate.
 */
import { existsSync, globSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { Argument } from '@commander-js/extra-typings';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { build, type LayerPlatform, parameters } from '../local/deploy.ts';
import type { EmulatorAddress } from '../local/emulator.ts';
import { findRunningStack } from '../local/running-stack.ts';
import { installSam } from '../local/toolchain.ts';
import { physicalId, type Stack } from '../stack/stack.ts';
import { command, main, oneOf, suggestion } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';
import { callerDirectory, projectDirectory, workDirectory } from '../terminal/project.ts';
import { runInTerminal } from '../terminal/run-command.ts';
import { openToContainers } from './container-engine.ts';

const eventDirectory = join(projectDirectory, 'events');
// Containers run Linux, regardless of this machine's system.
const container: LayerPlatform = { npm_config_os: 'linux', npm_config_cpu: process.arch, npm_config_libc: 'glibc' };
const certificateFile = 'emulator-certificate.pem';

const events = eventsByFunction();

export const invokeCommand = command({
  name: 'npm run invoke',
  summary: 'Runs one function in a container with sam local invoke, against the stack that npm start runs.',
  syntax: (line) =>
    line
      .addArgument(new Argument('<function>', 'a folder in functions/').argParser(oneOf([...events.keys()])))
      .argument('<event>', 'one of the events listed below, or your own JSON file')
      .argument('[sam-options...]', 'passed to sam local invoke')
      .passThroughOptions(),
  examples: {
    'npm run invoke -- resize-image web': 'use one of its sample events',
    'npm run invoke -- resize-image my.json --debug-port 9229': 'wait for a debugger',
  },
  notes: [
    'Functions and their events:',
    ...[...events].map(([name, files]) => `  ${name}: ${names(files).join(', ')}`),
  ].join('\n'),
  run: ({ arguments: [name, event, samOptions] }) => invoke(name, event, samOptions),
});

async function invoke(name: string, event: string, samOptions: readonly string[]): Promise<number> {
  const eventFile = eventFileOf(name, event);
  const running = await findRunningStack();
  if (running === undefined) {
    throw new Failure(
      'No stack is running for the function to use: run `npm start` in another terminal, and keep it running.',
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
    return await runInTerminal({
      command: sam,
      args: [...args, ...options],
      environment: withoutEmulator(running.address),
    });
  } finally {
    open.close();
    running.stack.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function eventsByFunction(): ReadonlyMap<string, readonly string[]> {
  const files = globSync('*/*.json', { cwd: eventDirectory }).sort();
  const grouped = Map.groupBy(files, (file) => dirname(file));
  return new Map([...grouped].map(([name, paths]) => [name, paths.map((path) => join(eventDirectory, path))]));
}

function names(files: readonly string[]): readonly string[] {
  return files.map((file) => basename(file, '.json'));
}

function eventFileOf(name: string, event: string): string {
  const known = events.get(name) ?? [];
  const file = known.find((path) => basename(path, '.json') === event) ?? resolve(callerDirectory(), event);
  if (existsSync(file)) return file;
  throw new Failure(
    `${name} has no event ${JSON.stringify(event)}, and no file has that name. Use one of ${names(known).join(', ')}.${suggestion(event, names(known))}`,
  );
}

/** For example, ResizeImageFunction for resize-image. */
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
  /** Path of the built template. */
  readonly built: string;
  /** Where to write the new template. */
  readonly directory: string;
  readonly logicalId: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly certificate: string;
}

const builtTemplate = z.looseObject({
  Resources: z.record(z.string(), z.looseObject({ Properties: z.record(z.string(), z.unknown()).optional() })),
});

/** Writes a copy of the built template that uses this invocation's code, environment and layer. */
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

/** Both variables are for the container: SAM CLI itself does not call the emulator. */
function withoutEmulator({ environment }: EmulatorAddress): NodeJS.ProcessEnv {
  const { AWS_ENDPOINT_URL: _endpoint, NODE_EXTRA_CA_CERTS: _certificate, ...own } = environment;
  return own;
}

if (import.meta.main) await main(invokeCommand);
