import { readFileSync } from 'node:fs';
import specs from '@asyncapi/specs';
import { Ajv, type SchemaObject } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { domainEvents, publishedEvents } from '../../adapters/contracts/domain-events.ts';
import { eventSource } from '../../core/names.ts';
import {
  breakingChanges,
  brokenPromises,
  eventSchemas,
  type JsonSchema,
  releasedSchemas,
} from '../../scripts/docs/event-documents.ts';
import { violationsOf } from '../support/published-schemas.ts';
import { extraProperty, withExtraProperty } from '../support/with-extra-property.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const examples = [...read('docs/events/README.md').matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) =>
  z.looseObject({ 'detail-type': z.string(), detail: z.record(z.string(), z.unknown()) }).parse(JSON.parse(text)),
);

describe('docs/events', () => {
  it('shows a valid example of every event', () => {
    expect(examples.map((event) => event['detail-type'])).toEqual(Object.keys(publishedEvents));
    for (const event of examples) {
      const [, schema] = Object.entries(publishedEvents).find(([type]) => type === event['detail-type']) ?? [];
      expect(schema?.safeParse(event.detail).error).toBeUndefined();
    }
  });

  it.each(examples.map((event) => [event['detail-type'], event] as const))(
    'shows an example of %s that its published schemas accept',
    (_, event) => {
      expect(violationsOf({ source: eventSource, ...event })).toEqual([]);
    },
  );

  it.each<[what: string, event: unknown, violation: string]>([
    ['from another source', { source: 'elsewhere', ...examples[1] }, '/source must be equal to constant'],
    ['of an unknown type', { ...examples[1], 'detail-type': 'ImageSold' }, 'docs/events has no ImageSold'],
    [
      'of another type',
      { ...examples[1], 'detail-type': 'ImageProcessed' },
      "/detail must have required property 'metadata'",
    ],
    [
      'without a valid time',
      { ...examples[2], detail: { ...examples[2]?.detail, occurredAt: 'now' } },
      '/detail/occurredAt must match format "date-time"',
    ],
    [
      'with a placeholder that is not base64',
      { ...examples[0], detail: { ...examples[0]?.detail, metadata: { thumbhash: 'ä' } } },
      '/detail/metadata/thumbhash must match pattern',
    ],
  ])('reports what is wrong with an event %s', (_, event, violation) => {
    expect(violationsOf(event).join('\n')).toContain(violation);
  });

  it('describes the bus in valid AsyncAPI', () => {
    // AsyncAPI's schema includes that of JSON Schema.
    const ajv = addFormats.default(new Ajv({ strict: false, meta: false, validateSchema: false }));
    const asyncApi: SchemaObject = Object.fromEntries(Object.entries(specs.schemas['3.0.0']));
    const document = parse(read('docs/events/asyncapi.yaml'));
    expect(ajv.validate(asyncApi, document) || ajv.errors).toBe(true);
    expect(ajv.validate(asyncApi, { ...document, channels: [] })).toBe(false);
  });
});

describe('an event with every optional property', () => {
  const [processed] = examples;
  const whole = {
    ...processed?.detail,
    metadata: {
      ...z.looseObject({}).parse(processed?.detail['metadata']),
      camera: { make: 'Apple', model: 'iPhone 5' },
      capturedAt: '2012-09-29T16:11:25',
      location: { latitude: 47.6, longitude: -122.3 },
    },
  };

  it('is valid', () => {
    expect(domainEvents.ImageProcessed.safeParse(whole).error).toBeUndefined();
  });

  it.each(withExtraProperty(whole))('is invalid with an additional property in %j', (path, extended) => {
    expect(domainEvents.ImageProcessed.safeParse(extended).error?.issues).toEqual([
      expect.objectContaining({ code: 'unrecognized_keys', path, keys: Object.keys(extraProperty) }),
    ]);
  });
});

describe('a consumer of the released events', () => {
  it('has a schema of every event: else run `npm run docs -- --release`', () => {
    expect([...releasedSchemas().keys()].sort()).toEqual([...eventSchemas().keys()].sort());
  });

  it.each([...releasedSchemas()])('still understands %s', (type, released) => {
    const broken = brokenPromises(new Map([[type, released]]), eventSchemas());
    expect(
      broken,
      'This breaks consumers: increment schemaVersion in adapters/contracts/domain-events.ts, or undo the change.',
    ).toEqual([]);
  });

  it('is broken if an event is no longer published', () => {
    const gone = new Map([...eventSchemas()].filter(([type]) => type !== 'ImageDeleted'));
    expect(brokenPromises(eventSchemas(), gone)).toEqual(['ImageDeleted is gone']);
  });

  const before: JsonSchema = {
    type: 'object',
    properties: {
      reason: { type: 'string', enum: ['empty', 'corrupt'] },
      renditions: {
        type: 'array',
        items: { type: 'object', properties: { key: { type: 'string' } }, required: ['key'] },
      },
      camera: { type: 'string' },
    },
    required: ['reason', 'renditions'],
  };
  const changed = (properties: JsonSchema['properties'], required = before.required): JsonSchema => ({
    ...before,
    properties: { ...before.properties, ...properties },
    ...(required && { required }),
  });
  const list = (inner: JsonSchema): JsonSchema => ({ type: 'array', items: inner });

  it.each<[what: string, current: JsonSchema]>([
    ['a field is added', changed({ place: { type: 'string' } })],
    ['a required field is added', changed({ place: { type: 'string' } }, ['reason', 'renditions', 'place'])],
    ['a field becomes required', changed({}, ['reason', 'renditions', 'camera'])],
    ['a field is described', changed({ camera: { type: 'string', description: 'Who made it.' } })],
  ])('is not broken if %s', (_, current) => {
    expect(breakingChanges(before, current)).toEqual([]);
  });

  it.each<[what: string, current: JsonSchema, message: string]>([
    [
      'a field is renamed',
      { type: 'object', properties: { why: { type: 'string' }, renditions: list({}), camera: {} }, required: [] },
      'event.reason is gone',
    ],
    ['a field becomes optional', changed({}, ['renditions']), 'event.reason is now optional'],
    [
      'a type changes',
      changed({ camera: { type: 'object' } }),
      'event.camera was {"type":"string"} and is {"type":"object"}',
    ],
    ['a closed list loses a value', changed({ reason: { type: 'string', enum: ['empty'] } }), 'event.reason was'],
    [
      'a closed list gains a value',
      changed({ reason: { type: 'string', enum: ['empty', 'corrupt', 'ugly'] } }),
      'event.reason was',
    ],
    [
      'a field within a list is removed',
      changed({ renditions: list({ type: 'object', properties: {}, required: [] }) }),
      'event.renditions[].key is gone',
    ],
  ])('is broken if %s', (_, current, message) => {
    expect(breakingChanges(before, current).join('\n')).toContain(message);
  });
});
