import { type Stack, stackOf, stackOutputs } from '../../scripts/stack/stack.ts';

/** A stack in an account, for tests that mock the SDK: each output has its own name as its value. */
export function mockedStack(changes: Partial<Pick<Stack, 'emulated'>> = {}): Stack {
  const names = Object.keys(stackOutputs.shape).map((name) => [name, name]);
  const outputs = stackOutputs.parse({ ...Object.fromEntries(names), IntakeConcurrency: 5 });
  return stackOf({ name: 'images-dev', emulated: false, clientConfig: { region: 'eu-west-1' }, outputs, ...changes });
}
