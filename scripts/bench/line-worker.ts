import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as z from 'zod';

/** A program that answers each line of JSON with one of its own: started once, so that its start is in no figure. */
export interface LineWorker {
  ask<Answer>(question: object, answer: z.ZodType<Answer>): Promise<Answer>;
  end(): void;
}

export function startLineWorker(command: string, args: readonly string[], directory: string): LineWorker {
  // sharp's libvips leaves the home of its own build in the environment, where another libvips would look for its modules.
  const { VIPSHOME: _, ...env } = process.env;
  const child = spawn(command, args, { cwd: directory, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(question, answer) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`${args.join(' ')} ended at ${JSON.stringify(question)}.`);
      return answer.parse(JSON.parse(value));
    },
    end: () => void child.stdin.end(),
  };
}

/** What a worker of peers/ measures about one job. */
export const workerCost = z.object({ cpu: z.number(), wall: z.number() });
