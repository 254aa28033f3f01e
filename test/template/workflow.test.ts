import { readFileSync } from 'node:fs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { workflow } from '../../scripts/template/workflow.ts';

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

// https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
it('is evaluated here by the version of JSONata that Step Functions implements', () => {
  const installed = readFileSync(new URL('../../node_modules/jsonata/package.json', import.meta.url), 'utf8');
  expect(JSON.parse(installed)).toMatchObject({ version: '2.0.6' });
});

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
      const end = name === 'WriteFailure' ? 'GiveUp' : 'Undecided';
      expect(caughtBy.Catch?.at(-1)).toMatchObject({ ErrorEquals: ['States.ALL'], Next: end });
    },
  );

  it('never waits for a write that lost: a conditional check is no failure to retry', () => {
    for (const name of ['WriteRecord', 'EraseVersion', 'MarkAnnounced']) {
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

  it.each(['WriteRecord', 'WriteFailure', 'EraseVersion', 'MarkAnnounced'])(
    '%s: uses every value that it names, and names every value that it uses',
    (name) => {
      const { ConditionExpression, UpdateExpression = '', ExpressionAttributeValues } = Object(state(name).Arguments);
      const used = `${ConditionExpression} ${UpdateExpression}`.match(/:\w+/g);
      expect(new Set(used)).toEqual(new Set(Object.keys(ExpressionAttributeValues)));
    },
  );

  it('yields to a newer event, to a repeat of what failed or was left unannounced, and never an erased version to its upload', () => {
    expect(Object(state('WriteRecord').Arguments)['ConditionExpression']).toBe(
      'attribute_not_exists(sequencer) OR sequencer < :sequencer OR ' +
        '(sequencer = :sequencer AND (outcome = :failed OR ' +
        '(announced = :no AND (outcome <> :deleted OR outcome = :outcome))))',
    );
  });

  it('never loses to a failure of its own event', () => {
    expect(Object(state('WriteFailure').Arguments)['ConditionExpression']).toBe(
      'attribute_not_exists(sequencer) OR sequencer < :sequencer OR (sequencer = :sequencer AND outcome = :failed)',
    );
  });

  it.each(['ReadRecord', 'LookForMark'])('%s sees what was written a moment ago', (name) => {
    expect(Object(state(name).Arguments)['ConsistentRead']).toBe(true);
  });
});

// Of a timeout, for example: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskTimedOutEventDetails.html
describe.each([
  ['without a cause', {}],
  ['with a cause', { Cause: 'It took longer than 45 seconds.' }],
])('a failure %s', (_, cause) => {
  const failure = { Error: 'States.Timeout', ...cause };

  it('ends the execution under its own name, not with States.QueryEvaluationError', async () => {
    const { Error: error, Cause } = state('GiveUp');
    expect(await evaluate(error, { failure })).toBe('States.Timeout');
    expect(await evaluate(Cause, { failure })).toEqual(expect.stringMatching(/./));
  });

  it('is put on record', async () => {
    const { ExpressionAttributeValues } = Object(state('WriteFailure').Arguments);
    expect(await evaluate(ExpressionAttributeValues[':message'].S, { failure })).toEqual(
      expect.stringMatching(/^States.Timeout: /),
    );
  });
});

/** What follows, given what is known. */
describe.each<[choice: string, variables: Readonly<Record<string, unknown>>, next: string]>([
  ['WhatChanged', { change: 'created', image: { versionId: 'v' } }, 'ProcessImage'],
  ['WhatChanged', { change: 'deleted', image: {} }, 'DecideDeletion'],
  ['WhatChanged', { change: 'deleted', image: { versionId: 'v' } }, 'MarkVersionErased'],
  ['WasThereAnUpload', { decision: { outcome: 'processed' } }, 'ComposeRecord'],
  ['WasThereAnUpload', { decision: { outcome: 'rejected' } }, 'ComposeRecord'],
  ['WasThereAnUpload', { decision: { outcome: 'superseded' }, image: {} }, 'ReadRecord'],
  ['WasThereAnUpload', { decision: { outcome: 'vanished' }, image: {} }, 'ReadRecord'],
  // It was removed for good: what an earlier try has put on record, and had no time to look a mark up for, is to go.
  ['WasThereAnUpload', { decision: { outcome: 'vanished' }, image: { versionId: 'v' } }, 'EraseVersion'],
  ['HasOwnRenditions', { change: 'created' }, 'DiscardOwnRenditions'],
  ['HasOwnRenditions', { change: 'deleted' }, 'Repeat'],
  ['HasVersion', { change: 'created', image: { versionId: 'v' } }, 'LookForMark'],
  ['HasVersion', { change: 'created', image: {} }, 'IsAnythingObsolete'],
  ['HasVersion', { change: 'deleted', image: {} }, 'IsAnythingObsolete'],
  ['IsVersionErased', { erased: true }, 'EraseVersion'],
  ['IsVersionErased', { erased: false }, 'IsAnythingObsolete'],
  ['WhoWasFirst', { shown: true, erased: false }, 'Repeat'],
  ['WhoWasFirst', { shown: false, erased: true }, 'EraseVersion'],
  ['WhoWasFirst', { shown: false, erased: false }, 'DiscardOwnRenditions'],
  ['IsAnythingObsolete', { decision: { outcome: 'processed' }, replaced: false }, 'Announce'],
  ['IsAnythingObsolete', { decision: { outcome: 'processed' }, replaced: true }, 'RemoveRenditions'],
  // One group may have rendered what another one found corrupt; a try that died may have rendered what is deleted.
  ['IsAnythingObsolete', { decision: { outcome: 'rejected' }, replaced: false }, 'RemoveRenditions'],
  ['IsAnythingObsolete', { decision: { outcome: 'deleted' }, replaced: false }, 'RemoveRenditions'],
  // What an earlier state shows is all that there is.
  ['IsAnythingObsolete', { decision: { outcome: 'failed' } }, 'Announce'],
  ['NeedsAnnouncement', { scope: 'own' }, 'Decided'],
  ['NeedsAnnouncement', { scope: 'older' }, 'Announce'],
  ['NeedsAnnouncement', { scope: 'through' }, 'Announce'],
  ['IsItDecided', { decision: { outcome: 'failed' } }, 'GiveUp'],
  ['IsItDecided', { decision: { outcome: 'processed' } }, 'Decided'],
  ['Undecided', { lastAttempt: false, change: 'created', decision: { outcome: 'undecided' } }, 'GiveUp'],
  ['Undecided', { lastAttempt: true, change: 'created', decision: { outcome: 'undecided' } }, 'WriteFailure'],
  ['Undecided', { lastAttempt: true, change: 'created', decision: { outcome: 'failed' } }, 'GiveUp'],
  ['Undecided', { lastAttempt: true, change: 'deleted', decision: { outcome: 'undecided' } }, 'GiveUp'],
])('%s, given %j', (name, variables, next) => {
  it(`leads to ${next}`, async () => {
    const { Choices = [], Default } = state(name);
    for (const { Condition, Next } of Choices) {
      if ((await evaluate(Condition, variables)) === true) {
        expect(Next).toBe(next);
        return;
      }
    }
    expect(Default).toBe(next);
  });
});

describe('what a repeat rendered', () => {
  const shown = (Item?: object) =>
    evaluate(state('ReadRecord').Assign?.['shown'], { image: { sequencer: 'S1' }, states: { result: { Item } } });
  const rendered = (sequencer: string) => ({ L: [{ M: { key: { S: `i1/${sequencer}/webp-320.webp` } } }] });

  it.each([
    ['stays, if the record shows it', { outcome: { S: 'processed' }, renditions: rendered('S1') }, true],
    ['stays, if it is shown beside a newer failure', { outcome: { S: 'failed' }, renditions: rendered('S1') }, true],
    ['goes, if the record shows another state', { outcome: { S: 'processed' }, renditions: rendered('S2') }, false],
    ['goes, if a newer state failed and none was shown', { outcome: { S: 'failed' } }, false],
    // One group may render what another found corrupt.
    ['goes, if this state was rejected', { sequencer: { S: 'S1' }, outcome: { S: 'rejected' } }, false],
    ['goes, if this state was deleted', { sequencer: { S: 'S1' }, outcome: { S: 'deleted' } }, false],
    ['goes, if there is no record', undefined, false],
  ])('%s', async (_, record, expected) => {
    expect(await shown(record)).toBe(expected);
  });
});

describe('the erasure of this very version', () => {
  const erased = { outcome: { S: 'deleted' }, sequencer: { S: 'S1' }, announced: { BOOL: false } };
  it.each([
    ['is finished, if whoever began it has not announced it', erased, true],
    ['is done, if it is announced', { ...erased, announced: { BOOL: true } }, false],
    ['is not what a newer deletion is', { ...erased, sequencer: { S: 'S2' } }, false],
    ['is not what an upload is', { ...erased, outcome: { S: 'processed' } }, false],
    ['is not there, if there is no record', undefined, false],
  ])('%s', async (_, Item, expected) => {
    const variables = { image: { sequencer: 'S1' }, states: { result: { Item } } };
    expect(await evaluate(state('ReadRecord').Assign?.['erased'], variables)).toBe(expected);
  });
});

it.each([
  ['processed', 'older'],
  ['rejected', 'through'],
  ['deleted', 'through'],
])('what a %s state makes obsolete is removed with scope %s', async (outcome, scope) => {
  expect(await evaluate(state('WriteRecord').Assign?.['scope'], { decision: { outcome } })).toBe(scope);
});

describe('what the dispatcher waits for', () => {
  const answer = (decision: object) => evaluate(state('Decided').Output, { decision });

  it('is the outcome, and how many bytes the renditions of a processed image have together', async () => {
    const renditions = [{ bytes: 1000 }, { bytes: 234 }];
    expect(await answer({ outcome: 'processed', metadata: {}, renditions })).toEqual({
      outcome: 'processed',
      bytesOut: 1234,
    });
    expect(await answer({ outcome: 'processed', renditions: [{ bytes: 7 }] })).toMatchObject({ bytesOut: 7 });
  });

  it('is the reason of a rejection, and nothing that is in the picture', async () => {
    const rejection = { outcome: 'rejected', reason: 'corrupt', message: 'It is torn.' };
    expect(await answer(rejection)).toEqual({ outcome: 'rejected', reason: 'corrupt' });
    expect(await answer({ outcome: 'deleted', expiresAt: 1 })).toEqual({ outcome: 'deleted' });
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

  it('of a failure tells nobody outside what our roles and accounts are called', () => {
    // The message is written to the record alone; the event carries what is in the decision.
    expect(state('WriteFailure').Assign).toEqual({ decision: { outcome: 'failed' } });
  });
});
