/** Commands that change a stack, what each needs to have something to do, and what must be true in the end. */
import { PutBucketNotificationConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import pWaitFor from 'p-wait-for';
import * as z from 'zod';
import { imageIdOf } from '../../core/image.ts';
import { allPresets } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { isOutdated, outdated } from '../../core/settings.ts';
import { planErasure } from '../../scripts/erase/erase-images.ts';
import { openErasureNotebook } from '../../scripts/erase/erasure-notebook.ts';
import { stackTraces } from '../../scripts/erase/stack-traces.ts';
import { readRecords } from '../../scripts/stack/follow.ts';
import { historyLines } from '../../scripts/stack/history-store.ts';
import { type DomainEvent, type emulatedPipeline, messageBody } from '../../test/support/emulated-pipeline.ts';
import { makeOutdated } from '../../test/support/outdated-image.ts';
import { smallImage } from '../../test/support/photos.ts';
import type { Command } from './command.ts';

// On a busy machine, the emulator delivers an event seconds after it was published.
const EVENT_MILLIS = 30_000;

export interface CommandStory {
  /** @param folder its own */
  begin(folder: string): Promise<{
    readonly args: readonly string[];
    /** In a form that is the same for every folder. Called when nothing is in progress any more. */
    end(): Promise<object>;
  }>;
}

export function commandStories(
  pipeline: ReturnType<typeof emulatedPipeline>,
  heard: () => Promise<readonly DomainEvent[]>,
): Readonly<Record<Command['name'], CommandStory>> {
  const { stack, s3, sqs, bucket } = pipeline;
  const adopted = z.string().parse(stack.outputs.AdoptedBucketName);

  const processed = async (key: string, colour: string) => {
    const stored = await pipeline.put(key, await smallImage(colour));
    const { sequencer } = await pipeline.recordWhen(key, ({ version }) => version === stored.etag);
    return { ...stored, key, sequencer };
  };
  /** By their ids. That of the record may arrive after it is marked as announced; if it never does, it is missing here. */
  const eventsOf = async (key: string, record: ImageRecord | undefined) => {
    const ofImage = async () => (await heard()).filter(({ detail }) => detail.image.key === key);
    const hasArrived = async () => {
      const events = await ofImage();
      return events.some(({ detail }) => detail.image.sequencer === record?.sequencer);
    };
    await pWaitFor(hasArrived, { interval: 200, timeout: { milliseconds: EVENT_MILLIS, fallback: () => undefined } });
    return Map.groupBy(await ofImage(), ({ detail }) => detail.id);
  };
  const outcomeOf = (record: ImageRecord | undefined) => ({ outcome: record?.outcome, announced: record?.announced });

  return {
    /** Two versions, renditions, a decision, history and a dead letter; and a neighbour that stays. */
    erase: {
      async begin(folder) {
        const [key, neighbour] = [`${folder}image.png`, `${folder}image.png.png`];
        await processed(key, '#b35900');
        const event = await processed(key, '#0059b3');
        await processed(neighbour, '#0059b3');
        const MessageBody = messageBody(bucket, { ...event, versionId: 'unused' });
        await sqs.send(new SendMessageCommand({ QueueUrl: stack.outputs.UndeliveredEventQueueUrl, MessageBody }));
        const before = await pipeline.record(neighbour);
        return {
          args: [key],
          async end() {
            const imageId = await imageIdOf(bucket, key);
            const { found } = await tracesOf(key);
            const record = await pipeline.record(key);
            const lines = (await Array.fromAsync(historyLines(stack, { onlyOf: imageId }))).flat();
            const events = [...(await eventsOf(key, record)).values()].flat().map((each) => each['detail-type']);
            const after = await pipeline.record(neighbour);
            return {
              ...{ ...outcomeOf(record), key: record?.key, correlationId: record?.correlationId, found },
              history: [...new Set(lines.map((line) => line.event))],
              isAnnounced: events.includes('ImageDeleted'),
              neighbour: JSON.stringify(after) === JSON.stringify(before),
              ofNeighbour: (await pipeline.renditionKeys(neighbour)).length,
            };
          },
        };
      },
    },

    /** Two pictures of the adopted bucket, from before it was adopted. */
    backfill: {
      async begin(folder) {
        const keys = [`${folder}one.png`, `${folder}two.png`];
        const events = (NotificationConfiguration: { EventBridgeConfiguration?: object }) =>
          s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: adopted, NotificationConfiguration }));
        await events({});
        for (const Key of keys)
          await s3.send(new PutObjectCommand({ Bucket: adopted, Key, Body: await smallImage('#0059b3') }));
        await events({ EventBridgeConfiguration: {} });
        return {
          args: ['--bucket', adopted, '--prefix', folder],
          async end() {
            const ends: object[] = [];
            for (const key of keys) {
              const imageId = await imageIdOf(adopted, key);
              const record = (await readRecords(stack, [imageId])).get(imageId);
              ends.push({ ...outcomeOf(record), published: (await eventsOf(key, record)).size });
            }
            return ends;
          },
        };
      },
    },

    /** An image of earlier presets. */
    rerender: {
      async begin(folder) {
        const key = `${folder}image.png`;
        await processed(key, '#0059b3');
        const gone = await makeOutdated(pipeline, key);
        return {
          args: ['--prefix', folder],
          async end() {
            const record = await pipeline.record(key);
            const files = await pipeline.renditionKeys(key);
            const shown = record?.outcome === 'processed' ? record.renditions.map((rendition) => rendition.key) : [];
            return {
              ...outcomeOf(record),
              isCurrent: record?.outcome === 'processed' && !isOutdated(outdated(record, allPresets)),
              isComplete: JSON.stringify(shown.toSorted()) === JSON.stringify(files),
              isOldGone: !files.includes(gone),
              published: (await eventsOf(key, record)).size,
            };
          },
        };
      },
    },
  };

  /** By a look of the command itself. */
  async function tracesOf(key: string) {
    const notebook = openErasureNotebook(':memory:');
    try {
      const imageId = await imageIdOf(bucket, key);
      const run = { notebook, store: await stackTraces(stack, { bucket, perSecond: 1000 }) };
      await planErasure(
        run,
        (async function* () {
          yield { imageId, key };
        })(),
      );
      return { found: notebook.find(imageId)?.found };
    } finally {
      notebook.close();
    }
  }
}
