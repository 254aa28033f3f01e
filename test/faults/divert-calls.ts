/**
 * Loaded into every function on the emulator, and into commands, before their own code: while a fault proxy is running
 * (fault-proxy.ts), it diverts their AWS calls there. They are not aware of it.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const file = process.env['FAULT_PROXY_FILE'];

if (file !== undefined) {
  const command = process.env['FAULT_COMMAND'];
  let invocation = command === undefined ? '' : process.argv.slice(2).join(' ');
  JSON.parse = new Proxy(JSON.parse, {
    apply(parse, self, given) {
      // The emulator passes each invocation as a line of JSON: the calls that follow are for its image.
      if (typeof given[0] === 'string' && given[0].startsWith('{"event": ')) invocation = given[0];
      return Reflect.apply(parse, self, given);
    },
  });
  https.request = new Proxy(https.request, {
    apply(request, self, given) {
      const port = proxyPort(file);
      const [options, ...rest] = given;
      if (port === undefined || !isSigned(options)) return Reflect.apply(request, self, given);
      const { method, path, headers } = options;
      const diverted = Reflect.apply(http.request, http, [
        { method, path, host: '127.0.0.1', port, headers: { ...headers, ...origin() } },
        ...rest,
      ]);
      // The proxy simulates a timeout, as the client's own timer would after ten seconds or five minutes.
      diverted.on('information', () => {
        diverted.destroy(Object.assign(new Error('Timeout simulated by the fault proxy'), { code: 'ETIMEDOUT' }));
      });
      return diverted;
    },
  });
  const origin = (): Record<string, string> => ({
    'x-fault-function': command ?? process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? '',
    'x-fault-process': String(process.pid),
    'x-fault-invocation': invocation,
  });
}

function proxyPort(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function isSigned(options: Partial<SignedRequest> | undefined): options is SignedRequest {
  return Object.keys(options?.headers ?? {}).some((name) => name.toLowerCase() === 'authorization');
}
