/**
 * AWS's list prices in us-east-1, in US dollars, before free tiers, volume tiers and Savings Plans.
 *
 * On {@link PRICES_OF} each was compared with a stored copy of the page named here and with two other price lists, not with a
 * live account. Check the pages before you budget with them.
 */
export const PRICES_OF = '2026-11-21';

export interface Price {
  /** As shown to readers. */
  readonly label: string;
  readonly usd: number;
  /** The unit that the price is for. */
  readonly per: string;
  readonly source: string;
}

const MILLION = 1_000_000;

const lambda = 'https://aws.amazon.com/lambda/pricing/';
const stepFunctions = 'https://aws.amazon.com/step-functions/pricing/';
const s3 = 'https://aws.amazon.com/s3/pricing/';
const dynamoDb = 'https://aws.amazon.com/dynamodb/pricing/on-demand/';
const eventBridge = 'https://aws.amazon.com/eventbridge/pricing/';
const cloudWatch = 'https://aws.amazon.com/cloudwatch/pricing/';

export const prices = {
  lambdaRequest: { label: 'Lambda requests', usd: 0.2 / MILLION, per: 'request', source: lambda },
  lambdaArm64: { label: 'Lambda on arm64', usd: 0.0000133334, per: 'GB-second', source: lambda },
  lambdaX86: { label: 'Lambda on x86_64', usd: 0.0000166667, per: 'GB-second', source: lambda },
  // Work on provisioned concurrency.
  warmArm64: {
    label: 'Lambda on arm64, provisioned, in use',
    usd: 0.0000077778,
    per: 'GB-second of work on provisioned concurrency',
    source: lambda,
  },
  warmX86: {
    label: 'Lambda on x86_64, provisioned, in use',
    usd: 0.0000097222,
    per: 'GB-second of work on provisioned concurrency',
    source: lambda,
  },
  provisionedArm64: {
    label: 'Lambda on arm64, provisioned',
    usd: 0.0000033334,
    per: 'GB-second of provisioned concurrency',
    source: lambda,
  },
  provisionedX86: {
    label: 'Lambda on x86_64, provisioned',
    usd: 0.0000041667,
    per: 'GB-second of provisioned concurrency',
    source: lambda,
  },

  expressRequest: {
    label: 'Step Functions, Express executions',
    usd: 1 / MILLION,
    per: 'execution',
    source: stepFunctions,
  },
  // The first 1,000 GB-hours of a month; the next 4,000 cost half.
  expressDuration: {
    label: 'Step Functions, Express duration',
    usd: 0.00001667,
    per: 'GB-second, in steps of 64 MB and 100 ms',
    source: stepFunctions,
  },
  standardTransition: {
    label: 'Step Functions, Standard',
    usd: 25 / MILLION,
    per: 'state transition',
    source: stepFunctions,
  },

  sqsRequest: {
    label: 'SQS',
    usd: 0.4 / MILLION,
    per: 'request of up to 64 KB',
    source: 'https://aws.amazon.com/sqs/pricing/',
  },

  // S3's object events are "opt-in data events", which, unlike management events, cost as much as custom events.
  eventBridgeDataEvent: {
    label: 'EventBridge, S3 events',
    usd: 1 / MILLION,
    per: 'event of up to 64 KB',
    source: eventBridge,
  },
  eventBridgeCustomEvent: {
    label: 'EventBridge, custom events',
    usd: 1 / MILLION,
    per: 'event of up to 64 KB',
    source: eventBridge,
  },

  s3Write: { label: 'S3 writes', usd: 5 / MILLION, per: 'PUT, COPY, POST or LIST', source: s3 },
  s3Read: { label: 'S3 reads', usd: 0.4 / MILLION, per: 'GET', source: s3 },
  s3Storage: { label: 'S3 storage', usd: 0.023, per: 'GB-month', source: s3 },

  // The first 10 TB of a month to Europe and the United States. The pipeline does not pay it; readers' downloads do.
  cloudFrontTransfer: {
    label: 'CloudFront transfer',
    usd: 0.085,
    per: 'GB sent to readers',
    source: 'https://aws.amazon.com/cloudfront/pricing/',
  },

  invalidationPath: {
    label: 'CloudFront invalidations',
    usd: 0.005,
    per: 'path, after the first 1,000 of a month',
    source: 'https://aws.amazon.com/cloudfront/pricing/',
  },

  dynamoDbWrite: { label: 'DynamoDB writes', usd: 0.625 / MILLION, per: 'write request unit, 1 KB', source: dynamoDb },
  dynamoDbRead: {
    label: 'DynamoDB reads',
    usd: 0.125 / MILLION,
    per: 'read request unit, 4 KB, strongly consistent',
    source: dynamoDb,
  },
  dynamoDbStorage: { label: 'DynamoDB storage', usd: 0.25, per: 'GB-month', source: dynamoDb },
  dynamoDbRecovery: {
    label: 'DynamoDB point-in-time recovery',
    usd: 0.2,
    per: 'GB-month of point-in-time recovery',
    source: dynamoDb,
  },

  logIngestion: { label: 'CloudWatch Logs ingestion', usd: 0.5, per: 'GB', source: cloudWatch },
  logStorage: { label: 'CloudWatch Logs storage', usd: 0.03, per: 'GB-month, compressed', source: cloudWatch },
  metric: { label: 'CloudWatch custom metrics', usd: 0.3, per: 'custom metric per month', source: cloudWatch },
  alarm: { label: 'CloudWatch alarms', usd: 0.1, per: 'alarm metric per month', source: cloudWatch },
  compositeAlarm: {
    label: 'CloudWatch composite alarms',
    usd: 0.5,
    per: 'composite alarm per month',
    source: cloudWatch,
  },
  dashboard: { label: 'CloudWatch dashboards', usd: 3, per: 'dashboard per month', source: cloudWatch },
  trace: {
    label: 'X-Ray traces',
    usd: 5 / MILLION,
    per: 'trace recorded',
    source: 'https://aws.amazon.com/xray/pricing/',
  },

  kmsRequest: {
    label: 'KMS requests',
    usd: 0.03 / 10_000,
    per: 'request',
    source: 'https://aws.amazon.com/kms/pricing/',
  },
  kmsKey: { label: 'KMS keys', usd: 1, per: 'key per month', source: 'https://aws.amazon.com/kms/pricing/' },
} as const satisfies Readonly<Record<string, Price>>;

export type PriceName = keyof typeof prices;

/** The free tier that every account has each month indefinitely (without the first year's extras). */
export const freeTier: readonly { readonly price: PriceName; readonly free: number; readonly units: string }[] = [
  { price: 'lambdaRequest', free: MILLION, units: 'requests' },
  { price: 'lambdaArm64', free: 400_000, units: 'GB-seconds' },
  { price: 'lambdaX86', free: 400_000, units: 'GB-seconds' },
  { price: 'standardTransition', free: 4000, units: 'transitions' },
  { price: 'sqsRequest', free: MILLION, units: 'requests' },
  { price: 'logIngestion', free: 5, units: 'GB' },
  { price: 'metric', free: 10, units: 'metrics' },
  { price: 'alarm', free: 10, units: 'alarm metrics' },
  { price: 'dashboard', free: 3, units: 'dashboards' },
  { price: 'trace', free: 100_000, units: 'traces' },
  { price: 'kmsRequest', free: 20_000, units: 'requests' },
];
