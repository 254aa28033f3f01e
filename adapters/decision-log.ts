import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { UploadEvent } from '../core/image.ts';
import type { Decision } from '../core/ports.ts';

const metricOf: Readonly<Record<Decision['outcome'], string>> = {
  processed: 'ImagesProcessed',
  rejected: 'ImagesRejected',
  superseded: 'ImagesSuperseded',
  vanished: 'ImagesVanished',
  deleted: 'ImagesDeleted',
};

/** One log line and one set of metrics an image: what was decided, and how long after the upload. */
export function decisionLog(logger: Logger, metrics = new Metrics({ namespace: 'Darkroom' })) {
  return async (event: UploadEvent, decide: () => Promise<Decision>): Promise<void> => {
    const subject = { correlation_id: event.correlationId, change: event.change, image: event.image };
    try {
      const decision = await decide();
      const millis = Date.now() - Date.parse(event.occurredAt);
      logger.info('Image decided', { ...subject, ...decision, millis });
      metrics.singleMetric().addMetric(metricOf[decision.outcome], MetricUnit.Count, 1);
      // Two clocks, S3's and ours: they may disagree by more than the work took.
      metrics.singleMetric().addMetric('UploadToDecision', MetricUnit.Milliseconds, Math.max(0, millis));
    } catch (error) {
      logger.error('No decision; the queue delivers the event again', { ...subject, error });
      throw error;
    }
  };
}
