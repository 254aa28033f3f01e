import { ListEventSourceMappingsCommand, ListVersionsByFunctionCommand } from '@aws-sdk/client-lambda';
import { ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { expect, it } from 'vitest';
import { emulatedPipeline } from '../../../test/support/emulated-pipeline.ts';
import { photo } from '../../../test/support/photos.ts';
import { playCanary } from '../../bad-release/canary.ts';
import { playPreTraffic } from '../../bad-release/pre-traffic.ts';
import { readRollbackAlarm } from '../../bad-release/rollback-alarm.ts';

/** The two parts of `npm run lab -- bad-release`. */

const pipeline = emulatedPipeline();
const { stack } = pipeline;

it('before traffic, the live version passes, and each broken version is refused and leaves nothing behind', async () => {
  const FunctionName = await pipeline.physicalId('ResizeImageFunction');
  const versions = async () =>
    (await pipeline.lambda.send(new ListVersionsByFunctionCommand({ FunctionName }))).Versions?.map(
      ({ Version, Environment }) => ({ Version, Environment }),
    );
  const before = await versions();

  const checked = await playPreTraffic(stack, () => undefined);

  expect(checked.filter(({ broken }) => broken).length).toBeGreaterThan(0);
  for (const { step, what, broken, verdict } of checked) {
    expect(verdict.verdict, `${step}: ${what} ${JSON.stringify(verdict)}`).toBe(broken ? 'refused' : 'passed');
  }
  expect(checked.find(({ what }) => what === 'a setting was forgotten')?.verdict).toMatchObject({
    reason: expect.stringContaining('RENDITION_BUCKET'),
  });
  expect(await versions()).toEqual(before);
});

it('a bad workflow sets off the alarm at 20 % and is rolled back to version 1, and every image gets its renditions', async () => {
  const played = await playCanary(stack, {
    alarm: readRollbackAlarm('ImagePipelineFailedRollbackAlarm'),
    canaryPercent: 20,
    imagesAMinute: 8,
    showMinute: () => undefined,
    stopped: new AbortController().signal,
  });

  expect(played).toMatchObject({ rolledBack: true, lost: 0 });
  expect(played.touched).toBeGreaterThan(0);
  const [first] = played.minutes;
  expect(first?.runs.every(({ version, succeeded }) => version === 1 && succeeded)).toBe(true);
  const alarmed = played.minutes.findIndex(({ alarm }) => alarm === 'ALARM');
  for (const { runs, routes } of played.minutes.slice(alarmed + 1)) {
    expect(routes).toEqual([{ version: 1, weight: 100 }]);
    expect(runs.every(({ version, succeeded }) => version === 1 && succeeded)).toBe(true);
  }

  // The stack is as before: nothing is left behind, and the dispatcher is running again.
  const { stateMachines = [] } = await stack.clients.stepFunctions.send(new ListStateMachinesCommand({}));
  expect(stateMachines.filter(({ name }) => name?.includes('bad-release'))).toEqual([]);
  const { EventSourceMappings = [] } = await pipeline.lambda.send(new ListEventSourceMappingsCommand({}));
  expect(EventSourceMappings.length).toBeGreaterThanOrEqual(3);
  expect(EventSourceMappings.filter(({ State }) => State !== 'Enabled')).toEqual([]);
  await pipeline.put('after-a-bad-release.jpg', photo('rocket.jpg'));
  await pipeline.recordWhen('after-a-bad-release.jpg', ({ outcome }) => outcome === 'processed');
});
