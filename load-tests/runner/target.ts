/**
 * What a run may be sent to: an emulator of its own on this machine, or a stack that the user named. Nothing else, on no
 * way: this is checked where the run begins and again where its requests are made.
 */
import * as z from 'zod';
import { Failure } from '../../scripts/terminal/failure.ts';

const ignoring = 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS';
const loopback = /^https:\/\/127\.0\.0\.1:\d+$/;

/** Plain data: it goes to Artillery's process in a file. */
export const target = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('emulator'), endpoint: z.string().regex(loopback) }),
  z.object({ kind: z.literal('stack'), stack: z.string(), region: z.string(), account: z.string() }),
]);
export type Target = z.infer<typeof target>;

/** What a run on a stack is started with, so that no `endpoint_url` of the user's AWS configuration leads it elsewhere. */
export const stackEnvironment = { [ignoring]: 'true' };

/** @throws {Failure} where this process's environment would send a request anywhere else. */
export function guardTarget(wanted: Target, environment: Readonly<NodeJS.ProcessEnv>): void {
  const redirections = Object.keys(environment).filter((name) => /^AWS_ENDPOINT_URL/i.test(name));
  const elsewhere =
    wanted.kind === 'stack'
      ? redirections
      : redirections.filter((name) => environment[name] !== wanted.endpoint || !loopback.test(wanted.endpoint));
  if (elsewhere.length > 0) {
    throw new Failure(
      `${elsewhere.join(', ')} would send this run somewhere else than ${placeOf(wanted)}: unset it and run this again.`,
    );
  }
  if (wanted.kind === 'stack' && environment[ignoring] !== stackEnvironment[ignoring]) {
    throw new Failure(`A run on a stack without ${ignoring} may be led elsewhere: start it with \`npm run load\`.`);
  }
  if (wanted.kind === 'emulator' && environment['AWS_ENDPOINT_URL'] === undefined) {
    throw new Failure('A run on the emulator without AWS_ENDPOINT_URL would go to AWS: start it with `npm run load`.');
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
