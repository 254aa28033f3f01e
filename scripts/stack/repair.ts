/** Does what core decided, through the ordinary path. */
import { randomUUID } from 'node:crypto';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import pThrottle from 'p-throttle';
import { eventOf } from '../../adapters/contracts/queued-event.ts';
import type { ImageId } from '../../core/image.ts';
import type { RemovalTask } from '../../core/image-task.ts';
import type { Confirmed } from './notebook.ts';
import { queueEvents } from './queue-events.ts';
import { physicalId, type Stack } from './stack.ts';

interface Pace<Image> {
  /** Images per second: live uploads share the workers. */
  readonly perSecond: number;
  readonly report: (progress: string) => void;
  /** Called after each image. */
  readonly done?: (image: Image) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Returns how many images it repaired. Repairing twice does no harm, so a stopped run may begin again. */
export async function repairAll<Image extends Pick<Confirmed, 'imageId' | 'repairs'>>(
  stack: Stack,
  images: Iterable<Image> | AsyncIterable<Image>,
  { perSecond, report, done, signal }: Pace<Image>,
): Promise<number> {
  const turn = pThrottle({ limit: perSecond, interval: 1000 })(() => undefined);
  let repaired = 0;
  for await (const image of images) {
    signal?.throwIfAborted();
    if (image.repairs.length > 0) {
      await turn();
      await repairOne(stack, image);
      repaired += 1;
    }
    await done?.(image);
    if (repaired % 20 === 0) report(`${repaired} images`);
  }
  return repaired;
}

async function repairOne(stack: Stack, { imageId, repairs }: Pick<Confirmed, 'imageId' | 'repairs'>): Promise<void> {
  for (const repair of repairs) {
    if (repair.repair === 'remove') await remove(stack, imageId, repair.sequencer);
    else await queueEvents(stack, [eventOf(repair)]);
  }
}

async function remove(stack: Stack, imageId: ImageId, sequencer: string): Promise<void> {
  const FunctionName = `${await physicalId(stack, 'RemoveRenditionsFunction')}:live`;
  const task: RemovalTask = { correlationId: randomUUID(), image: { imageId, sequencer }, scope: 'own' };
  const { FunctionError, Payload } = await stack.clients.lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(task) }),
  );
  if (FunctionError !== undefined)
    throw new Error(
      `remove-renditions failed for ${imageId} (${FunctionError}): ${Payload?.transformToString() ?? ''}`,
    );
}
