/** A proxy between AWS and its callers, the functions and the workflow, that makes planned calls fail. */
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import type { EmulatorAddress } from '../../scripts/local/emulator.ts';
import { workDirectory } from '../../scripts/terminal/project.ts';
import { describeCall } from '../support/recorded-calls.ts';
import type { FaultKind } from './fault-kinds.ts';
import { actionOf, fateOf, workflowTask } from './workflow-task.ts';

const proxyFile = join(workDirectory, 'fault-proxy');

/** For the emulator: its workflows ask the proxy, and its functions inherit this environment and call the proxy. */
export function divertingEnvironment() {
  // Left by a run that was killed: nothing listens there any more.
  rmSync(proxyFile, { force: true });
  return {
    PYTHONPATH: join(import.meta.dirname, 'emulator'),
    NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'divert-calls.ts')).href}`,
    FAULT_PROXY_FILE: proxyFile,
  };
}

export interface Fault {
  /** The physical id of a function or a state machine, or the name of a command. */
  readonly caller: string;
  /** The call's IAM action; prefixed with the state's name if a workflow makes it. */
  readonly action: string;
  readonly kind: FaultKind;
  /** Only calls for this image fail. */
  readonly image: { readonly key: string; readonly imageId: string };
  readonly times: number;
  /** Calls that succeed before the first one that fails. */
  readonly skipped?: number;
  /** Before it happens: a worker that dies may have been busy for long. */
  readonly afterMillis?: number;
  /** Of a workflow’s call: the name under which the workflow sees it, if not that of the kind. */
  readonly error?: string;
}

/** Calls that take longer than they need to, as those of a large image do. */
export interface Delay extends Pick<Fault, 'caller' | 'action'> {
  readonly millis: number;
}

export interface DivertedCall extends Pick<Fault, 'caller' | 'action'> {
  /** The input of the caller's invocation, or the command line: both name the image. */
  readonly invocation: string;
}

export interface FaultProxy {
  /** Every call, in order. */
  readonly calls: readonly DivertedCall[];
  /** Replaces the planned faults; `happened` counts how often each occurs from now on. */
  plan(faults: readonly Fault[], delays?: readonly Delay[]): { happened(fault: Fault): number };
  stop(): Promise<void>;
}

export async function startFaultProxy(
  emulator: Pick<EmulatorAddress, 'endpoint' | 'certificate'>,
): Promise<FaultProxy> {
  const agent = new Agent({ ca: emulator.certificate, keepAlive: true, maxSockets: 50 });
  const calls: DivertedCall[] = [];
  let planned = new Map<Fault, number>();
  let plannedDelays: readonly Delay[] = [];
  /** Calls that a planned fault concerns, so far. */
  const matching = new Map<Fault, number>();

  const faultFor = (call: DivertedCall): Fault | undefined => {
    for (const [fault, happened] of planned) {
      if (happened >= fault.times || !concerns(fault, call)) continue;
      const made = (matching.get(fault) ?? 0) + 1;
      matching.set(fault, made);
      if (made <= (fault.skipped ?? 0)) continue;
      planned.set(fault, happened + 1);
      return fault;
    }
    return undefined;
  };

  // The invocation, up to a batch of ten messages, is sent in a header.
  const server = createServer({ maxHeaderSize: 1_000_000 }, (incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : undefined));
  });
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>));
    if (incoming.url === '/workflow-task') {
      const task = workflowTask.parse(JSON.parse(body.toString()));
      const call = { caller: task.machine, action: actionOf(task), invocation: task.input };
      calls.push(call);
      const fault = faultFor(call);
      await sleep(fault?.afterMillis ?? 0);
      const fate = fateOf(task, fault?.kind);
      outgoing.end(JSON.stringify(fault?.error === undefined ? fate : { ...fate, error: fault.error }));
      return;
    }
    const {
      [functionHeader]: caller,
      [processHeader]: pid,
      [invocationHeader]: invocation,
    } = origin.parse(incoming.headers);
    const { method = '', url: path = '' } = incoming;
    const target = z.string().optional().parse(incoming.headers['x-amz-target']);
    const { action } = describeCall({ method, path, target, body: target === undefined ? '' : body.toString() });
    const call = { caller, action, invocation };
    calls.push(call);
    const forward = () => responseTo({ emulator, agent, incoming, body });
    const fault = faultFor(call);
    const delay = plannedDelays.find(({ caller, action }) => caller === call.caller && action === call.action);
    await sleep(fault?.afterMillis ?? delay?.millis ?? 0);
    const kind = fault?.kind;
    switch (kind) {
      case undefined: {
        const { status, headers, bytes } = await forward();
        outgoing.writeHead(status, headers).end(bytes);
        return;
      }
      case 'refused':
        outgoing.destroy();
        return;
      case 'lost':
        await forward();
        outgoing.writeProcessing();
        return;
      case 'hangs':
        outgoing.writeProcessing();
        return;
      case 'dies before':
        process.kill(pid, 'SIGKILL');
        return;
      case 'dies after':
        await forward();
        process.kill(pid, 'SIGKILL');
        return;
      case 'throttled':
      case 'denied':
      case 'broken': {
        const { status, type, text } = refusals[kind][target === undefined ? 's3' : 'json'];
        outgoing.writeHead(status, { 'content-type': type }).end(text);
        return;
      }
      default:
        throw new Error(`There is no fault ${kind satisfies never}.`);
    }
  };

  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const { port } = z.object({ port: z.int() }).parse(server.address());
  writeFileSync(proxyFile, String(port));
  return {
    calls,
    plan(faults, delays = []) {
      plannedDelays = delays;
      const counts = new Map(faults.map((fault) => [fault, 0]));
      matching.clear();
      planned = counts;
      return { happened: (fault) => counts.get(fault) ?? 0 };
    },
    async stop() {
      rmSync(proxyFile, { force: true });
      server.closeAllConnections();
      agent.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function concerns({ caller, action, image }: Fault, call: DivertedCall): boolean {
  return (
    call.caller === caller &&
    call.action === action &&
    (call.invocation.includes(image.key) || call.invocation.includes(image.imageId))
  );
}

const functionHeader = 'x-fault-function';
const processHeader = 'x-fault-process';
const invocationHeader = 'x-fault-invocation';
const origin = z.object({
  [functionHeader]: z.string(),
  [processHeader]: z.coerce.number().int().positive(),
  [invocationHeader]: z.string(),
});

async function responseTo({
  emulator,
  agent,
  incoming,
  body,
}: {
  readonly emulator: Pick<EmulatorAddress, 'endpoint'>;
  readonly agent: Agent;
  readonly incoming: IncomingMessage;
  readonly body: Buffer;
}): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; bytes: Buffer }> {
  const { 'transfer-encoding': _, expect: __, connection: ___, ...headers } = incoming.headers;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  httpsRequest(
    new URL(incoming.url ?? '', emulator.endpoint),
    { method: incoming.method, agent, headers: { ...headers, 'content-length': body.length } },
    resolve,
  )
    .once('error', reject)
    .end(body);
  const response = await promise;
  const bytes = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>));
  const { 'transfer-encoding': ____, connection: _____, ...responseHeaders } = response.headers;
  return { status: response.statusCode ?? 502, headers: responseHeaders, bytes };
}

const asJson = (status: number, code: string) => ({
  status,
  type: 'application/x-amz-json-1.0',
  text: JSON.stringify({ __type: code, message: `${code} from the fault proxy` }),
});
const asXml = (status: number, code: string) => ({
  status,
  type: 'application/xml',
  text: `<Error><Code>${code}</Code><Message>${code} from the fault proxy</Message></Error>`,
});
const refusals = {
  throttled: { json: asJson(400, 'ThrottlingException'), s3: asXml(503, 'SlowDown') },
  denied: { json: asJson(400, 'AccessDeniedException'), s3: asXml(403, 'AccessDenied') },
  broken: { json: asJson(500, 'InternalServerError'), s3: asXml(500, 'InternalError') },
} as const;
