import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { MetricUnit as Unit } from '@aws-lambda-powertools/metrics/types';
import type { UploadEvent } from '../../core/image.ts';
import { metricNamespace, probePrefix, releaseCheckPrefix } from '../../core/names.ts';
import type { DecidedOutcome } from '../../core/outcome.ts';
import type { Decision, FolderDecision, RepeatedDecision, SetAside } from '../../core/ports.ts';
import type { Delivery, HandleUpload } from './sqs-uploads.ts';

type Measure = readonly [metric: string, unit: Unit, value: number];

const counterOf: Readonly<Record<DecidedOutcome, string>> = {
  processed: 'ImagesProcessed',
  rejected: 'ImagesRejected',
  superseded: 'ImagesSuperseded',
  vanished: 'ImagesVanished',
  deleted: 'ImagesDeleted',
};

/** Decides an upload, or throws if there is no decision. */
type DecideUpload = (
  event: UploadEvent,
  delivery: Delivery,
) => Promise<Decision | RepeatedDecision | FolderDecision | SetAside>;

/**
 * Adds one log line and one set of metrics per attempt: the decision and the time since the upload, or the failure.
 * docs/observability.md explains each metric; tests compare alarms and dashboard with what is published here.
 *
 * @param objective.readyWithinSeconds an upload that takes longer misses it, as one that fails does (docs/decisions/0016)
 */
export function decisionLog(
  logger: Logger,
  { readyWithinSeconds }: { readonly readyWithinSeconds: number },
  decide: DecideUpload,
): HandleUpload {
  const metrics = new Metrics({ namespace: metricNamespace });
  // No await between the first metric and the last: the messages of a batch share `metrics`.
  const publish = ({ correlationId, image }: UploadEvent, measures: readonly Measure[], reason?: string) => {
    // Only users' images count: the probe publishes its own metrics, and a release check shows in its deployment.
    if ([probePrefix, releaseCheckPrefix].some((prefix) => image.key.startsWith(prefix))) return;
    for (const measure of measures) metrics.addMetric(...measure);
    // Published twice: without the reason, and by reason.
    if (reason !== undefined) metrics.addDimensions({}).addDimensions({ reason });
    metrics.addMetadata('correlation_id', correlationId).addMetadata('imageId', image.imageId).publishStoredMetrics();
  };

  return async (event, delivery) => {
    const { lastAttempt } = delivery;
    const subject = { correlation_id: event.correlationId, change: event.change, image: event.image };
    const objective = (missed: boolean): readonly Measure[] =>
      hasObjective(event, delivery) ? [['ObjectiveMissed', MetricUnit.Count, Number(missed)]] : [];
    try {
      const decision = await decide(event, delivery);
      if ('setAside' in decision) {
        logger.info('Upload set aside: its sender has as many in progress as one sender may', {
          ...subject,
          sender: decision.sender,
        });
        return;
      }
      // S3's clock and ours may differ by more than the work took.
      const millis = Math.max(0, Date.now() - Date.parse(event.occurredAt));
      if (decision.outcome === 'folder') return logger.info('Folder, not an upload', { ...subject, ...decision });
      logger.info('Image decided', { ...subject, ...decision, millis });
      const measures = measuresOf(event, decision, millis);
      const shown = decision.outcome === 'processed' && !('repeated' in decision);
      publish(
        event,
        shown ? [...measures, ...objective(millis > 1000 * readyWithinSeconds)] : measures,
        'reason' in decision ? decision.reason : undefined,
      );
    } catch (error) {
      logger.error('No decision; the message returns to the queue', { ...subject, lastAttempt, error });
      publish(event, [
        ['AttemptsFailed', MetricUnit.Count, 1],
        ...(lastAttempt ? [['ImagesFailed', MetricUnit.Count, 1] as const, ...objective(true)] : []),
      ]);
      throw error;
    }
  };
}

/** Not for what its sender must wait for, because it has more in progress than one sender may; and once for each upload. */
function hasObjective({ change }: UploadEvent, { setAside, redriven }: Delivery): boolean {
  return change === 'created' && setAside !== undefined && redriven !== true;
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
