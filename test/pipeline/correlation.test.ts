import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { beforeAll, expect, it } from 'vitest';
import { renditionGroups } from '../../core/presets.ts';
import { stackName } from '../../scripts/local/deploy.ts';
import { type DomainEvent, emulatedPipeline, eventually } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';
import { embeddedMetrics } from '../support/published-metrics.ts';

const pipeline = emulatedPipeline();
const logs = new CloudWatchLogsClient(pipeline.stack.clientConfig);
let heard: () => Promise<DomainEvent[]>;
beforeAll(async () => {
  heard = await pipeline.subscribe();
});

/** A function's log lines for one correlation id, from CloudWatch Logs. */
const linesOf = async (stem: string, correlationId: string, count: number): Promise<Record<string, unknown>[]> => {
  const logGroupName = await pipeline.physicalId(`${stem}LogGroup`);
  return eventually(`${count} lines of ${correlationId} in ${stem}`, async () => {
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName }));
    const lines = events.flatMap(({ message = '' }) => (message.startsWith('{') ? [JSON.parse(message)] : []));
    const found = lines.filter((line) => line.correlation_id === correlationId);
    return found.length >= count ? found : undefined;
  });
};

it('one correlation id follows an upload from S3’s event through the log line of every step to the domain event', async () => {
  const key = 'followed.jpg';
  await pipeline.put(key, photo('flowers-iphone5-gps-small.jpg'));
  const { correlationId, imageId } = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');

  const [described, ...noMore] = await linesOf('ExtractMetadata', correlationId, 1);
  expect(noMore).toEqual([]);
  expect(described).toMatchObject({ message: 'Step done', imageId, outcome: 'processed' });
  expect(await linesOf('ResizeImage', correlationId, renditionGroups.length)).toEqual(
    renditionGroups.map(() => expect.objectContaining({ message: 'Step done', imageId, outcome: 'processed' })),
  );
  const dispatched = await linesOf('DispatchImages', correlationId, 2);
  expect(dispatched).toContainEqual(expect.objectContaining({ message: 'Image decided', outcome: 'processed' }));

  const event = await eventually(`the event of ${key}`, async () =>
    (await heard()).find(({ detail }) => detail.image.key === key),
  );
  expect(event.detail['correlationId']).toBe(correlationId);
});

it('an image’s log line and its metrics have the same numbers, under the name of this stack', async () => {
  const key = 'counted.jpg';
  const { size } = await pipeline.put(key, photo('rocket.jpg'));
  const record = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  const lines = await linesOf('DispatchImages', record.correlationId, 2);
  const bytesOut = record.outcome === 'processed' ? record.renditions.reduce((sum, { bytes }) => sum + bytes, 0) : 0;
  expect(lines).toContainEqual(expect.objectContaining({ message: 'Image decided', service: stackName, bytesOut }));
  const [metrics] = lines.filter((line) => embeddedMetrics.safeParse(line).success);
  expect(metrics).toMatchObject({ service: stackName, ImagesProcessed: 1, BytesIn: size, BytesOut: bytesOut });
});
