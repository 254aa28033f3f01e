import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { MetricUnit as Unit } from '@aws-lambda-powertools/metrics/types';
import type { UploadEvent } from '../../core/image.ts';
import { metricNamespace } from '../../core/names.ts';
import type { DecidedOutcome } from '../../core/outcome.ts';
import type { Decision, RepeatedDecision } from '../../core/ports.ts';

type Measure = readonly [metric: string, unit: Unit, value: number];

const counterOf: Readonly<Record<DecidedOutcome, string>> = {
  processed: 'ImagesProcessed',
  rejected: 'ImagesRejected',
  superseded: 'ImagesSuperseded',
  vanished: 'ImagesVanished',
  deleted: 'ImagesDeleted',
};

/**
 * One log line and one set of metrics a try: what was decided, how long after the upload, or that there is no decision.
 * docs/observability.md explains each metric; alarms and dashboard are tested against what is published here.
 */
export function decisionLog(logger: Logger) {
  const metrics = new Metrics({ namespace: metricNamespace });
  // Without an await between the first metric and the last: the messages of a batch share this object.
  const publish = ({ correlationId, image }: UploadEvent, measures: readonly Measure[], reason?: string) => {
    for (const measure of measures) metrics.addMetric(...measure);
    // Once under the service alone, once under its reason too.
    if (reason !== undefined) metrics.addDimensions({}).addDimensions({ reason });
    metrics.addMetadata('correlation_id', correlationId).addMetadata('imageId', image.imageId).publishStoredMetrics();
  };

  return async (
    event: UploadEvent,
    { lastTry }: { readonly lastTry: boolean },
    decide: () => Promise<Decision | RepeatedDecision>,
  ): Promise<void> => {
    const subject = { correlation_id: event.correlationId, change: event.change, image: event.image };
    try {
      const decision = await decide();
      // Two clocks, S3's and ours: they may disagree by more than the work took.
      const millis = Math.max(0, Date.now() - Date.parse(event.occurredAt));
      logger.info('Image decided', { ...subject, ...decision, millis });
      publish(event, measuresOf(event, decision, millis), 'reason' in decision ? decision.reason : undefined);
    } catch (error) {
      logger.error('No decision; the queue delivers the event again', { ...subject, lastTry, error });
      publish(event, [
        ['TriesFailed', MetricUnit.Count, 1],
        ...(lastTry ? [['ImagesFailed', MetricUnit.Count, 1] as const] : []),
      ]);
      throw error;
    }
  };
}

function measuresOf(event: UploadEvent, decision: Decision | RepeatedDecision, millis: number): readonly Measure[] {
  if ('repeated' in decision) return [['ImagesRepeated', MetricUnit.Count, 1]];
  const counter: Measure = [counterOf[decision.outcome], MetricUnit.Count, 1];
  if (decision.outcome !== 'processed' || event.change !== 'created') return [counter];
  return [
    counter,
    ['UploadToReady', MetricUnit.Milliseconds, millis],
    ['BytesIn', MetricUnit.Bytes, event.image.size],
    ['BytesOut', MetricUnit.Bytes, decision.bytesOut],
  ];
}
