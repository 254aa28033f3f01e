import { describe, expect, it } from 'vitest';
import { WINDOW_SECONDS } from '../../adapters/aws/dynamodb-senders.ts';
import { verdictType } from '../../adapters/contracts/malware-verdict.ts';
import { renditionGroups } from '../../core/presets.ts';
import { steps } from '../../core/steps.ts';
import {
  at,
  numberAt,
  ofType,
  type Resource,
  referredId,
  type Stage,
  stages,
  templateFor,
} from '../../scripts/template/template.ts';
import { stateNamed, workflow } from '../support/workflow.ts';

/** What each stage promises under load: it receives no more than it can process, and no caller waits for work that has ended. */

function stageOf(stage: Stage) {
  const { resources } = templateFor(stage);
  const properties = (id: string): Resource['Properties'] => {
    const found = resources.get(id);
    if (found === undefined) throw new Error(`template.yaml has no resource ${id}.`);
    return found.Properties;
  };
  const dispatcher = properties('DispatchImagesFunction');
  const mappingOf = (event: string) => at(dispatcher['Events'], event, 'Properties');
  return { properties, dispatcher, mapping: mappingOf('Uploads'), overflow: mappingOf('Overflow') };
}

describe.each(stages)('stage %s', (stage) => {
  const { properties, dispatcher, mapping, overflow } = stageOf(stage);
  const most = (of: typeof mapping) => numberAt(of, 'ScalingConfig', 'MaximumConcurrency');
  const imagesInWork =
    numberAt(mapping, 'BatchSize') * most(mapping) + numberAt(overflow, 'BatchSize') * most(overflow);
  const reserved = (id: string) => numberAt(properties(id)['ReservedConcurrentExecutions']);

  const mostCalls = (takes: (typeof steps)[number]['takes']) => {
    switch (takes) {
      case 'messages':
        return most(mapping) + most(overflow);
      case 'image':
      case 'removal':
        return imagesInWork;
      case 'rendition':
        return imagesInWork * renditionGroups.length;
    }
  };

  it.each(steps)('reserves a $name worker for each concurrent call', ({ name, takes }) => {
    expect(
      reserved(`${name}Function`),
      `template.yaml, Mappings, Stages, ${stage}: ${name}Function may be called ${mostCalls(takes)} times at once, and reserves less.`,
    ).toBeGreaterThanOrEqual(mostCalls(takes));
  });

  it.runIf(stage === 'prod').each(steps)(
    'sets the concurrency alarm of $name at a value that it can reach',
    ({ name, takes }) => {
      expect(
        numberAt(properties(`${name}ConcurrencyAlarm`)['Threshold']),
        `template.yaml, Mappings, Stages, ${stage}: ${name}ConcurrencyAlarm never fires above ${mostCalls(takes)}.`,
      ).toBeLessThanOrEqual(mostCalls(takes));
    },
  );

  it.runIf(stage !== 'local').each(steps)('leaves room for the release check of $name', ({ name, takes }) => {
    expect(
      reserved(`${name}Function`),
      `template.yaml, Mappings, Stages, ${stage}: reserve ${name}Function one more than ${mostCalls(takes)}.`,
    ).toBeGreaterThan(mostCalls(takes));
  });

  it('provisions at most half of the reserve, so that a deployment can warm the next version alongside', () => {
    const targets = ofType(templateFor(stage), 'AWS::ApplicationAutoScaling::ScalableTarget');
    const warmed = steps
      .filter(({ takes }) => takes === 'image' || takes === 'rendition')
      .map(({ name }) => `${name}WarmTarget`);
    expect(
      targets.map(([id]) => id).sort(),
      'template.yaml: in prod, all steps that decode are kept warm by a target named <step>WarmTarget.',
    ).toEqual(stage === 'prod' ? warmed.sort() : []);
    for (const [id, { Properties }] of targets) {
      const functionId = id.replace(/WarmTarget$/, 'Function');
      const warm = numberAt(properties(functionId)['ProvisionedConcurrencyConfig'], 'ProvisionedConcurrentExecutions');
      expect(Properties['ResourceId'], id).toEqual({ 'Fn::Sub': `function:\${${functionId}}:live` });
      expect(numberAt(Properties['MinCapacity']), id).toBe(warm);
      expect(numberAt(Properties['MaxCapacity']), id).toBeGreaterThanOrEqual(warm);
      expect(numberAt(Properties['MaxCapacity']) * 2, id).toBeLessThanOrEqual(reserved(functionId));
    }
  });

  it.each(['UploadQueue', 'OverflowQueue'])(
    'sets the visibility timeout of %s to six times the dispatcher’s timeout',
    (queue) => {
      expect(numberAt(properties(queue)['VisibilityTimeout'])).toBeGreaterThanOrEqual(
        6 * numberAt(dispatcher['Timeout']),
      );
    },
  );

  it('nests the timeouts: worker < task < workflow < client < dispatcher', () => {
    for (const { state, timeoutSeconds, functionId } of workflow.tasks) {
      if (functionId !== undefined)
        expect(timeoutSeconds, state).toBeGreaterThan(numberAt(properties(functionId)['Timeout']));
      expect(timeoutSeconds, state).toBeLessThan(workflow.timeoutSeconds);
    }
    const waitSeconds = numberAt(dispatcher['Environment'], 'Variables', 'WORKFLOW_WAIT_MILLIS') / 1000;
    expect(waitSeconds).toBeGreaterThan(workflow.timeoutSeconds);
    // Room to write the idempotency record and the log line after the wait.
    expect(numberAt(dispatcher['Timeout'])).toBeGreaterThanOrEqual(waitSeconds + 10);
  });

  it.each(['UploadQueue', 'OverflowQueue'])(
    'allows at least five attempts in %s, and tells the dispatcher which one is the last',
    (queue) => {
      const redrive = properties(queue)['RedrivePolicy'];
      expect(referredId(at(redrive, 'deadLetterTargetArn'))).toBe('UploadDeadLetterQueue');
      expect(numberAt(redrive, 'maxReceiveCount')).toBeGreaterThanOrEqual(5);
      expect(numberAt(dispatcher['Environment'], 'Variables', 'MAX_RECEIVE_COUNT')).toBe(
        numberAt(redrive, 'maxReceiveCount'),
      );
    },
  );

  it('returns only failed messages to the queue', () => {
    for (const of of [mapping, overflow]) {
      expect(at(of, 'FunctionResponseTypes')).toEqual(['ReportBatchItemFailures']);
      expect(at(of, 'FilterCriteria')).toBeUndefined();
    }
  });

  // A dispatcher waits for the slowest image of its batch, so one slow image can keep a whole dispatcher busy.
  it('leaves most dispatchers to others, if every upload that a sender may have in progress is slow', () => {
    const perSender = numberAt(dispatcher['Environment'], 'Variables', 'RUNNING_PER_SENDER');
    expect(perSender).toBeLessThanOrEqual(Math.max(1, most(mapping) / 4));
  });

  it('counts a sender’s uploads for longer than a dispatcher runs, so that a limit is exceeded at most once over', () => {
    expect(WINDOW_SECONDS).toBeGreaterThanOrEqual(numberAt(dispatcher['Timeout']));
  });

  it('reads what was set aside with separate dispatchers, and keeps it as long as other uploads', () => {
    expect(referredId(at(overflow, 'Queue'))).toBe('OverflowQueue');
    expect(referredId(at(mapping, 'Queue'))).toBe('UploadQueue');
    expect(properties('OverflowQueue')['MessageRetentionPeriod']).toBe(
      properties('UploadQueue')['MessageRetentionPeriod'],
    );
  });

  it('keeps dead letters longer than the queue keeps its messages', () => {
    const days = (id: string) => numberAt(properties(id)['MessageRetentionPeriod']) / 86_400;
    expect(days('UploadDeadLetterQueue')).toBeGreaterThan(days('UploadQueue'));
    expect(days('UndeliveredEventQueue')).toBeGreaterThan(days('UploadQueue'));
  });

  it('remembers a decision for as long as its event can be redelivered', () => {
    const target = at(properties('UploadRule')['Targets'], 0);
    const remembered = numberAt(dispatcher['Environment'], 'Variables', 'IDEMPOTENCY_SECONDS');
    const mayComeAgain =
      numberAt(target, 'RetryPolicy', 'MaximumEventAgeInSeconds') +
      numberAt(properties('UploadQueue')['MessageRetentionPeriod']);
    expect(remembered).toBeGreaterThanOrEqual(mayComeAgain);
  });

  it('keeps a tombstone longer than any late event can be delayed', () => {
    const [, days] = /\+ (\d+) \* 86400/.exec(String(stateNamed('Begin', 'Pass').Assign?.['tombstoneUntil'])) ?? [];
    const longest =
      numberAt(at(properties('UploadRule')['Targets'], 0), 'RetryPolicy', 'MaximumEventAgeInSeconds') +
      numberAt(properties('UploadQueue')['MessageRetentionPeriod']) +
      numberAt(properties('UploadDeadLetterQueue')['MessageRetentionPeriod']) +
      numberAt(properties('UndeliveredEventQueue')['MessageRetentionPeriod']);
    expect(Number(days) * 86_400).toBeGreaterThan(longest);
  });

  it('delivers each event to the upload queue, or to a separate queue for undelivered events', () => {
    const target = at(properties('UploadRule')['Targets'], 0);
    expect(referredId(at(target, 'Arn'))).toBe('UploadQueue');
    expect(referredId(at(target, 'DeadLetterConfig', 'Arn'))).toBe('UndeliveredEventQueue');
    expect(numberAt(target, 'RetryPolicy', 'MaximumRetryAttempts')).toBe(185);
  });

  it('gives a probe time for both of its waits, and ends it before the next one starts', () => {
    const probe = properties('ProbePipelineFunction');
    const waitSeconds = numberAt(probe['Environment'], 'Variables', 'WAIT_MILLIS') / 1000;
    // The alarm fires at 80 %.
    expect(2 * waitSeconds).toBeLessThan(0.8 * numberAt(probe['Timeout']));
    const [, minutes] = /^rate\((\d+) minutes\)$/.exec(String(properties('ProbeSchedule')['ScheduleExpression'])) ?? [];
    expect(numberAt(probe['Timeout'])).toBeLessThan(60 * Number(minutes ?? 60));
    expect(probe['ReservedConcurrentExecutions']).toBe(1);
  });

  it('drops a late probe, without a retry or a dead letter', () => {
    const target = properties('ProbeSchedule')['Target'];
    expect(at(target, 'Arn')).toEqual({ Ref: 'ProbePipelineFunction.Alias' });
    expect(at(target, 'DeadLetterConfig')).toBeUndefined();
    const inLambda = properties('ProbePipelineFunction')['EventInvokeConfig'];
    expect(at(inLambda, 'DestinationConfig')).toBeUndefined();
    expect(at(inLambda, 'MaximumRetryAttempts')).toBe(0);
    const oldest =
      numberAt(target, 'RetryPolicy', 'MaximumEventAgeInSeconds') + numberAt(inLambda, 'MaximumEventAgeInSeconds');
    expect(oldest).toBeLessThan(300);
  });

  it('lets a probe wait longer than the queue’s first retry takes', () => {
    const wait = numberAt(properties('ProbePipelineFunction')['Environment'], 'Variables', 'WAIT_MILLIS');
    expect(wait).toBeGreaterThan(1000 * numberAt(dispatcher['Environment'], 'Variables', 'RETRY_BASE_SECONDS'));
  });

  it('receives events of the upload bucket only, so that its own output never starts the pipeline', () => {
    const bucket = [{ Ref: 'UploadBucket' }];
    expect(properties('UploadRule')['EventPattern']).toEqual({
      $or: [
        {
          source: ['aws.s3'],
          'detail-type': ['Object Created', 'Object Deleted'],
          detail: { bucket: { name: bucket } },
        },
        {
          source: ['aws.guardduty'],
          account: [{ Ref: 'AWS::AccountId' }],
          'detail-type': [verdictType],
          detail: {
            s3ObjectDetails: { bucketName: bucket },
            scanResultDetails: { scanResultStatus: ['THREATS_FOUND'] },
          },
        },
      ],
    });
  });
});

it('without provisioned concurrency, has no scaling target', () => {
  const { resources } = templateFor('prod', { ProvisionConcurrency: 'false' });
  expect(resources.get('ResizeImageWarmTarget')).toBeUndefined();
  expect(resources.get('DispatchImagesFunction')?.Properties['ProvisionedConcurrencyConfig']).toBeUndefined();
});

it('the dispatcher is kept warm and not scaled: each probe is full utilization of one, so it would alternate', () => {
  const { resources } = templateFor('prod');
  const dispatcher = resources.get('DispatchImagesFunction')?.Properties ?? {};
  expect(at(dispatcher['ProvisionedConcurrencyConfig'], 'ProvisionedConcurrentExecutions')).toBe(1);
  const scaled = [...resources.values()].filter(({ Type }) => Type === 'AWS::ApplicationAutoScaling::ScalableTarget');
  expect(JSON.stringify(scaled.map(({ Properties }) => Properties['ResourceId']))).not.toContain('DispatchImages');
});
