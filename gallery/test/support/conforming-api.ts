/** Calls the API, and compares each answer with openapi.yaml. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import * as z from 'zod';
import { withoutReferences } from '../../api/generate.ts';

const response = z.object({
  headers: z.record(z.string(), z.unknown()).default({}),
  content: z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) })).default({}),
});
const operation = z.object({ operationId: z.string(), responses: z.record(z.string(), response) });
const paths = z.record(z.string(), z.record(z.string(), z.unknown()));

const source: unknown = parse(readFileSync(new URL('../../api/openapi.yaml', import.meta.url), 'utf8'));
const document = z.object({ paths }).parse(withoutReferences(source, source));
const documented = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => method !== 'parameters')
    .map(([method, found]) => ({ path, method, ...operation.parse(found) })),
);

/** `getImage 404`, for all that the document describes. */
export const documentedAnswers = documented.flatMap(({ operationId, responses }) =>
  Object.keys(responses).map((status) => `${operationId} ${status}`),
);

const ajv = new Ajv({ strict: false });
addFormats.default(ajv);

export class ConformingApi {
  /** The answers that were seen, as in {@link documentedAnswers}. */
  readonly seen = new Set<string>();
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  /** @throws {Error} if the answer is not as documented */
  async call(
    method: string,
    path: string,
    options: {
      readonly token?: string;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }> {
    const answer = await fetch(this.#address + path, {
      method,
      headers: {
        ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    });
    const text = await answer.text();
    const [plain = ''] = path.split('?');
    const found = documented.find(
      (one) =>
        one.method === method.toLowerCase() && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(plain),
    );
    if (found === undefined) throw new Error(`${method} ${plain} is not in openapi.yaml.`);
    const described = found.responses[String(answer.status)];
    const name = `${found.operationId} ${answer.status}`;
    if (described === undefined) throw new Error(`${name} is not in openapi.yaml: ${text}`);
    this.seen.add(name);
    const body = checkBody(name, described, answer.headers.get('content-type'), text);
    for (const header of Object.keys(described.headers))
      if (!answer.headers.has(header)) throw new Error(`${name} has no ${header}.`);
    return { status: answer.status, headers: answer.headers, body };
  }
}

function checkBody(name: string, { content }: z.infer<typeof response>, type: string | null, text: string): unknown {
  if (Object.keys(content).length === 0) {
    if (text !== '') throw new Error(`${name} should have no body: ${text}`);
    return undefined;
  }
  const described = content[type ?? ''];
  if (described === undefined) throw new Error(`${name} has the type ${type}, which is not in openapi.yaml.`);
  const body: unknown = JSON.parse(text);
  if (!ajv.validate(described.schema, body)) throw new Error(`${name}: ${ajv.errorsText()} in ${text}`);
  return body;
}
