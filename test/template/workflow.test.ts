import { readFileSync } from 'node:fs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { schemaVersion } from '../../adapters/contracts/domain-events.ts';
import type { RejectionReason } from '../../core/outcome.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';
import { evaluate, runStateMachine, substituted, TaskError, variablesAfter } from '../support/asl.ts';
import { type Branch, branchesOf, readStateMachine, type State, stateNamed, workflow } from '../support/workflow.ts';

/** The workflow's expressions in JSONata's own implementation: a second opinion in addition to the emulator's. */

const task = (name: string) => stateNamed(name, 'Task');
const pass = (name: string) => stateNamed(name, 'Pass');

// https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
it('these tests use the version of JSONata that Step Functions implements', () => {
  const installed = readFileSync(new URL('../../node_modules/jsonata/package.json', import.meta.url), 'utf8');
  expect(JSON.parse(installed)).toMatchObject({ version: '2.0.6' });
});

describe.each(['image-pipeline', 'intake-breaker'] as const)('%s', (name) => {
  it('has no unreachable and no missing state', () => {
    for (const { StartAt, States } of branchesIn(readStateMachine(name))) {
      const reached = new Set([StartAt]);
      for (const state of reached) for (const next of successors(States[state])) reached.add(next);
      expect([...reached].sort()).toEqual(Object.keys(States).sort());
    }
  });
});

function* branchesIn(branch: Branch): Generator<Branch> {
  yield branch;
  for (const state of Object.values(branch.States)) {
    for (const inner of branchesOf(state)) yield* branchesIn(inner);
  }
}

/** The names of the states that may follow. */
function successors(state: State | undefined): string[] {
  if (state === undefined) return [];
  const next = 'Next' in state && state.Next !== undefined ? [state.Next] : [];
  const caught = 'Catch' in state ? state.Catch.map(({ Next }) => Next) : [];
  const chosen = state.Type === 'Choice' ? [state.Default, ...state.Choices.map(({ Next }) => Next)] : [];
  return [...next, ...caught, ...chosen];
}

/** The innermost branch within ProcessImage that has this state. */
function branchOf(name: string): Branch | undefined {
  const branches = [...branchesOf(stateNamed('ProcessImage', 'Parallel'))].flatMap((branch) => [...branchesIn(branch)]);
  return branches.find(({ States }) => name in States);
}

/**
 * The names under which Step Functions reports a worker that was killed, or stopped at its timeout, or whose image process
 * failed. Lambda.Unknown is the
 * documented one (https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html); the others are the
 * `errorType` of Lambda's own answer.
 */
const deaths = ['ImageProcessFailed', 'Sandbox.Timedout', 'Runtime.ExitError', 'Runtime.OutOfMemory', 'Lambda.Unknown'];
/** The workers that decode a file, and where the workflow goes when the file has killed two of them. */
const openers: Readonly<Record<string, string>> = {
  ExtractMetadata: 'RejectDescription',
  ResizeImage: 'RejectRendition',
};

describe('a file that kills its worker', () => {
  it('is rejected in its worker’s branch after the retry was killed too', async () => {
    const answers = await Promise.all(
      Object.entries(openers).map(async ([state, rejection]) => {
        expect(task(state).Catch).toEqual([{ ErrorEquals: deaths, Next: rejection }]);
        expect(branchOf(state)?.States[rejection]).toMatchObject({ Type: 'Pass', End: true });
        return evaluate(pass(rejection).Output, {});
      }),
    );
    expect(answers[0]).toEqual({
      outcome: 'rejected',
      reason: 'too-complex' satisfies RejectionReason,
      message: expect.stringMatching(/^This image .*\.$/),
    });
    expect(answers[1]).toEqual(answers[0]);
  });

  it.each([
    'Lambda.TooManyRequestsException',
    'Lambda.ServiceException',
    'Lambda.SdkClientException',
    // Lambda itself did not answer. If a worker hangs, Lambda stops it and reports it five seconds earlier.
    'States.Timeout',
    // Thrown by the handler, for example because S3 did not answer.
    'Runtime.HandlerError',
    'Error',
    'States.ALL',
    'States.TaskFailed',
  ])('is not rejected because of %s', (error) => {
    for (const state of Object.keys(openers)) {
      expect(task(state).Catch.flatMap(({ ErrorEquals }) => ErrorEquals)).not.toContain(error);
    }
  });

  it('can hang twice and is still decided within the workflow’s timeout', () => {
    const decided = 60;
    for (const state of Object.keys(openers)) {
      expect(2 * task(state).TimeoutSeconds + decided).toBeLessThan(workflow.timeoutSeconds);
    }
  });
});

