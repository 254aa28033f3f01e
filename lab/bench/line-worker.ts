import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import * as z from 'zod';

/** A program that answers each line of JSON with another. It is started once, so that no figure includes its start. */
export interface LineWorker {
  readonly pid: number;
  ask<Answer>(question: object, answer: z.ZodType<Answer>): Promise<Answer>;
  /** Resolves when it is gone. */
  end(): Promise<void>;
}

export function startLineWorker(
  command: string,
  args: readonly string[],
  directory: string,
  environment: NodeJS.ProcessEnv = {},
): LineWorker {
  // sharp's libvips sets its module directory in the environment, where another libvips would look for modules.
  const { VIPSHOME: _, ...env } = { ...process.env, ...environment };
  const child = spawn(command, args, { cwd: directory, env, stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.pid === undefined) throw new Error(`${command} could not be started.`);
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid,
    async ask(question, answer) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`${args.join(' ')} ended at ${JSON.stringify(question)}.`);
      return answer.parse(JSON.parse(value));
    },
    async end() {
      child.stdin.end();
      await exited;
    },
  };
}

/** What a worker measures about one job, in milliseconds. */
export const workerCost = z.object({ cpu: z.number(), wall: z.number() });
