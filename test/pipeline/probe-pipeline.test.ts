import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { probePrefix } from '../../core/names.ts';
import { stackName } from '../../scripts/local/deploy.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { rolePermissions } from '../support/role-permissions.ts';

/** The deployed function, as its schedule calls it. */

const pipeline = emulatedPipeline();
const permission = rolePermissions(pipeline);
beforeAll(pipeline.queueIsEmpty);
afterEach(permission.restore);

const verdict = z.looseObject({ verdict: z.enum(['healthy', 'failed']), key: z.string() });
const logLine = z.record(z.string(), z.unknown());

async function probe() {
  const FunctionName = await pipeline.physicalId('ProbePipelineFunction');
  const { Payload = [], LogResult = '' } = await pipeline.lambda.send(
    new InvokeCommand({ FunctionName, Payload: '{}', LogType: 'Tail' }),
  );
  const lines = Buffer.from(LogResult, 'base64').toString().split('\n');
  return {
    verdict: verdict.parse(JSON.parse(Buffer.from(Payload).toString())),
    lines: lines.flatMap((line) => (line.startsWith('{') ? [logLine.parse(JSON.parse(line))] : [])),
  };
}

/** The probe gives up sooner than as deployed; returns a function that restores it. */
async function givesUpAfter(waitMillis: number) {
  const FunctionName = await pipeline.physicalId('ProbePipelineFunction');
  const { Environment: { Variables } = {} } = await pipeline.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName }),
  );
  const use = (variables: typeof Variables) =>
    pipeline.lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables: { ...variables } } }),
    );
  await use({ ...Variables, WAIT_MILLIS: `${waitMillis}` });
  return () => use(Variables);
}

const uploads = async () => {
  const { Contents = [] } = await pipeline.s3.send(
    new ListObjectsV2Command({ Bucket: pipeline.bucket, Prefix: probePrefix }),
  );
  return Contents.map(({ Key }) => Key);
};

it('a probe of a working pipeline is healthy, publishes that as a metric, and leaves only a tombstone', async () => {
  const { verdict: healthy, lines } = await probe();
  expect(healthy).toMatchObject({ verdict: 'healthy', readyMillis: expect.any(Number) });

  const [metrics, ...others] = lines.filter((line) => line['_aws'] !== undefined);
  expect(others).toEqual([]);
  expect(metrics).toMatchObject({ service: stackName, ProbeFailed: 0, ProbeUploadToReady: expect.any(Number) });

  expect(await uploads()).not.toContain(healthy.key);
  expect(await pipeline.renditionKeys(healthy.key)).toEqual([]);
  expect(await pipeline.record(healthy.key)).toMatchObject({ outcome: 'deleted' });
});

it('a probe of a pipeline that accepts no work fails as late, publishes that as a metric, and removes its image', async () => {
  await permission.takeAway('DispatchImages', 'RunWorkflow', 'states:StartSyncExecution');
  const restoreWait = await givesUpAfter(3_000);
  const { verdict: failed, lines } = await probe().finally(restoreWait);
  expect(failed).toMatchObject({ verdict: 'failed', reason: 'late' });

  const [metrics] = lines.filter((line) => line['_aws'] !== undefined);
  expect(metrics).toMatchObject({ service: stackName, ProbeFailed: 1 });
  expect(metrics).not.toHaveProperty('ProbeUploadToReady');
  expect(await uploads()).not.toContain(failed.key);

  // After the repair, the deleted upload ends as deleted, whichever of its two events is retried first.
  await permission.restore();
  await pipeline.recordWhen(failed.key, ({ outcome }) => outcome === 'deleted');
  await pipeline.queueIsEmpty();
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.deadLetterQueueUrl }));
  expect(await pipeline.renditionKeys(failed.key)).toEqual([]);
});