describe('every task', () => {
  const anyError = { ErrorEquals: ['States.ALL'], IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 8 };
  const jitter = { JitterStrategy: 'FULL' };
  const lostWrite = { ErrorEquals: ['DynamoDB.ConditionalCheckFailedException'], MaxAttempts: 0 };
  const died = { ...anyError, ErrorEquals: deaths, ...jitter, MaxAttempts: 1 };
  const worker = [
    {
      ...{ ErrorEquals: ['Lambda.TooManyRequestsException'], IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 10 },
      ...{ ...jitter, MaxAttempts: 10 },
    },
    { ...anyError, ...jitter, MaxAttempts: 2 },
  ];
  /** JSON has no aliases, so the workflow repeats these in each task. */
  const retryPolicies = {
    'a worker that opens the upload': [died, ...worker],
    'another worker': worker,
    'an AWS service': [{ ...anyError, ...jitter, MaxAttempts: 3 }],
    'a conditional write': [lostWrite, { ...anyError, ...jitter, MaxAttempts: 3 }],
  };

  it.each(workflow.tasks)(
    '$state retries with jitter, by one of four policies: two for workers, one for AWS services, one for conditional writes',
    ({ state, functionId, definition }) => {
      const workerPolicy = state in openers ? 'a worker that opens the upload' : 'another worker';
      const servicePolicy =
        'ConditionExpression' in definition.Arguments ? 'a conditional write' : ('an AWS service' as const);
      expect(definition.Retry).toEqual(retryPolicies[functionId !== undefined ? workerPolicy : servicePolicy]);
    },
  );

  it.each(workflow.tasks)(
    '$state has a timeout, and a catch for when its retries are used up',
    ({ state, definition }) => {
      expect(definition.TimeoutSeconds).toBeGreaterThan(0);
      const branch = branchOf(state);
      // An optional step catches everything in its own branch, which continues.
      if (branch !== undefined && definition.Catch.length > 0 && !(state in openers)) {
        expect(definition.Catch.at(-1)?.ErrorEquals).toEqual(['States.ALL']);
        expect(Object.keys(branch.States)).toContain(definition.Catch.at(-1)?.Next);
        return;
      }
      // ProcessImage catches the errors of the other tasks inside it.
      const { Catch } = branch === undefined ? definition : stateNamed('ProcessImage', 'Parallel');
      const end = state === 'WriteFailure' ? 'GiveUp' : 'Undecided';
      expect(Catch.at(-1)).toMatchObject({ ErrorEquals: ['States.ALL'], Next: end });
    },
  );

  it('catches a failed write condition separately: it is not a failure', () => {
    for (const name of ['WriteRecord', 'EraseVersion', 'MarkVersionInfected', 'WithdrawVersion', 'MarkAnnounced'])
      expect(task(name).Catch[0]).toMatchObject({ ErrorEquals: lostWrite.ErrorEquals });
  });
});

describe('the results of the branches', () => {
  const metadata = { format: 'jpeg', width: 4, height: 3 };
  const described = { outcome: 'processed', metadata };
  const rendered = (...presets: string[]) => ({
    outcome: 'processed',
    renditions: presets.map((preset) => ({ preset })),
  });
  const corrupt = { outcome: 'rejected', reason: 'corrupt', message: 'It is torn.' };
  const decide = async (description: unknown, groups: unknown[]) => {
    const input = [description, groups];
    const variables = await variablesAfter([pass('CollectAnswers'), pass('DecideUpload')], { variables: {}, input });
    if ((await choose('WasThereAnUpload', { image: {}, ...variables })) !== 'JoinRenditions')
      return variables['decision'];
    return (await variablesAfter([pass('JoinRenditions')], { variables }))['decision'];
  };

  it('are joined into one description and one list of renditions', async () => {
    expect(await decide(described, [rendered('a', 'b'), rendered('c')])).toEqual({
      outcome: 'processed',
      metadata,
      renditions: [{ preset: 'a' }, { preset: 'b' }, { preset: 'c' }],
    });
  });

  it('keep a single rendition in a list', async () => {
    expect(await decide(described, [rendered('a')])).toMatchObject({ renditions: [{ preset: 'a' }] });
  });

  it('reject the upload if any branch rejects it', async () => {
    expect(await decide(described, [rendered('a'), corrupt])).toEqual(corrupt);
    expect(await decide(corrupt, [rendered('a')])).toEqual(corrupt);
  });

  it('rank vanished above superseded, and superseded above rejected', async () => {
    expect(await decide(corrupt, [{ outcome: 'superseded' }])).toEqual({ outcome: 'superseded' });
    expect(await decide({ outcome: 'superseded' }, [corrupt, { outcome: 'vanished' }])).toEqual({
      outcome: 'vanished',
    });
  });
});

