import { describe, expect, it } from 'vitest';
import { scheduledProbe } from '../../adapters/lambda/scheduled-probe.ts';
import { probePrefix } from '../../core/names.ts';
import type { ProbeVerdict } from '../../core/watch/probe-pipeline.ts';
import { captureLog } from '../support/captured-log.ts';
import { lambdaContext } from '../support/lambda-context.ts';

const logged = captureLog();
const identity = { key: `${probePrefix}1.jpg`, imageId: 'c0ffee', correlationId: 'correlation-1' };
const healthy: ProbeVerdict = { ...identity, verdict: 'healthy', readyMillis: 1234.5 };
const failed: ProbeVerdict = { ...identity, verdict: 'failed', reason: 'late', message: 'There was no record.' };

const run = (verdict: ProbeVerdict) => scheduledProbe(async () => verdict)({}, lambdaContext());

describe('a healthy probe', () => {
  it('leaves a line that leads to what the pipeline logged, and hands the verdict on', async () => {
    expect(await run(healthy)).toBe(healthy);
    expect(logged('info')).toEqual([
      expect.objectContaining({
        correlation_id: 'correlation-1',
        key: identity.key,
        verdict: 'healthy',
        function_request_id: lambdaContext().awsRequestId,
      }),
    ]);
  });

  it('counts no failure and measures its time, in one set', async () => {
    await run(healthy);
    expect(logged('log')).toEqual([expect.objectContaining({ ProbeFailed: 0, ProbeUploadToReady: 1235 })]);
  });
});

describe('a probe that failed', () => {
  it('leaves an error that says why', async () => {
    await run(failed);
    expect(logged('error')).toEqual([
      expect.objectContaining({ correlation_id: 'correlation-1', reason: 'late', fault: 'There was no record.' }),
    ]);
  });

  it('counts one failure and measures no time', async () => {
    await run(failed);
    const [metrics, ...others] = logged('log');
    expect(others).toEqual([]);
    expect(metrics).toMatchObject({ ProbeFailed: 1 });
    expect(metrics).not.toHaveProperty('ProbeUploadToReady');
  });

  it('leaves nothing behind for the next one', async () => {
    const verdicts = [healthy, failed];
    const handler = scheduledProbe(async () => verdicts.shift() ?? failed);
    await handler({}, lambdaContext());
    await handler({}, lambdaContext());
    expect(logged('log')[1]).not.toHaveProperty('ProbeUploadToReady');
  });
});

it('that throws is an error of the function', async () => {
  const handler = scheduledProbe(() => Promise.reject(new Error('SlowDown')));
  await expect(handler({}, lambdaContext())).rejects.toThrow('SlowDown');
  expect(logged('log')).toEqual([]);
});
