import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { StartSyncExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** Replaces AWS. */
let server: Server;
let requests: number;
let respond: RequestListener;

beforeEach(async () => {
  requests = 0;
  server = createServer((request, response) => {
    requests += 1;
    respond(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  // The module reads the endpoint when it loads.
  vi.resetModules();
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  vi.unstubAllEnvs();
});

const start = new StartSyncExecutionCommand({
  stateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:p',
});

describe('the client that starts workflows', () => {
  it.each([500, 503, 429])(
    'given a %i, sends one request: the queue retries, and a second start would run in parallel',
    async (status) => {
      respond = (_, response) => response.writeHead(status).end();
      const { syncExecutionClient } = await import('../../adapters/aws/aws-clients.ts');
      await expect(syncExecutionClient({ timeoutMillis: 5_000 }).send(start)).rejects.toThrow();
      expect(requests).toBe(1);
    },
  );

  it('given no response within the timeout, fails without a retry', async () => {
    respond = () => undefined;
    const { syncExecutionClient } = await import('../../adapters/aws/aws-clients.ts');
    await expect(syncExecutionClient({ timeoutMillis: 200 }).send(start)).rejects.toThrow(/time/i);
    expect(requests).toBe(1);
  });
});

it('the other clients retry, as often as the SDK does by default', async () => {
  respond = (_, response) => response.writeHead(500).end();
  const { dynamoDbClient } = await import('../../adapters/aws/aws-clients.ts');
  await expect(dynamoDbClient().send(new ListTablesCommand())).rejects.toThrow();
  expect(requests).toBeGreaterThan(1);
});