describe('the record', () => {
  it('is written in the format that DynamoDB’s own library reads', async () => {
    const image = { imageId: 'a1', bucket: 'b', key: 'k', sequencer: 'S1' };
    const decision = {
      outcome: 'processed',
      metadata: {
        width: 3264,
        location: { latitude: 43.467448611111, longitude: -0.5 },
        camera: { make: 'Apple' },
        hasAlpha: true,
      },
      renditions: [{ preset: 'webp-320', bytes: 0 }],
      nothing: [],
    };
    const variables = await variablesAfter([pass('ComposeRecord'), pass('MarshalDecision')], {
      variables: { image, version: 'v1', occurredAt: '2026-01-01T00:00:00Z', correlationId: 'c1', decision },
    });
    const item = await evaluate(task('WriteRecord').Arguments['Item'], variables);
    expect(unmarshall(Object.fromEntries(Object.entries(Object(item))))).toEqual({
      ...{ ...image, version: 'v1', occurredAt: '2026-01-01T00:00:00Z', correlationId: 'c1', announced: false },
      ...{ recordedAt: expect.any(String), ...decision },
    });
  });

  it.each([
    [{ versionId: 'v1', etag: 'e1' }, 'v1'],
    [{ etag: 'e1' }, 'e1'],
    [{}, 'none'],
  ])('gets its version from %j', async (image, version) => {
    expect(await evaluate(pass('Begin').Assign?.['version'], { states: { input: { image } } })).toBe(version);
  });

  it.each(['WriteRecord', 'WriteFailure', 'EraseVersion', 'WithdrawVersion', 'MarkAnnounced'])(
    '%s: defines exactly the values that its expressions use',
    (name) => {
      const { ConditionExpression, UpdateExpression = '', ExpressionAttributeValues } = task(name).Arguments;
      const used = `${ConditionExpression} ${UpdateExpression}`.match(/:\w+/g);
      expect(new Set(used)).toEqual(new Set(Object.keys(Object(ExpressionAttributeValues))));
    },
  );

  it('is replaced by a newer event, or by a repeat of a failed or unannounced one, but never by the upload of an erased or infected version', () => {
    expect(task('WriteRecord').Arguments['ConditionExpression']).toBe(
      'attribute_not_exists(sequencer) OR sequencer < :sequencer OR ' +
        '(sequencer = :sequencer AND (outcome = :failed OR ' +
        '(announced = :no AND outcome <> :kept AND outcome <> :alsoKept AND ' +
        '(attribute_not_exists(reason) OR reason <> :malware) AND ' +
        '(outcome <> :deleted OR outcome = :outcome))))',
    );
  });

  it('is never replaced by a failure of the same event', () => {
    expect(task('WriteFailure').Arguments['ConditionExpression']).toBe(
      'attribute_not_exists(sequencer) OR sequencer < :sequencer OR (sequencer = :sequencer AND outcome = :failed)',
    );
  });

  it.each([
    ['an upload', { versionId: 'v1', etag: 'e1' }, 'i1#v1'],
    ['an upload to a bucket without versions', { etag: 'e1' }, 'i1#e1'],
  ])('of %s looks for the marks that an erasure and a verdict leave', async (_, image, id) => {
    const given = { image: { imageId: 'i1', ...image } };
    const version = await evaluate(pass('Begin').Assign?.['version'], { states: { input: given } });
    const keyOf = (item: unknown) => evaluate(item, { ...given, version });
    const key = { imageId: { S: id } };
    expect(await keyOf(task('LookForMark').Arguments['Key'])).toEqual(key);
    const { imageId } = Object(task('MarkVersionInfected').Arguments['Item']);
    expect(await keyOf({ imageId })).toEqual(key);
  });

  it('of an infected version is replaced only by its own rejection, and not once it was rejected, deleted or overwritten', () => {
    expect(task('WithdrawVersion').Arguments['ConditionExpression']).toBe(
      'version = :version AND (outcome = :processed OR outcome = :failed OR ' +
        '(outcome = :rejected AND reason = :malware AND announced = :no))',
    );
  });

  it('of an infected version says so to the uploader, under the time and sequencer of the upload', async () => {
    const values = Object(task('WithdrawVersion').Arguments['ExpressionAttributeValues']);
    expect(values[':malware']).toEqual({ S: 'malware' satisfies RejectionReason });
    const Attributes = {
      ...{ sequencer: { S: 'S1' }, occurredAt: { S: 'then' }, reason: values[':malware'], message: values[':message'] },
    };
    const after = await evaluate(task('WithdrawVersion').Assign, {
      image: { imageId: 'i1', key: 'k' },
      states: { result: { Attributes } },
    });
    expect(after).toEqual({
      decision: { outcome: 'rejected', reason: 'malware', message: expect.stringMatching(/^A virus scanner .*\.$/) },
      scope: 'through',
      occurredAt: 'then',
      image: { imageId: 'i1', key: 'k', sequencer: 'S1' },
    });
  });

  it.each(['ReadRecord', 'LookForMark'])('%s reads strongly consistently', (name) => {
    expect(task(name).Arguments['ConsistentRead']).toBe(true);
  });
});

