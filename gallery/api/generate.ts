/**
 * `npm run generate` in gallery/: writes what derives from openapi.yaml. With --check, only reports whether it is up to date.
 */
import { readFile, writeFile } from 'node:fs/promises';
import openapiTypes, { astToString } from 'openapi-typescript';
import { parse } from 'yaml';
import * as z from 'zod';
import { referencePage } from './reference.ts';

const here = (file: string) => new URL(file, import.meta.url);

const schema = z.record(z.string(), z.unknown());
const parameter = z.object({
  name: z.string(),
  in: z.enum(['query', 'path', 'header']),
  required: z.boolean().optional(),
  schema,
});
const operation = z.object({
  operationId: z.string(),
  parameters: z.array(parameter).default([]),
  requestBody: z.object({ content: z.object({ 'application/json': z.object({ schema }) }) }).optional(),
});
const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
const pathItem = z.object({
  parameters: z.array(parameter).default([]),
  ...Object.fromEntries(methods.map((method) => [method, operation.optional()])),
});

/** The part of a document that functions need: which operations there are, and what a request of each looks like. */
export function operationsOf(document: unknown) {
  const { paths } = z.object({ paths: z.record(z.string(), z.unknown()) }).parse(withoutReferences(document, document));
  return Object.entries(paths).flatMap(([path, item]) => {
    const { parameters: shared } = pathItem.parse(item);
    return methods.flatMap((method) => {
      const found = z.record(z.string(), z.unknown()).parse(item)[method];
      if (found === undefined) return [];
      const { operationId, parameters, requestBody } = operation.parse(found);
      const all = [...shared, ...parameters];
      const request = {
        path: objectOf(all.filter((one) => one.in === 'path')),
        query: objectOf(all.filter((one) => one.in === 'query')),
        ...(requestBody && { body: requestBody.content['application/json'].schema }),
      };
      return [{ operationId, method, path, request }];
    });
  });
}

/** Headers are left out: a client may send any, and none is required. */
function objectOf(parameters: readonly z.infer<typeof parameter>[]) {
  return {
    type: 'object',
    additionalProperties: false,
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
    properties: Object.fromEntries(parameters.map((one) => [one.name, one.schema])),
  };
}

export function withoutReferences(value: unknown, document: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutReferences(item, document));
  if (typeof value !== 'object' || value === null) return value;
  if ('$ref' in value && typeof value.$ref === 'string') {
    const [, ...path] = value.$ref.split('/');
    const found = path.reduce<unknown>((part, name) => schema.parse(part)[name], document);
    return withoutReferences(found, document);
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutReferences(item, document)]));
}

export async function generated(): Promise<ReadonlyMap<string, string>> {
  const document: unknown = parse(await readFile(here('openapi.yaml'), 'utf8'));
  const note = '// Written by `npm run generate` in gallery/, from openapi.yaml. Do not edit.\n';
  const types = astToString(await openapiTypes(here('openapi.yaml'), { exportType: false, alphabetize: false }));
  const operations = Object.fromEntries(operationsOf(document).map(({ operationId, ...rest }) => [operationId, rest]));
  return new Map([
    ['schema.ts', `${note}// biome-ignore-all lint: generated\n${types}`],
    ['../docs/api.md', referencePage(document, commentOf(await readFile(here('live.ts'), 'utf8')))],
    ['operations.ts', `${note}export const operations = ${JSON.stringify(operations, null, 2)} as const;\n`],
  ]);
}

/** The first comment of a file, without its first paragraph. */
function commentOf(code: string): string {
  const [, comment = ''] = /\/\*\*\n(.*?)\n \*\//s.exec(code) ?? [];
  const [, ...paragraphs] = comment.replaceAll(/^ \* ?/gm, '').split('\n\n');
  return paragraphs.join('\n\n');
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  for (const [file, text] of await generated()) {
    const before = await readFile(here(file), 'utf8').catch(() => '');
    if (before === text) continue;
    if (check) {
      process.stderr.write(`${file} is out of date: run npm run generate in gallery/\n`);
      process.exitCode = 1;
    } else await writeFile(here(file), text);
  }
}
