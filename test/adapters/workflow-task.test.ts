import { describe, expect, it, vi } from 'vitest';
import { imageTask, workflowTask } from '../../adapters/lambda/workflow-task.ts';
import { captureLog } from '../support/captured-log.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { uploadOf } from '../support/upload-events.ts';

const task = { correlationId: 'correlation-1', image: uploadOf() };

const logged = captureLog();

describe('a step of the workflow', () => {
  it('given a valid task, runs the step and returns its result', async () => {
    const handler = workflowTask(imageTask, async ({ image }) => ({ outcome: 'processed', key: image.key }));
    expect(await handler(task, lambdaContext())).toEqual({ outcome: 'processed', key: 'cat.jpg' });
  });

  it('logs one line with image, outcome and correlation id', async () => {
    await workflowTask(imageTask, async () => ({ outcome: 'rejected' }))(task, lambdaContext());
    expect(logged('info')).toEqual([
      expect.objectContaining({
        message: 'Step done',
        outcome: 'rejected',
        imageId: task.image.imageId,
        correlation_id: 'correlation-1',
        function_request_id: lambdaContext().awsRequestId,
      }),
    ]);
  });

  it('reports duration and memory of each invocation, and init time of the first', async () => {
    const handler = workflowTask(imageTask, async () => ({ outcome: 'processed' }));
    await handler(task, lambdaContext());
    await handler(task, lambdaContext());
    const [first, second] = logged('info');
    const call = { millis: expect.any(Number), peakMegabytes: expect.any(Number) };
    expect(first).toMatchObject({ ...call, initMillis: expect.any(Number) });
    expect(second).toMatchObject(call);
    expect(second).not.toHaveProperty('initMillis');
    // In MB, of this process.
    const resident = process.memoryUsage.rss() / 2 ** 20;
    expect(first?.['peakMegabytes']).toBeGreaterThan(resident / 2);
    expect(first?.['peakMegabytes']).toBeLessThan(resident * 20);
  });

  it('adds the memory of the process that works for it', async () => {
    const handler = (peakMegabytes: number) =>
      workflowTask(imageTask, async () => ({ outcome: 'processed' }), { peakMegabytes })(task, lambdaContext());
    await handler(0);
    await handler(1_000_000);
    const [alone = 0, both = 0] = logged('info').map(({ peakMegabytes }) => Number(peakMegabytes));
    expect(both).toBeGreaterThanOrEqual(alone + 1_000_000);
  });

  it('given the step throws, logs the error with the image and throws it', async () => {
    const handler = workflowTask(imageTask, () => Promise.reject(new Error('S3 is slow')));
    await expect(handler(task, lambdaContext())).rejects.toThrow('S3 is slow');
    expect(logged('error')).toEqual([
      expect.objectContaining({
        imageId: task.image.imageId,
        correlation_id: 'correlation-1',
        error: expect.objectContaining({ message: 'S3 is slow' }),
      }),
    ]);
  });

  it.each([
    ['no task', undefined],
    ['an empty task', {}],
    ['a task without a correlation id', { image: uploadOf() }],
    ['an image id that could lead out of its folder', { ...task, image: uploadOf({ imageId: '../../etc' }) }],
    ['a sequencer that was not padded', { ...task, image: uploadOf({ sequencer: '0055AED6DCD90281E5' }) }],
    ['a negative size', { ...task, image: uploadOf({ size: -1 }) }],
  ])('given %s, throws before running the step', async (_, input) => {
    const work = vi.fn(async () => ({ outcome: 'processed' }));
    await expect(workflowTask(imageTask, work)(input, lambdaContext())).rejects.toThrow();
    expect(work).not.toHaveBeenCalled();
  });
});