// Of a timeout, for example: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskTimedOutEventDetails.html
describe.each([
  ['without a cause', {}],
  ['with a cause', { Cause: 'It took longer than 45 seconds.' }],
])('a failure %s', (_, cause) => {
  const failure = { Error: 'States.Timeout', ...cause };

  it('ends the execution with its own error, not with States.QueryEvaluationError', async () => {
    const { Error: error, Cause } = stateNamed('GiveUp', 'Fail');
    expect(await evaluate(error, { failure })).toBe('States.Timeout');
    expect(await evaluate(Cause, { failure })).toEqual(expect.stringMatching(/./));
  });

  it('is recorded', async () => {
    const { ExpressionAttributeValues } = task('WriteFailure').Arguments;
    expect(await evaluate(Object(ExpressionAttributeValues)[':message'].S, { failure })).toEqual(
      expect.stringMatching(/^States.Timeout: /),
    );
  });
});

/** The state that a Choice leads to. */
async function choose(name: string, variables: Readonly<Record<string, unknown>>): Promise<string> {
  const { Choices, Default } = stateNamed(name, 'Choice');
  for (const { Condition, Next } of Choices) if ((await evaluate(Condition, variables)) === true) return Next;
  return Default;
}

const versioned = { versionId: 'v' };
const unmarked = { erased: false, infected: false, decision: { outcome: 'processed' } };

