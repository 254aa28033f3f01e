import { mockClient as mockSdkClient } from 'aws-sdk-client-mock';
import { afterAll } from 'vitest';

const mocks: { restore(): void }[] = [];
// A mock replaces a method of the SDK's class, which other test files in this process use too.
afterAll(() => {
  for (const mock of mocks.toReversed()) mock.restore();
});

/** Mocks an SDK client until the end of the test file. */
export const mockClient: typeof mockSdkClient = (client) => {
  const mock = mockSdkClient(client);
  mocks.push(mock);
  return mock;
};
