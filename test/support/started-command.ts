import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const addressOf = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url));

/**
 * Runs a command in a process of its own, as npm does, on a stack in an account whose SDK is mocked.
 *
 * @param mocks JavaScript that says what the SDK answers; `mockClient` is there
 */
export function startCommand(
  { file, name, args }: { readonly file: string; readonly name: string; readonly args: readonly string[] },
  mocks: string,
) {
  const source = `
    import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
    import { mockClient } from 'aws-sdk-client-mock';
    import { main } from ${addressOf('scripts/terminal/command.ts')};
    import { mockedStack } from ${addressOf('test/support/mocked-stack.ts')};
    import { ${name} } from ${addressOf(file)};
    const Outputs = Object.entries(mockedStack().outputs)
      .map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue: String(OutputValue) }));
    mockClient(CloudFormationClient).on(DescribeStacksCommand).resolves({ Stacks: [{ Outputs }] });
    ${mocks}
    await main(${name}, ${JSON.stringify(['--stack', 'images-dev', ...args])});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    waiting.get(line)?.();
  });
  const error = text(child.stderr);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    stop: () => child.kill('SIGINT'),
    /** Rejects if the process ends before it prints this line. */
    printed: (line: string): Promise<void> =>
      new Promise((resolve, reject) => {
        if (lines.includes(line)) resolve();
        waiting.set(line, resolve);
        void error.then((found) => reject(new Error(found)));
      }),
    ended: closed.then(async (exitCode) => ({ exitCode, out: lines, error: await error })),
  };
}
