/**
 * AWS's list prices in us-east-1, in US dollars, before free tiers, volume tiers and Savings Plans.
 *
 * On {@link PRICES_OF} each was compared with a stored copy of the page named here and with two other price lists, not with a
 * live account. Check the pages before you budget with them.
 */
export const PRICES_OF = '2026-11-21';

export interface Price {
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
  lambdaRequest: { usd: 0.2 / MILLION, per: 'request', source: lambda },
  lambdaArm64: { usd: 0.0000133334, per: 'GB-second', source: lambda },
  lambdaX86: { usd: 0.0000166667, per: 'GB-second', source: lambda },
  // Work on provisioned concurrency.
  warmArm64: { usd: 0.0000077778, per: 'GB-second of work on provisioned concurrency', source: lambda },
  warmX86: { usd: 0.0000097222, per: 'GB-second of work on provisioned concurrency', source: lambda },
  provisionedArm64: { usd: 0.0000033334, per: 'GB-second of provisioned concurrency', source: lambda },
  provisionedX86: { usd: 0.0000041667, per: 'GB-second of provisioned concurrency', source: lambda },

  expressRequest: { usd: 1 / MILLION, per: 'execution', source: stepFunctions },
  // The first 1,000 GB-hours of a month; the next 4,000 cost half.
  expressDuration: { usd: 0.00001667, per: 'GB-second, in steps of 64 MB and 100 ms', source: stepFunctions },
  standardTransition: { usd: 25 / MILLION, per: 'state transition', source: stepFunctions },

  sqsRequest: { usd: 0.4 / MILLION, per: 'request of up to 64 KB', source: 'https://aws.amazon.com/sqs/pricing/' },

  // S3's object events are "opt-in data events", which, unlike management events, cost as much as custom events.
  eventBridgeDataEvent: { usd: 1 / MILLION, per: 'event of up to 64 KB', source: eventBridge },
  eventBridgeCustomEvent: { usd: 1 / MILLION, per: 'event of up to 64 KB', source: eventBridge },

  s3Write: { usd: 5 / MILLION, per: 'PUT, COPY, POST or LIST', source: s3 },
  s3Read: { usd: 0.4 / MILLION, per: 'GET', source: s3 },
  s3Storage: { usd: 0.023, per: 'GB-month', source: s3 },

  // The first 10 TB of a month to Europe and the United States. The pipeline does not pay it; readers' downloads do.
  cloudFrontTransfer: { usd: 0.085, per: 'GB sent to readers', source: 'https://aws.amazon.com/cloudfront/pricing/' },

  dynamoDbWrite: { usd: 0.625 / MILLION, per: 'write request unit, 1 KB', source: dynamoDb },
  dynamoDbRead: { usd: 0.125 / MILLION, per: 'read request unit, 4 KB, strongly consistent', source: dynamoDb },
  dynamoDbStorage: { usd: 0.25, per: 'GB-month', source: dynamoDb },
  dynamoDbRecovery: { usd: 0.2, per: 'GB-month of point-in-time recovery', source: dynamoDb },

  logIngestion: { usd: 0.5, per: 'GB', source: cloudWatch },
  logStorage: { usd: 0.03, per: 'GB-month, compressed', source: cloudWatch },
  metric: { usd: 0.3, per: 'custom metric and month', source: cloudWatch },
  alarm: { usd: 0.1, per: 'alarm metric and month', source: cloudWatch },
  compositeAlarm: { usd: 0.5, per: 'composite alarm and month', source: cloudWatch },
  dashboard: { usd: 3, per: 'dashboard and month', source: cloudWatch },
  trace: { usd: 5 / MILLION, per: 'trace recorded', source: 'https://aws.amazon.com/xray/pricing/' },

  kmsRequest: { usd: 0.03 / 10_000, per: 'request', source: 'https://aws.amazon.com/kms/pricing/' },
  kmsKey: { usd: 1, per: 'key and month', source: 'https://aws.amazon.com/kms/pricing/' },
} as const satisfies Readonly<Record<string, Price>>;

export type PriceName = keyof typeof prices;

/** The free tier that every account has each month indefinitely (without the first year's extras). */
export const freeTier: readonly { readonly price: PriceName; readonly free: number }[] = [
  { price: 'lambdaRequest', free: MILLION },
  { price: 'lambdaArm64', free: 400_000 },
  { price: 'lambdaX86', free: 400_000 },
  { price: 'standardTransition', free: 4000 },
  { price: 'sqsRequest', free: MILLION },
  { price: 'logIngestion', free: 5 },
  { price: 'metric', free: 10 },
  { price: 'alarm', free: 10 },
  { price: 'dashboard', free: 3 },
  { price: 'trace', free: 100_000 },
  { price: 'kmsRequest', free: 20_000 },
];
