/**
 * Loaded into every function on the emulator before its own code (see emulated-stack.ts): records every AWS call of the
 * function, including those of its libraries. recorded-calls.ts reads them.
 */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import type { ClientRequest } from 'node:http';

const file = process.env['RECORDED_CALLS_FILE'];

if (file !== undefined) {
  subscribe('http.client.request.created', (message) => {
    const { request } = message as { request: ClientRequest };
    let body = '';
    const keep = (chunk: unknown): void => {
      // Only JSON protocols, which name their resource in the body; never an image's bytes.
      if (request.getHeader('x-amz-target') !== undefined && typeof chunk !== 'function') body += String(chunk ?? '');
    };
    request.write = new Proxy(request.write, {
      apply(write, self, given) {
        keep(given[0]);
        return Reflect.apply(write, self, given);
      },
    });
    request.end = new Proxy(request.end, {
      apply(end, self, given) {
        keep(given[0]);
        const { method, path } = request;
        // Not known earlier: the emulator starts workers before it knows their function.
        const functionName = process.env['AWS_LAMBDA_FUNCTION_NAME'];
        const call = { functionName, method, path, target: request.getHeader('x-amz-target'), body };
        if (request.getHeader('authorization') !== undefined) appendFileSync(file, `${JSON.stringify(call)}\n`);
        return Reflect.apply(end, self, given);
      },
    });
  });
}