describe.each<[choice: string, variables: Readonly<Record<string, unknown>>, next: string]>([
  ['WhatChanged', { change: 'created', image: { versionId: 'v' } }, 'ProcessImage'],
  ['WhatChanged', { change: 'deleted', image: {} }, 'DecideDeletion'],
  ['WhatChanged', { change: 'deleted', image: { versionId: 'v' } }, 'MarkVersionErased'],
  ['WhatChanged', { change: 'infected', image: { versionId: 'v' } }, 'MarkVersionInfected'],
  ['WasThereAnUpload', { decision: { outcome: 'processed' } }, 'JoinRenditions'],
  ['WasThereAnUpload', { decision: { outcome: 'rejected' } }, 'ComposeRecord'],
  ['WasThereAnUpload', { decision: { outcome: 'superseded' }, image: {} }, 'ReadRecord'],
  ['WasThereAnUpload', { decision: { outcome: 'vanished' }, image: {} }, 'ReadRecord'],
  // It was removed permanently: an earlier attempt may have recorded it, and ended before it looked for the marker.
  ['WasThereAnUpload', { decision: { outcome: 'vanished' }, image: { versionId: 'v' } }, 'EraseVersion'],
  ['HasOwnRenditions', { change: 'created' }, 'DiscardOwnRenditions'],
  ['HasOwnRenditions', { change: 'deleted' }, 'Repeat'],
  ['HasOwnRenditions', { change: 'infected' }, 'Repeat'],
  ['IsVersionRecorded', { change: 'created' }, 'LookForMark'],
  ['IsVersionRecorded', { change: 'deleted' }, 'IsAnythingObsolete'],
  ['IsVersionMarked', { ...unmarked, erased: true }, 'EraseVersion'],
  ['IsVersionMarked', { ...unmarked, infected: true }, 'WithdrawVersion'],
  ['IsVersionMarked', { ...unmarked, infected: true, decision: { outcome: 'failed' } }, 'WithdrawVersion'],
  // It has no renditions, and a reason.
  ['IsVersionMarked', { ...unmarked, infected: true, decision: { outcome: 'rejected' } }, 'IsAnythingObsolete'],
  ['IsVersionMarked', unmarked, 'IsAnythingObsolete'],
  ['WhoWasFirst', { ...unmarked, recorded: { outcome: { S: 'processed' } }, shown: true }, 'FinishRecord'],
  ['WhoWasFirst', { ...unmarked, recorded: {}, shown: true }, 'Repeat'],
  ['WhoWasFirst', { ...unmarked, recorded: {}, shown: false, erased: true }, 'EraseVersion'],
  ['WhoWasFirst', { ...unmarked, recorded: {}, shown: false, infected: true }, 'WithdrawVersion'],
  ['WhoWasFirst', { ...unmarked, recorded: {}, shown: false, undecided: true }, 'LeaveRenditions'],
  ['WhoWasFirst', { ...unmarked, recorded: {}, shown: false, undecided: false }, 'DiscardOwnRenditions'],
  ['IsAnythingObsolete', { decision: { outcome: 'processed' }, replaced: false, image: versioned }, 'ComposeEvent'],
  ['IsAnythingObsolete', { decision: { outcome: 'processed' }, replaced: true, image: versioned }, 'RemoveRenditions'],
  // The upload before it may have been replaced before it was recorded.
  ['IsAnythingObsolete', { decision: { outcome: 'processed' }, replaced: false, image: {} }, 'RemoveRenditions'],
  // One group may have rendered what another found corrupt; an attempt that died may have rendered what was deleted.
  ['IsAnythingObsolete', { decision: { outcome: 'rejected' }, replaced: false, image: versioned }, 'RemoveRenditions'],
  ['IsAnythingObsolete', { decision: { outcome: 'deleted' }, replaced: false, image: versioned }, 'RemoveRenditions'],
  // There are only the renditions of an earlier state.
  ['IsAnythingObsolete', { decision: { outcome: 'failed' } }, 'ComposeEvent'],
  ['NeedsAnnouncement', { scope: 'own' }, 'NoteAttempt'],
  ['NeedsAnnouncement', { scope: 'older' }, 'ComposeEvent'],
  ['NeedsAnnouncement', { scope: 'through' }, 'ComposeEvent'],
  ['IsItDecided', { decision: { outcome: 'failed' } }, 'GiveUp'],
  ['IsItDecided', { decision: { outcome: 'processed' } }, 'Decided'],
  ['Undecided', { lastAttempt: false, change: 'created', decision: { outcome: 'undecided' } }, 'GiveUp'],
  ['Undecided', { lastAttempt: true, change: 'created', decision: { outcome: 'undecided' } }, 'WriteFailure'],
  ['Undecided', { lastAttempt: true, change: 'created', decision: { outcome: 'failed' } }, 'GiveUp'],
  ['Undecided', { lastAttempt: true, change: 'deleted', decision: { outcome: 'undecided' } }, 'GiveUp'],
])('%s, given %j', (name, variables, next) => {
  it(`leads to ${next}`, async () => {
    expect(await choose(name, variables)).toBe(next);
  });
});

