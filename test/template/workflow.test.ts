import { unmarshall } from '@aws-sdk/util-dynamodb';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { workflow } from '../../scripts/workflow.ts';

const expressionOf = (value: unknown): string => {
  const [, expression] = /^\{%(.*)%\}$/s.exec(String(value)) ?? [];
  if (expression === undefined) throw new Error(`${JSON.stringify(value)} is no JSONata expression.`);
  return expression;
};

/** JSONata's own implementation, a second opinion beside the emulator's. */
const evaluate = async (value: unknown, variables: Readonly<Record<string, unknown>>): Promise<unknown> =>
  JSON.parse(JSON.stringify((await jsonata(expressionOf(value)).evaluate({}, { ...variables })) ?? null));

const state = (name: string) => {
  const found = workflow.states.get(name);
  if (found === undefined) throw new Error(`The workflow has no state ${name}.`);
  return found;
};

describe('every task', () => {
  it.each(workflow.tasks)(
    '$state has a timeout, retries with jitter, and an end for what cannot be helped',
    ({ state: name, definition }) => {
      expect(definition.TimeoutSeconds).toBeGreaterThan(0);
      const retrying = (definition.Retry ?? []).filter(({ MaxAttempts }) => MaxAttempts > 0);
      expect(retrying.at(-1)?.ErrorEquals).toEqual(['States.ALL']);
      for (const retrier of retrying)
        expect(retrier).toMatchObject({ JitterStrategy: 'FULL', MaxDelaySeconds: expect.any(Number) });
      // Those inside ProcessImage are caught by it.
      const caughtBy = ['ExtractMetadata', 'ResizeImage'].includes(name) ? state('ProcessImage') : definition;
      expect(caughtBy.Catch?.at(-1)).toMatchObject({ ErrorEquals: ['States.ALL'], Next: 'Undecided' });
    },
  );

  it('never waits for a write that lost: a conditional check is no failure to retry', () => {
    for (const name of ['WriteRecord', 'MarkAnnounced']) {
      const conditional = 'DynamoDB.ConditionalCheckFailedException';
      expect(state(name).Retry?.[0]).toMatchObject({ ErrorEquals: [conditional], MaxAttempts: 0 });
      expect(state(name).Catch?.[0]).toMatchObject({ ErrorEquals: [conditional] });
    }
  });
});

describe('fan in', () => {
  const metadata = { format: 'jpeg', width: 4, height: 3 };
  const described = { outcome: 'processed', metadata };
  const rendered = (...presets: string[]) => ({
    outcome: 'processed',
    renditions: presets.map((preset) => ({ preset })),
  });
  const corrupt = { outcome: 'rejected', reason: 'corrupt', message: 'It is torn.' };
  const decide = (description: unknown, groups: unknown[]) =>
    evaluate(state('DecideUpload').Assign?.['decision'], { states: { input: [description, groups] } });

  it('joins the description and the renditions of all groups', async () => {
    expect(await decide(described, [rendered('a', 'b'), rendered('c')])).toEqual({
      outcome: 'processed',
      metadata,
      renditions: [{ preset: 'a' }, { preset: 'b' }, { preset: 'c' }],
    });
  });

  it('keeps a list of one rendition a list', async () => {
    expect(await decide(described, [rendered('a')])).toMatchObject({ renditions: [{ preset: 'a' }] });
  });

  it('rejects if anybody rejects', async () => {
    expect(await decide(described, [rendered('a'), corrupt])).toEqual(corrupt);
    expect(await decide(corrupt, [rendered('a')])).toEqual(corrupt);
  });

  it('puts gone before replaced before bad', async () => {
    expect(await decide(corrupt, [{ outcome: 'superseded' }])).toEqual({ outcome: 'superseded' });
    expect(await decide({ outcome: 'superseded' }, [corrupt, { outcome: 'vanished' }])).toEqual({
      outcome: 'vanished',
    });
  });
});

describe('the record', () => {
  it('is written as DynamoDB’s own library would read it', async () => {
    const record = {
      imageId: 'a1',
      announced: false,
      metadata: {
        width: 3264,
        location: { latitude: 43.467448611111, longitude: -0.5 },
        camera: { make: 'Apple' },
        hasAlpha: true,
      },
      renditions: [{ preset: 'webp-320', bytes: 0 }],
      nothing: [],
    };
    const item = await evaluate(state('WriteRecord').Arguments?.['Item'], { record });
    expect(unmarshall(Object.fromEntries(Object.entries(Object(item))))).toEqual(record);
  });

  it.each([
    [{ versionId: 'v1', etag: 'e1' }, 'v1'],
    [{ etag: 'e1' }, 'e1'],
    [{}, 'none'],
  ])('names the version of %j', async (image, version) => {
    expect(await evaluate(state('Begin').Assign?.['version'], { states: { input: { image } } })).toBe(version);
  });

  it('yields to a newer event, to a repeat of what failed or was left unannounced, and to nothing else', async () => {
    const condition = (outcome: string) =>
      evaluate(state('WriteRecord').Arguments?.['ConditionExpression'], { decision: { outcome } });
    const newer =
      'attribute_not_exists(sequencer) OR sequencer < :sequencer OR (sequencer = :sequencer AND outcome = :failed)';
    expect(await condition('processed')).toBe(`${newer} OR (sequencer = :sequencer AND announced = :no)`);
    // A failure says nothing against what an earlier try wrote.
    expect(await condition('failed')).toBe(newer);
  });

  it.each(['processed', 'failed'])('%s: names no value that its condition does not use', async (outcome) => {
    const variables = { decision: { outcome }, image: { sequencer: 'S1' } };
    const condition = await evaluate(state('WriteRecord').Arguments?.['ConditionExpression'], variables);
    const values = await evaluate(state('WriteRecord').Arguments?.['ExpressionAttributeValues'], variables);
    expect(new Set(String(condition).match(/:\w+/g))).toEqual(new Set(Object.keys(Object(values))));
  });
});

describe('the event', () => {
  it('bears one id for every repeat, and nothing of the workflow’s own bookkeeping', async () => {
    const entry = Object(state('Announce').Arguments)['Entries'][0];
    const variables = {
      correlationId: 'c1',
      occurredAt: '2026-01-01T00:00:00Z',
      image: { imageId: 'i1', sequencer: 'S1', bucket: 'b', key: 'k' },
      version: 'v1',
      decision: { outcome: 'rejected', reason: 'corrupt', message: 'It is torn.', expiresAt: 1 },
    };
    expect(await evaluate(entry.DetailType, variables)).toBe('ImageRejected');
    expect(await evaluate(entry.Detail, variables)).toEqual({
      schemaVersion: 1,
      id: 'i1-S1-rejected',
      correlationId: 'c1',
      occurredAt: '2026-01-01T00:00:00Z',
      image: { id: 'i1', bucket: 'b', key: 'k', version: 'v1', sequencer: 'S1' },
      reason: 'corrupt',
      message: 'It is torn.',
    });
  });

  it('of a failure tells nobody outside what our roles and accounts are called', async () => {
    const entry = Object(state('Announce').Arguments)['Entries'][0];
    const decision = { outcome: 'failed', message: 'arn:aws:iam::123456789012:role/r is not authorized' };
    const detail = await evaluate(entry.Detail, { decision, image: {}, version: 'v1' });
    expect(JSON.stringify(detail)).not.toContain('123456789012');
  });
});
