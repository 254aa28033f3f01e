import { CodeDeployClient } from '@aws-sdk/client-codedeploy';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';

/** Set only on a laptop, where all services share one address, without host names per bucket or prefix. */
export const emulated = process.env['AWS_ENDPOINT_URL'] !== undefined;

// A hanging connection fails long before the function's own timeout, so that the SDK can retry.
const requestHandler = { connectionTimeout: 2_000, requestTimeout: 10_000, throwOnRequestTimeout: true };

export const s3Client = () => new S3Client({ forcePathStyle: emulated, requestHandler });

// Send requests to the endpoint, even if the queue's URL names another host.
export const sqsClient = () => new SQSClient({ requestHandler, useQueueUrlAsEndpoint: false });

export const codeDeployClient = () => new CodeDeployClient({ requestHandler });

export const dynamoDbClient = () => new DynamoDBClient({ requestHandler });

/**
 * Only for StartSyncExecution. One attempt, because an SDK retry would run a second workflow in parallel with the first;
 * the queue retries instead.
 */
export const syncExecutionClient = ({ timeoutMillis }: { readonly timeoutMillis: number }) =>
  new SFNClient({
    maxAttempts: 1,
    disableHostPrefix: emulated,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: timeoutMillis, throwOnRequestTimeout: true },
  });

/** Invokes functions and waits for their responses, each of which may take minutes. */
export const lambdaClient = ({ timeoutMillis }: { readonly timeoutMillis: number }) =>
  new LambdaClient({
    // A retry would run in parallel with a first call that is only slow.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: timeoutMillis, throwOnRequestTimeout: true },
  });