describe('what a repeat rendered', () => {
  const shown = (Item?: object) =>
    evaluate(task('ReadRecord').Assign?.['shown'], { image: { sequencer: 'S1' }, states: { result: { Item } } });
  const rendered = (sequencer: string) => ({ L: [{ M: { key: { S: `i1/${sequencer}/webp-320.webp` } } }] });

  it.each([
    ['stays, if the record shows it', { outcome: { S: 'processed' }, renditions: rendered('S1') }, true],
    [
      'stays, if the record of a newer failure still shows it',
      { outcome: { S: 'failed' }, renditions: rendered('S1') },
      true,
    ],
    [
      'is removed, if the record shows another state',
      { outcome: { S: 'processed' }, renditions: rendered('S2') },
      false,
    ],
    ['is removed, if a newer state failed and none was shown', { outcome: { S: 'failed' } }, false],
    // One group may render what another found corrupt.
    ['is removed, if this state was rejected', { sequencer: { S: 'S1' }, outcome: { S: 'rejected' } }, false],
    ['is removed, if this state was deleted', { sequencer: { S: 'S1' }, outcome: { S: 'deleted' } }, false],
    ['is removed, if there is no record', undefined, false],
  ])('%s', async (_, record, expected) => {
    expect(await shown(record)).toBe(expected);
  });
});

describe('an upload that was replaced before this attempt read it', () => {
  const failed = { outcome: { S: 'failed' }, sequencer: { S: 'S2' } };
  const processed = { outcome: { S: 'processed' }, sequencer: { S: 'S2' } };
  it.each([
    ['may still be recorded, if nothing is', 'S1', undefined, true],
    ['may still be recorded over an older upload', 'S3', processed, true],
    ['may still be recorded over its own failure', 'S2', failed, true],
    ['is decided, if it is recorded', 'S2', processed, false],
    ['is decided by a newer upload', 'S1', processed, false],
    ['is decided by the failure of a newer upload', 'S1', failed, false],
  ])('%s', async (_, sequencer, Item, expected) => {
    const variables = { image: { sequencer }, states: { result: { Item } } };
    expect(await evaluate(task('ReadRecord').Assign?.['undecided'], variables)).toBe(expected);
  });
});

describe('a result that an earlier attempt recorded', () => {
  const processed = { outcome: { S: 'processed' }, sequencer: { S: 'S1' }, announced: { BOOL: false } };
  const rejected = { ...processed, outcome: { S: 'rejected' }, reason: { S: 'corrupt' }, message: { S: 'Why.' } };
  it.each([
    ['is completed, if it was not announced', 'created', processed, processed],
    ['is already complete, if it was announced', 'created', { ...processed, announced: { BOOL: true } }, {}],
    ['is not confused with that of a newer version', 'created', { ...processed, sequencer: { S: 'S2' } }, {}],
    ['is completed, if it is a rejection', 'created', rejected, rejected],
    ['is not confused with a verdict', 'created', { ...rejected, reason: { S: 'malware' } }, {}],
    ['is not confused with a failure', 'created', { ...processed, outcome: { S: 'failed' } }, {}],
    ['is not confused with a deletion', 'created', { ...processed, outcome: { S: 'deleted' } }, {}],
    ['is not completed by a deletion', 'deleted', processed, {}],
    ['does not exist, if there is no record', 'created', undefined, {}],
  ])('%s', async (_, change, Item, expected) => {
    const variables = { change, image: { sequencer: 'S1' }, states: { result: { Item } } };
    expect(await evaluate(task('ReadRecord').Assign?.['recorded'], variables)).toEqual(expected);
  });

  it('is kept by repeats of the upload, and only by those', async () => {
    const values = Object(task('WriteRecord').Arguments['ExpressionAttributeValues']);
    const kept = { processed: values[':kept'], rejected: values[':alsoKept'] };
    expect(await evaluate(kept, { change: 'created' })).toEqual({
      ...{ processed: { S: 'processed' }, rejected: { S: 'rejected' } },
    });
    expect(await evaluate(kept, { change: 'deleted' })).toEqual({ processed: { S: 'none' }, rejected: { S: 'none' } });
  });

  it('is announced as it was recorded, after a look for a mark of the version', async () => {
    const metadata = {
      ...{ width: 3264, hasAlpha: true, animated: false, location: { latitude: 43.467448611111, longitude: -0.5 } },
      ...{ camera: { make: 'Apple' }, software: '' },
    };
    const renditions = [{ preset: 'webp-320', bytes: 0, key: 'i1/S1/webp-320.webp' }, { preset: 'jpeg-1280' }];
    const decision = { outcome: 'processed', metadata, renditions };
    const { attributes } = await variablesAfter([pass('ComposeRecord'), pass('MarshalDecision')], {
      variables: {
        ...{ image: { imageId: 'i1', bucket: 'b', key: 'k', sequencer: 'S1' }, version: 'v1' },
        ...{ occurredAt: 'then', correlationId: 'c1', decision },
      },
    });
    const recorded = { ...Object(attributes), occurredAt: { S: 'then' } };
    const { Assign, Next } = pass('FinishRecord');
    expect(await evaluate(Assign, { recorded })).toEqual({
      ...{ decision, occurredAt: 'then', scope: 'older', replaced: true },
    });
    expect(await evaluate(Assign, { recorded: { ...recorded, renditions: { L: [] } } })).toMatchObject({
      decision: { renditions: [] },
    });
    expect(Next).toBe('LookForMark');
  });

  it('is announced as it was rejected, and no rendition of a later attempt stays', async () => {
    const recorded = { ...rejected, occurredAt: { S: 'then' } };
    expect(await evaluate(pass('FinishRecord').Assign, { recorded })).toEqual({
      decision: { outcome: 'rejected', reason: 'corrupt', message: 'Why.' },
      ...{ occurredAt: 'then', scope: 'through', replaced: true },
    });
  });
});

