/** Does what core decided, through the ordinary path. */
import { randomUUID } from 'node:crypto';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import pThrottle from 'p-throttle';
import type { Repair } from '../../core/audit.ts';
import { type ImageId, SEQUENCER_WIDTH } from '../../core/image.ts';
import type { RemovalTask } from '../../core/image-task.ts';
import { type QueuedEvent, queueEvents } from '../stack/queue-events.ts';
import { physicalId, type Stack } from '../stack/stack.ts';
import { everyOf, type Notebook } from './notebook.ts';

interface Pace {
  /** Images per second: live uploads share the workers. */
  readonly perSecond: number;
  readonly report: (progress: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Returns how many images it repaired. Repairing twice does no harm, so a stopped run may begin again. */
export async function repairAll(
  stack: Stack,
  notebook: Notebook,
  { perSecond, report, signal }: Pace,
): Promise<number> {
  const turn = pThrottle({ limit: perSecond, interval: 1000 })(() => undefined);
  const removeRenditions = `${await physicalId(stack, 'RemoveRenditionsFunction')}:live`;
  let repaired = 0;
  for (const { imageId, repairs } of everyOf(notebook.confirmed)) {
    signal?.throwIfAborted();
    if (repairs.length > 0) await turn();
    for (const repair of repairs) {
      if (repair.repair === 'remove') await remove(stack, removeRenditions, imageId, repair.sequencer);
      else await queueEvents(stack, [eventOf(repair)]);
    }
    if (repairs.length > 0) repaired += 1;
    if (repaired % 20 === 0) report(`${repaired} images`);
  }
  return repaired;
}

function eventOf(repair: Exclude<Repair, { repair: 'remove' }>): QueuedEvent {
  switch (repair.repair) {
    case 'process': {
      const { key, etag, size, versionId, storedAt: occurredAt } = repair.upload;
      return { change: 'created', key, etag, size, versionId, occurredAt, sequencer: repair.sequencer };
    }
    case 'delete':
      return {
        ...{ change: 'deleted', key: repair.key, sequencer: repair.sequencer },
        // Nothing says when the upload was deleted: it may have left no delete marker.
        occurredAt: new Date().toISOString(),
      };
    default:
      return repair satisfies never;
  }
}

async function remove({ clients }: Stack, FunctionName: string, imageId: ImageId, sequencer: string): Promise<void> {
  const task: RemovalTask = { correlationId: randomUUID(), image: { imageId, sequencer }, scope: 'own' };
  const { FunctionError, Payload } = await clients.lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(task) }),
  );
  if (FunctionError !== undefined)
    throw new Error(
      `remove-renditions failed for ${imageId} (${FunctionError}): ${Payload?.transformToString() ?? ''}`,
    );
}

/**
 * The lowest sequencer that S3 can have assigned at a time: two zeros and the seconds. The emulator counts from its own start, so
 * there it is the lowest of all.
 */
export function lowestSequencer(emulated: boolean): (time: string) => string {
  return (time) => {
    const seconds = emulated ? 0 : Math.floor(Date.parse(time) / 1000);
    return `00${seconds.toString(16).padStart(8, '0')}`.toUpperCase().padEnd(SEQUENCER_WIDTH, '0');
  };
}
