import { expect, it, vi } from 'vitest';
import { releaseHook } from '../../adapters/lambda/release-hook.ts';
import type { Verdict } from '../../core/watch/release.ts';
import { captureLog } from '../support/captured-log.ts';
import { lambdaContext } from '../support/lambda-context.ts';

const event = { DeploymentId: 'd-1', LifecycleEventHookExecutionId: 'e-1', Combined: 'd-1:e-1' };
const logged = captureLog();

it('logs a refusal as an error, with its reason and the deployment', async () => {
  const verdict: Verdict = { verdict: 'refused', reason: 'It renders nothing.' };
  const check = vi.fn(async () => verdict);
  expect(await releaseHook(check)(event, lambdaContext())).toEqual(verdict);
  expect(check).toHaveBeenCalledWith({ deploymentId: 'd-1', executionId: 'e-1' });
  expect(logged('error')).toEqual([expect.objectContaining({ deploymentId: 'd-1', ...verdict })]);
});

it('logs a pass as information', async () => {
  await releaseHook(async () => ({ verdict: 'passed' }))(event, lambdaContext());
  expect(logged('error')).toEqual([]);
  expect(logged('info')).toEqual([expect.objectContaining({ deploymentId: 'd-1', verdict: 'passed' })]);
});

it('given another event, throws before any check', async () => {
  const check = vi.fn();
  await expect(releaseHook(check)({}, lambdaContext())).rejects.toThrow('DeploymentId');
  expect(check).not.toHaveBeenCalled();
});
