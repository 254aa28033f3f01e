import { Logger } from '@aws-lambda-powertools/logger';
import { describe, expect, it } from 'vitest';
import { probeLog } from '../../adapters/probe-log.ts';
import type { ProbeVerdict } from '../../core/probe-pipeline.ts';
import { captureLog } from '../support/captured-log.ts';

const logged = captureLog();
const identity = { key: 'darkroom-probe/1.jpg', imageId: 'c0ffee', correlationId: 'correlation-1' };
const healthy: ProbeVerdict = { ...identity, verdict: 'healthy', readyMillis: 1234.5 };
const failed: ProbeVerdict = { ...identity, verdict: 'failed', reason: 'late', message: 'There was no record.' };

describe('a healthy probe', () => {
  it('leaves a line that leads to what the pipeline logged, and hands the verdict on', () => {
    expect(probeLog(new Logger())(healthy)).toBe(healthy);
    expect(logged('info')).toEqual([
      expect.objectContaining({ correlation_id: 'correlation-1', key: identity.key, verdict: 'healthy' }),
    ]);
  });

  it('counts no failure and measures its time, in one set', () => {
    probeLog(new Logger())(healthy);
    expect(logged('log')).toEqual([expect.objectContaining({ ProbeFailed: 0, ProbeUploadToReady: 1235 })]);
  });
});

describe('a probe that failed', () => {
  it('leaves an error that says why', () => {
    probeLog(new Logger())(failed);
    expect(logged('error')).toEqual([
      expect.objectContaining({ correlation_id: 'correlation-1', reason: 'late', fault: 'There was no record.' }),
    ]);
  });

  it('counts one failure and measures no time', () => {
    probeLog(new Logger())(failed);
    const [metrics, ...others] = logged('log');
    expect(others).toEqual([]);
    expect(metrics).toMatchObject({ ProbeFailed: 1 });
    expect(metrics).not.toHaveProperty('ProbeUploadToReady');
  });

  it('leaves nothing behind for the next one', () => {
    const log = probeLog(new Logger());
    log(healthy);
    log(failed);
    expect(logged('log')[1]).not.toHaveProperty('ProbeUploadToReady');
  });
});
