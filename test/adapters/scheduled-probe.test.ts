import { describe, expect, it } from 'vitest';
import { scheduledProbe } from '../../adapters/lambda/scheduled-probe.ts';
import { probePrefix } from '../../core/names.ts';
import type { ProbeVerdict } from '../../core/watch/probe-pipeline.ts';
import { captureLog } from '../support/captured-log.ts';
import { lambdaContext } from '../support/lambda-context.ts';

const logged = captureLog();
const identity = { key: `${probePrefix}1.jpg`, imageId: 'c0ffee', correlationId: 'correlation-1' };
const healthy: ProbeVerdict = { ...identity, verdict: 'healthy', readyMillis: 1234.5 };
const failed: ProbeVerdict = { ...identity, verdict: 'failed', reason: 'late', message: 'No record appeared.' };

const run = (verdict: ProbeVerdict) => scheduledProbe(async () => verdict)({}, lambdaContext());

describe('a healthy probe', () => {
  it('logs a line with the correlation id and returns the verdict', async () => {
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

  it('publishes no failure and its duration in one set of metrics', async () => {
    await run(healthy);
    expect(logged('log')).toEqual([expect.objectContaining({ ProbeFailed: 0, ProbeUploadToReady: 1235 })]);
  });
});

describe('a probe that failed', () => {
  it('logs an error with the reason', async () => {
    await run(failed);
    expect(logged('error')).toEqual([
      expect.objectContaining({ correlation_id: 'correlation-1', reason: 'late', fault: 'No record appeared.' }),
    ]);
  });

  it('publishes one failure and no duration', async () => {
    await run(failed);
    const [metrics, ...others] = logged('log');
    expect(others).toEqual([]);
    expect(metrics).toMatchObject({ ProbeFailed: 1 });
    expect(metrics).not.toHaveProperty('ProbeUploadToReady');
  });

  it('does not affect the metrics of the next probe', async () => {
    const verdicts = [healthy, failed];
    const handler = scheduledProbe(async () => verdicts.shift() ?? failed);
    await handler({}, lambdaContext());
    await handler({}, lambdaContext());
    expect(logged('log')[1]).not.toHaveProperty('ProbeUploadToReady');
  });
});

it('a probe that throws fails the invocation', async () => {
  const handler = scheduledProbe(() => Promise.reject(new Error('SlowDown')));
  await expect(handler({}, lambdaContext())).rejects.toThrow('SlowDown');
  expect(logged('log')).toEqual([]);
});
