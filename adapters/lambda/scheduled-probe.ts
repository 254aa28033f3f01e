import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import { metricNamespace } from '../../core/names.ts';
import type { ProbeVerdict } from '../../core/watch/probe-pipeline.ts';

/**
 * A Lambda handler for the schedule: one log line and one set of metrics per probe. ProbeFailed, 0 or 1, also shows that a
 * probe ran at all.
 */
export function scheduledProbe(probe: () => Promise<ProbeVerdict>) {
  const logger = new Logger();
  const metrics = new Metrics({ namespace: metricNamespace });
  return async (_schedule: unknown, context: Context): Promise<ProbeVerdict> => {
    logger.addContext(context);
    const verdict = await probe();
    const { correlationId, ...fields } = verdict;
    const line = { correlation_id: correlationId, ...fields };
    switch (verdict.verdict) {
      case 'healthy':
        logger.info('Probe succeeded', line);
        metrics.addMetric('ProbeFailed', MetricUnit.Count, 0);
        metrics.addMetric('ProbeUploadToReady', MetricUnit.Milliseconds, Math.round(verdict.readyMillis));
        break;
      case 'failed':
        // `message` is reserved for the log line's own message.
        logger.error('Probe failed', { ...line, message: undefined, fault: verdict.message });
        metrics.addMetric('ProbeFailed', MetricUnit.Count, 1);
        break;
    }
    metrics.publishStoredMetrics();
    return verdict;
  };
}
