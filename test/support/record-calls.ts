/**
 * Loaded into every function on the emulator before its own code (see emulated-stack.ts): writes down each call of AWS
 * that the function makes, whoever in it makes it. recorded-calls.ts reads them.
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
      // Only of the JSON protocols, which name their resource in the body; never an image's bytes.
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
        // Known only by now: the emulator starts workers before it knows for which function.
        const functionName = process.env['AWS_LAMBDA_FUNCTION_NAME'];
        const call = { functionName, method, path, target: request.getHeader('x-amz-target'), body };
        if (request.getHeader('authorization') !== undefined) appendFileSync(file, `${JSON.stringify(call)}\n`);
        return Reflect.apply(end, self, given);
      },
    });
  });
}
