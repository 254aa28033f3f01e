/**
 * The permitted targets of a run: its own emulator on this machine, or a stack that the user named. This is checked when the
 * run starts and again in the process that sends the requests.
 */
import * as z from 'zod';
import { Failure } from '../../scripts/terminal/failure.ts';

const ignoring = 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS';
const loopback = /^https:\/\/127\.0\.0\.1:\d+$/;

/** Plain data, passed to Artillery's process in a file. */
export const target = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('emulator'), endpoint: z.string().regex(loopback) }),
  z.object({ kind: z.literal('stack'), stack: z.string(), region: z.string(), account: z.string() }),
]);
export type Target = z.infer<typeof target>;

/** Environment of a run on a stack: makes the SDK ignore an `endpoint_url` in the user's AWS configuration. */
export const stackEnvironment = { [ignoring]: 'true' };

/** @throws {Failure} if this process's environment would send a request anywhere else. */
export function guardTarget(wanted: Target, environment: Readonly<NodeJS.ProcessEnv>): void {
  const redirections = Object.keys(environment).filter((name) => /^AWS_ENDPOINT_URL/i.test(name));
  const elsewhere =
    wanted.kind === 'stack'
      ? redirections
      : redirections.filter((name) => environment[name] !== wanted.endpoint || !loopback.test(wanted.endpoint));
  if (elsewhere.length > 0) {
    throw new Failure(
      `${elsewhere.join(', ')} would send this run somewhere other than ${placeOf(wanted)}. Unset it and try again.`,
    );
  }
  if (wanted.kind === 'stack' && environment[ignoring] !== stackEnvironment[ignoring]) {
    throw new Failure(`Without ${ignoring}, a run on a stack could be sent elsewhere. Start it with \`npm run load\`.`);
  }
  if (wanted.kind === 'emulator' && environment['AWS_ENDPOINT_URL'] === undefined) {
    throw new Failure('Without AWS_ENDPOINT_URL, a run on the emulator would go to AWS. Start it with `npm run load`.');
  }
}

export function shownTarget(wanted: Target): string {
  return wanted.kind === 'emulator'
    ? placeOf(wanted)
    : `${placeOf(wanted)}, account ${wanted.account}, ${wanted.region}`;
}

function placeOf(wanted: Target): string {
  return wanted.kind === 'emulator' ? 'the emulator on this machine' : `stack ${wanted.stack}`;
}
