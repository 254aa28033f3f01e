/** Validates events as a consumer that has only docs/events would: with its AsyncAPI document and JSON Schemas. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import * as z from 'zod';
import { publishedEvents } from '../../adapters/contracts/domain-events.ts';

// Strict: unknown keywords and formats are errors too.
const ajv = addFormats.default(new Ajv2020({ strict: true, allErrors: true }));
const read = (name: string) => readFileSync(new URL(`../../docs/events/${name}`, import.meta.url), 'utf8');
// The base of references between the documents.
const base = 'https://docs.invalid/events';

const asyncApi = z
  .object({
    components: z.object({
      messages: z.record(z.string(), z.object({ payload: z.record(z.string(), z.unknown()) })),
    }),
  })
  .parse(parse(read('asyncapi.yaml')));

for (const type of Object.keys(publishedEvents))
  ajv.addSchema(JSON.parse(read(`${type}.json`)), `${base}/${type}.json`);
const payloads = new Map(
  Object.entries(asyncApi.components.messages).map(([type, { payload }]) => [
    type,
    ajv.compile({ $id: `${base}/${type}`, ...payload }),
  ]),
);

/** For a whole event with EventBridge's envelope; empty if it is valid. */
export function violationsOf(event: unknown): string[] {
  const type = z.object({ 'detail-type': z.string() }).safeParse(event).data?.['detail-type'] ?? 'none';
  const validate = payloads.get(type);
  if (validate === undefined) return [`docs/events has no ${type}`];
  return validate(event)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
