import { onTestFinished } from 'vitest';
import { clientsFor, Undo, type Verification } from '../../scripts/verify/verification.ts';
import { mockedStack } from './mocked-stack.ts';

type Changes = Partial<Pick<Verification, 'parameters' | 'signal'>> & {
  /** Physical ids and types by logical id. */
  readonly resources?: Readonly<Record<string, readonly [type: string, physicalId: string]>>;
};

/** Of a stack in an account, for tests that mock the SDK. It gives up at once where a real one waits for minutes. */
export function mockedVerification({ resources = {}, ...changes }: Changes = {}): Verification {
  const stack = mockedStack();
  const clients = clientsFor(stack);
  onTestFinished(() => {
    stack.close();
    for (const client of Object.values(clients)) client.destroy();
  });
  return {
    ...{ stack, clients, runId: 'run', undo: new Undo(), minute: 20 },
    signal: new AbortController().signal,
    parameters: new Map(),
    resources: new Map(Object.entries(resources).map(([id, [type, physicalId]]) => [id, { type, physicalId }])),
    ...changes,
  };
}