describe('the erasure of this version', () => {
  const erased = { outcome: { S: 'deleted' }, sequencer: { S: 'S1' }, announced: { BOOL: false } };
  it.each([
    ['is completed, if it was recorded but not announced', erased, true],
    ['is already complete, if it was announced', { ...erased, announced: { BOOL: true } }, false],
    ['is not confused with a newer deletion', { ...erased, sequencer: { S: 'S2' } }, false],
    ['is not confused with an upload', { ...erased, outcome: { S: 'processed' } }, false],
    ['has not happened, if there is no record', undefined, false],
  ])('%s', async (_, Item, expected) => {
    const variables = { image: { sequencer: 'S1' }, states: { result: { Item } } };
    expect(await evaluate(task('ReadRecord').Assign?.['erased'], variables)).toBe(expected);
  });
});

describe('the verdict about this version', () => {
  const infected = {
    ...{ outcome: { S: 'rejected' }, reason: { S: 'malware' } },
    ...{ sequencer: { S: 'S1' }, announced: { BOOL: false } },
  };
  it.each([
    ['is completed, if it was recorded but not announced', infected, true],
    ['is already complete, if it was announced', { ...infected, announced: { BOOL: true } }, false],
    ['is not confused with that about a newer version', { ...infected, sequencer: { S: 'S2' } }, false],
    ['is not confused with another rejection', { ...infected, reason: { S: 'corrupt' } }, false],
    ['has not happened, if there is no record', undefined, false],
  ])('%s', async (_, Item, expected) => {
    const variables = { image: { sequencer: 'S1' }, states: { result: { Item } } };
    expect(await evaluate(task('ReadRecord').Assign?.['infected'], variables)).toBe(expected);
  });
});

it.each([
  ['processed', 'older'],
  ['rejected', 'through'],
  ['deleted', 'through'],
])('a %s state removes obsolete renditions with scope %s', async (outcome, scope) => {
  expect(await evaluate(task('WriteRecord').Assign?.['scope'], { decision: { outcome } })).toBe(scope);
});

describe('the result for the dispatcher', () => {
  const answer = (decision: object) => evaluate(pass('Decided').Output, { decision });

  it('of a processed image is the outcome and the total size of its renditions', async () => {
    const renditions = [{ bytes: 1000 }, { bytes: 234 }];
    expect(await answer({ outcome: 'processed', metadata: {}, renditions })).toEqual({
      outcome: 'processed',
      bytesOut: 1234,
    });
    expect(await answer({ outcome: 'processed', renditions: [{ bytes: 7 }] })).toMatchObject({ bytesOut: 7 });
  });

  it('of a rejection is the reason, without any image data', async () => {
    const rejection = { outcome: 'rejected', reason: 'corrupt', message: 'It is torn.' };
    expect(await answer(rejection)).toEqual({ outcome: 'rejected', reason: 'corrupt' });
    expect(await answer({ outcome: 'deleted', expiresAt: 1 })).toEqual({ outcome: 'deleted' });
  });
});

