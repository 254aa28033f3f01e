import { devNull } from 'node:os';
import { delimiter, join } from 'node:path';
import { projectDirectory, workDirectory } from '../terminal/project.ts';

export type Environment = Record<string, string>;

// SDK clients and SAM CLI want a key even where they call nothing. This one opens nothing: each emulator has its own.
const localSettings: Environment = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
};

/**
 * This process's environment without the user's AWS settings. A child process that gets it has no profile, key or endpoint
 * with which it could reach an AWS account.
 */
export function isolatedEnvironment(): Environment {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !namesAnAccount(entry[0]),
  );
  return {
    ...Object.fromEntries(kept),
    ...localSettings,
    PATH: toolPath(),
    NO_PROXY: withLoopback(process.env['NO_PROXY'] ?? process.env['no_proxy']),
    no_proxy: withLoopback(process.env['no_proxy'] ?? process.env['NO_PROXY']),
    SAM_CLI_TELEMETRY: '0',
    // Polling interval in seconds. The emulator does not throttle, and a deployment takes 3 s instead of 8.
    SAM_CLI_POLL_DELAY: '0.1',
    // SAM CLI stores its settings here instead of in the user's home directory.
    __SAM_CLI_APP_DIR: join(workDirectory, 'sam-cli'),
  };
}

/** Does the same to this process, because its SDK clients also read the environment. */
export function isolateThisProcess(): void {
  for (const name of Object.keys(process.env).filter(namesAnAccount)) delete process.env[name];
  Object.assign(process.env, localSettings);
}

/** PATH with Node 24 and esbuild from node_modules first. */
export function toolPath(): string {
  const bin = join(projectDirectory, 'node_modules', '.bin');
  const rest = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== bin);
  return [bin, ...rest].join(delimiter);
}

function namesAnAccount(name: string): boolean {
  return /^(AWS|SAM)_/i.test(name);
}

function withLoopback(hosts: string | undefined): string {
  return [hosts, '127.0.0.1', 'localhost'].filter((host) => host !== undefined && host !== '').join(',');
}
