import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import { metricNamespace } from '../../core/names.ts';
import type { ProbeVerdict } from '../../core/watch/probe-pipeline.ts';

/**
 * A Lambda handler for the schedule: one log line and one set of metrics a probe. That a probe ran at all is told by
 * ProbeFailed, 0 or 1.
 */
export function scheduledProbe(probe: () => Promise<ProbeVerdict>) {
  const logger = new Logger();
  const metrics = new Metrics({ namespace: metricNamespace });
  return async (_schedule: unknown, context: Context): Promise<ProbeVerdict> => {
    logger.addContext(context);
    const verdict = await probe();
    const { correlationId, ...told } = verdict;
    const line = { correlation_id: correlationId, ...told };
    switch (verdict.verdict) {
      case 'healthy':
        logger.info('The pipeline serves', line);
        metrics.addMetric('ProbeFailed', MetricUnit.Count, 0);
        metrics.addMetric('ProbeUploadToReady', MetricUnit.Milliseconds, Math.round(verdict.readyMillis));
        break;
      case 'failed':
        // Not `message`: that is the line's own.
        logger.error('The pipeline does not serve', { ...line, message: undefined, fault: verdict.message });
        metrics.addMetric('ProbeFailed', MetricUnit.Count, 1);
        break;
    }
    metrics.publishStoredMetrics();
    return verdict;
  };
}
