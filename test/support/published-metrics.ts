import { Logger } from '@aws-lambda-powertools/logger';
import { SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import * as z from 'zod';
import { decisionLog } from '../../adapters/lambda/decision-log.ts';
import { scheduledProbe } from '../../adapters/lambda/scheduled-probe.ts';
import { sqsUploads } from '../../adapters/lambda/sqs-uploads.ts';
import { probePrefix } from '../../core/names.ts';
import { rejectionReasons } from '../../core/outcome.ts';
import type { Decision, RepeatedDecision } from '../../core/ports.ts';
import type { ProbeVerdict } from '../../core/watch/probe-pipeline.ts';
import { lambdaContext } from './lambda-context.ts';
import { createdEvent } from './upload-events.ts';

export const embeddedMetrics = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string() })),
      }),
    ),
  }),
});

export interface PublishedMetric {
  readonly namespace: string;
  readonly metric: string;
  readonly unit: string;
  readonly dimensions: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

/** The metrics that CloudWatch extracts from log lines in embedded metric format: one per metric and set of dimensions. */
export function publishedMetrics(lines: readonly unknown[]): PublishedMetric[] {
  return lines.flatMap((line) => {
    const values = embeddedMetrics.parse(line);
    return values._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
      Metrics.flatMap(({ Name, Unit }) =>
        Dimensions.map((names) => ({
          namespace: Namespace,
          metric: Name,
          unit: Unit,
          dimensions: Object.fromEntries(names.map((name) => [name, values[name]])),
          value: values[Name],
        })),
      ),
    );
  });
}

const decisions: readonly (Decision | RepeatedDecision)[] = [
  { outcome: 'processed', bytesOut: 1 },
  { outcome: 'processed', repeated: true },
  ...rejectionReasons.map((reason): Decision => ({ outcome: 'rejected', reason })),
  { outcome: 'superseded' },
  { outcome: 'vanished' },
  { outcome: 'deleted' },
];

const probe = { key: `${probePrefix}1.jpg`, imageId: 'c0ffee' };
const verdicts: readonly ProbeVerdict[] = [
  { ...probe, verdict: 'healthy', readyMillis: 1 },
  { ...probe, verdict: 'failed', reason: 'late', message: 'No record appeared.' },
];

/** Runs the code through every outcome of an image and a probe, so that every metric it can publish is in the log. */
export async function publishEverything(): Promise<void> {
  for (const verdict of verdicts) await scheduledProbe(async () => verdict)({}, lambdaContext());
  const context = lambdaContext();
  const objective = { readyWithinSeconds: 60 };
  const delivery = { context, setAside: async () => undefined };
  for (const decision of decisions) {
    const handle = decisionLog(new Logger(), objective, async () => decision);
    await handle(createdEvent(), { ...delivery, lastAttempt: false });
  }
  const fail = decisionLog(new Logger(), objective, () => Promise.reject(new Error('failed')));
  await fail(createdEvent(), { ...delivery, lastAttempt: true }).catch(() => undefined);
  await refuseForgery().catch(() => undefined);
}

async function refuseForgery(): Promise<void> {
  const sqs = mockClient(SQSClient);
  const client = new SQSClient({ region: 'us-east-1' });
  const options = {
    client,
    queueUrl: 'https://queue',
    overflowUrl: 'https://overflow',
    uploadBuckets: ['uploads'],
    maxReceiveCount: 5,
    retryBaseSeconds: 1,
  };
  const attributes = { ApproximateReceiveCount: '1', SentTimestamp: '0', SenderId: 'neighbour' };
  const record = {
    ...{ messageId: 'forged', receiptHandle: 'receipt', body: '{}', messageAttributes: {}, md5OfBody: '' },
    ...{ eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:uploads', awsRegion: 'us-east-1' },
    attributes: { ...attributes, ApproximateFirstReceiveTimestamp: '0' },
  };
  try {
    await sqsUploads(async () => undefined, { ...options, logger: new Logger() })(
      { Records: [record] },
      lambdaContext(),
    );
  } finally {
    sqs.restore();
  }
}
