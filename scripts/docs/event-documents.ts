import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import * as z from 'zod/mini';
import { type PublishedEventType, publishedEvents, schemaVersion } from '../../adapters/contracts/domain-events.ts';
import { eventSource, projectTitle } from '../../core/names.ts';
import { Failure } from '../terminal/failure.ts';
import { projectDirectory } from '../terminal/project.ts';

const directory = 'docs/events';
/** Where the released schemas of this version are kept. */
const releaseDirectory = `${directory}/v${schemaVersion}`;

/** docs/events: a JSON Schema for each event's detail, and an AsyncAPI document for the bus. */

export type JsonSchema = z.core.JSONSchema.BaseSchema;

export function eventSchemas(): ReadonlyMap<PublishedEventType, JsonSchema> {
  return new Map(
    typesOfEvents().map((type) => [
      type,
      { title: type, ...z.toJSONSchema(publishedEvents[type], { override: open }) },
    ]),
  );
}

/** Allows additional properties, because consumers should ignore additions, and removes redundant constraints. */
function open({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  delete jsonSchema.additionalProperties;
  if (isDefined(jsonSchema.format)) delete jsonSchema.pattern;
  // https://json-schema.org/draft/2020-12/json-schema-validation#section-7.3 has no base64, and validators may reject it.
  else delete jsonSchema.format;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}

function isDefined(format: string | undefined): boolean {
  return format !== undefined && ['date-time', 'date', 'time', 'duration', 'email', 'uri', 'uuid'].includes(format);
}

/** Generated documents by their paths in the project. */
export function eventDocuments(): ReadonlyMap<string, string> {
  return new Map([...schemasIn(directory), [`${directory}/asyncapi.yaml`, stringify(asyncApi(), { lineWidth: 120 })]]);
}

/** @throws {Failure} if it would break consumers of the released schemas. */
export function unpublishedRelease(): ReadonlyMap<string, string> {
  const broken = brokenPromises(releasedSchemas(), eventSchemas());
  if (broken.length === 0) return schemasIn(releaseDirectory);
  throw new Failure(
    `Not released, because it would break consumers. Raise schemaVersion in adapters/contracts/domain-events.ts, or undo the change.\n${broken.join('\n')}`,
  );
}

function schemasIn(folder: string): ReadonlyMap<string, string> {
  return new Map([...eventSchemas()].map(([type, schema]) => [`${folder}/${type}.json`, json(schema)]));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function asyncApi() {
  const types = typesOfEvents();
  const text = { type: 'string' };
  return {
    asyncapi: '3.0.0',
    info: {
      title: projectTitle,
      version: `${schemaVersion}.0.0`,
      description: 'Events for the outcomes of uploaded images. To subscribe, see docs/events/README.md.',
    },
    channels: {
      domainEvents: {
        address: '<stack>-domain-events',
        description: 'The EventBridge bus DomainEventBus. At least once, in any order.',
        messages: Object.fromEntries(types.map((type) => [type, { $ref: `#/components/messages/${type}` }])),
      },
    },
    operations: {
      announce: { action: 'send', channel: { $ref: '#/channels/domainEvents' } },
    },
    components: {
      messages: Object.fromEntries(
        types.map((type) => [
          type,
          {
            name: type,
            contentType: 'application/json',
            // EventBridge's envelope.
            payload: {
              type: 'object',
              required: ['source', 'detail-type', 'detail'],
              properties: {
                ...{ version: text, id: text, account: text, region: text, time: { ...text, format: 'date-time' } },
                resources: { type: 'array', items: text },
                source: { const: eventSource },
                'detail-type': { const: type },
                detail: { $ref: `./${type}.json` },
              },
            },
          },
        ]),
      ),
    },
  };
}

function typesOfEvents(): PublishedEventType[] {
  return ['ImageProcessed', 'ImageRejected', 'ImageDeleted', 'ImageFailed', 'ImageDescribed'];
}

/**
 * Changes that would break consumers of the released events: a field that was removed, made optional or changed. A closed
 * list may neither lose nor gain a value, because consumers switch over it.
 */
export function breakingChanges(released: JsonSchema, current: JsonSchema, path = released.title ?? 'event'): string[] {
  const { properties = {}, required = [], items, description: _, title: __, ...rules } = released;
  const {
    properties: now = {},
    required: stillRequired = [],
    items: nowItems,
    description: ___,
    title: ____,
    ...newRules
  } = current;
  const found = isDeepStrictEqual(rules, newRules)
    ? []
    : [`${path} was ${JSON.stringify(rules)} and is ${JSON.stringify(newRules)}`];
  for (const [name, schema] of Object.entries(properties)) {
    const inner = now[name];
    if (inner === undefined) found.push(`${path}.${name} is gone`);
    else found.push(...breakingChanges(asSchema(schema), asSchema(inner), `${path}.${name}`));
  }
  const optional = required.filter((name) => now[name] !== undefined && !stillRequired.includes(name));
  found.push(...optional.map((name) => `${path}.${name} is now optional`));
  if (items !== undefined) found.push(...breakingChanges(asSchema(items), asSchema(nowItems ?? {}), `${path}[]`));
  return found;
}

/** Checks every released event, including any that are no longer sent. */
export function brokenPromises(
  released: ReadonlyMap<string, JsonSchema>,
  current: ReadonlyMap<string, JsonSchema>,
): string[] {
  return [...released].flatMap(([type, schema]) => {
    const now = current.get(type);
    return now === undefined ? [`${type} is gone`] : breakingChanges(schema, now);
  });
}

/** Empty before the first release of a version. */
export function releasedSchemas(): ReadonlyMap<string, JsonSchema> {
  const folder = join(projectDirectory, releaseDirectory);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return new Map(
    files.map((file) => [file.replace(/\.json$/, ''), asSchema(JSON.parse(readFileSync(join(folder, file), 'utf8')))]),
  );
}

const schemaObject = z.custom<JsonSchema>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);
const asSchema = (value: unknown): JsonSchema => schemaObject.parse(value);
