/**
 * List prices of AWS in us-east-1, in US dollars, before free tiers and volume discounts: those that the pipeline has no use for.
 * scripts/stack/prices.ts has the others. On {@link PRICES_OF} each was compared with public guides that quote the page named here, and
 * CloudFront's with a copy of the page, not with a live account. Check the pages before you budget with them.
 */
import type { requestPrices } from '../../scripts/stack/prices.ts';

export const PRICES_OF = '2026-11-29';

interface Price {
  /** As shown to readers. */
  readonly label: string;
  readonly usd: number;
  readonly per: string;
  readonly source: string;
}

const MILLION = 1_000_000;
const apiGateway = 'https://aws.amazon.com/api-gateway/pricing/';
const cloudFront = 'https://aws.amazon.com/cloudfront/pricing/';
const lambda = 'https://aws.amazon.com/lambda/pricing/';
const dynamoDb = 'https://aws.amazon.com/dynamodb/pricing/on-demand/';
const s3 = 'https://aws.amazon.com/s3/pricing/';
const cloudWatch = 'https://aws.amazon.com/cloudwatch/pricing/';
const waf = 'https://aws.amazon.com/waf/pricing/';

export const prices = {
  apiCall: { label: 'API Gateway, REST API', usd: 3.5 / MILLION, per: 'call', source: apiGateway },
  liveMessage: {
    label: 'API Gateway, WebSocket API',
    usd: 1 / MILLION,
    per: 'message of up to 32 KB',
    source: apiGateway,
  },
  liveMinute: {
    label: 'API Gateway, connections',
    usd: 0.25 / MILLION,
    per: 'minute of a connection',
    source: apiGateway,
  },
  responseCache: { label: 'API Gateway, cache of 0.5 GB', usd: 0.02, per: 'hour', source: apiGateway },
  cloudFrontRequest: { label: 'CloudFront requests', usd: 1 / MILLION, per: 'HTTPS request', source: cloudFront },
  cloudFrontTransfer: { label: 'CloudFront transfer', usd: 0.085, per: 'GB sent to readers', source: cloudFront },
  cloudFrontFunction: { label: 'CloudFront Functions', usd: 0.1 / MILLION, per: 'call', source: cloudFront },
  transferOut: {
    label: 'Transfer from S3 to the internet',
    usd: 0.09,
    per: 'GB',
    source: s3,
  },
  firewall: { label: 'WAF, web ACL', usd: 5, per: 'web ACL per month', source: waf },
  firewallRule: { label: 'WAF, rules', usd: 1, per: 'rule or rule group per month', source: waf },
  firewallRequest: { label: 'WAF, requests', usd: 0.6 / MILLION, per: 'request', source: waf },
  secret: {
    label: 'Secrets Manager',
    usd: 0.4,
    per: 'secret per month',
    source: 'https://aws.amazon.com/secrets-manager/pricing/',
  },
} as const satisfies Readonly<Record<string, Price>>;

/** Of scripts/stack/prices.ts, those that a gallery costs. */
export const sharedPrices = [
  { name: 'functionRequest', label: 'Lambda requests', per: 'request', source: lambda },
  { name: 'functionGigabyteSecond', label: 'Lambda on arm64', per: 'GB-second', source: lambda },
  { name: 'dynamoDbWrite', label: 'DynamoDB writes', per: 'write request unit, 1 KB', source: dynamoDb },
  { name: 'dynamoDbRead', label: 'DynamoDB reads', per: 'read request unit, 4 KB', source: dynamoDb },
  { name: 's3Write', label: 'S3 writes', per: 'PUT or POST', source: s3 },
  { name: 's3Read', label: 'S3 reads', per: 'GET', source: s3 },
  { name: 'sqsRequest', label: 'SQS', per: 'request', source: 'https://aws.amazon.com/sqs/pricing/' },
  {
    name: 'customEvent',
    label: 'EventBridge',
    per: 'custom event',
    source: 'https://aws.amazon.com/eventbridge/pricing/',
  },
  { name: 'logGigabyte', label: 'CloudWatch Logs', per: 'GB', source: cloudWatch },
  { name: 'alarmMonth', label: 'CloudWatch alarms', per: 'alarm metric per month', source: cloudWatch },
  { name: 'dashboardMonth', label: 'CloudWatch dashboards', per: 'dashboard per month', source: cloudWatch },
  { name: 'trace', label: 'X-Ray', per: 'trace recorded', source: 'https://aws.amazon.com/xray/pricing/' },
] as const satisfies readonly (Omit<Price, 'usd'> & { readonly name: keyof typeof requestPrices })[];

/** What every account has free in each month, indefinitely. */
export const freeEachMonth = {
  cloudFrontRequests: 10 * MILLION,
  cloudFrontGigabytes: 1000,
  cloudFrontFunctionCalls: 2 * MILLION,
  /** Of all services together. */
  transferOutGigabytes: 100,
} as const;