describe('progress', () => {
  const described = { outcome: 'processed', metadata: { thumbhash: 'AAAA' } };
  const input = {
    ...{ correlationId: 'c1', occurredAt: '2026-01-01T00:00:00Z', change: 'created', lastAttempt: false },
    ...{ image: { imageId: 'i1', sequencer: 'S1', bucket: 'b', key: 'k', versionId: 'v1' }, groups: ['web'] },
  };

  /** The events of one upload, and how the workflow ended. */
  async function run(announceDescriptions: string, { description = described, refused = '' } = {}) {
    const events: { type: string; detail: unknown }[] = [];
    const answers: Readonly<Record<string, unknown>> = {
      ExtractMetadata: description,
      ResizeImage: { outcome: 'processed', renditions: [{ bytes: 1 }] },
    };
    const machine = substituted('image-pipeline', { values: { AnnounceDescriptions: announceDescriptions } });
    const { state } = await runStateMachine(machine, input, {
      task: async ({ state: name, parameters }) => {
        if (name === refused) throw new TaskError('EventBridge.InternalException', 'the bus is down');
        const [entry] = Object(parameters)['Entries'] ?? [];
        if (entry) events.push({ type: entry.DetailType, detail: entry.Detail });
        return { Payload: answers[name] ?? {} };
      },
    });
    return { ended: state, events };
  }

  it('is announced before the result, if the stack asks for it', async () => {
    const { ended, events } = await run('true');
    expect(ended).toBe('Decided');
    expect(events.map(({ type }) => type)).toEqual(['ImageDescribed', 'ImageProcessed']);
    expect(events[0]?.detail).toEqual({
      schemaVersion,
      id: 'i1-S1-described',
      correlationId: 'c1',
      occurredAt: '2026-01-01T00:00:00Z',
      image: { id: 'i1', bucket: 'b', key: 'k', version: 'v1', sequencer: 'S1' },
      metadata: described.metadata,
    });
  });

  it('is not announced otherwise', async () => {
    expect((await run('false')).events.map(({ type }) => type)).toEqual(['ImageProcessed']);
  });

  it('is not announced of a file that cannot be described', async () => {
    const description = { ...described, outcome: 'rejected', reason: 'corrupt', message: 'It is torn.' };
    expect((await run('true', { description })).events.map(({ type }) => type)).toEqual(['ImageRejected']);
  });

  it('does not hold up the result if the bus refuses it', async () => {
    const { ended, events } = await run('true', { refused: 'AnnounceDescription' });
    expect(ended).toBe('Decided');
    expect(events.map(({ type }) => type)).toEqual(['ImageProcessed']);
  });
});

describe('the event', () => {
  it('has the same id in every repeat, and none of the workflow’s internal values', async () => {
    const [entry] = Object(task('Announce').Arguments['Entries']);
    const given = {
      correlationId: 'c1',
      occurredAt: '2026-01-01T00:00:00Z',
      image: { imageId: 'i1', sequencer: 'S1', bucket: 'b', key: 'k' },
      version: 'v1',
      decision: { outcome: 'rejected', reason: 'corrupt', message: 'It is torn.', expiresAt: 1 },
    };
    const variables = await variablesAfter([pass('ComposeEvent')], { variables: given });
    expect(await evaluate(entry.DetailType, variables)).toBe('ImageRejected');
    expect(await evaluate(entry.Detail, variables)).toEqual({
      schemaVersion,
      id: 'i1-S1-rejected',
      correlationId: 'c1',
      occurredAt: '2026-01-01T00:00:00Z',
      image: { id: 'i1', bucket: 'b', key: 'k', version: 'v1', sequencer: 'S1' },
      reason: 'corrupt',
      message: 'It is torn.',
    });
  });

  it('of a failure reveals no names of roles or accounts', () => {
    // The message is written only to the record; the event contains the decision.
    expect(task('WriteFailure').Assign).toEqual({ decision: { outcome: 'failed' } });
  });
});

it('docs/security.md states the cost of a file that keeps both workers busy until they time out', () => {
  const { resources } = templateFor('prod');
  const gigabyteSeconds = Object.keys(openers).reduce((sum, state) => {
    const { Timeout, MemorySize } = resources.get(`${state}Function`)?.Properties ?? {};
    const calls = 1 + (task(state).Retry[0]?.MaxAttempts ?? 0);
    return sum + (calls * numberAt(Timeout) * numberAt(MemorySize)) / 1024;
  }, 0);
  const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  expect(text).toContain(`costs ${Math.round(gigabyteSeconds)} GB-seconds`);
});
