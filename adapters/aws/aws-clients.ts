import { CodeDeployClient } from '@aws-sdk/client-codedeploy';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';

// Set on a laptop only: there every service answers at one address, without a host name for each bucket or prefix.
const emulated = process.env['AWS_ENDPOINT_URL'] !== undefined;

// A connection that hangs is given up long before the function's own timeout, so that the SDK can try another.
const requestHandler = { connectionTimeout: 2_000, requestTimeout: 10_000, throwOnRequestTimeout: true };

export const s3Client = () => new S3Client({ forcePathStyle: emulated, requestHandler });

// The endpoint decides where requests go, also where a queue's URL names another host for it.
export const sqsClient = () => new SQSClient({ requestHandler, useQueueUrlAsEndpoint: false });

export const codeDeployClient = () => new CodeDeployClient({ requestHandler });

export const dynamoDbClient = () => new DynamoDBClient({ requestHandler });

/**
 * For StartSyncExecution alone: one try, since the SDK's silent retries would run a second workflow beside the first.
 * The queue tries again.
 */
export const syncExecutionClient = ({ timeoutMillis }: { readonly timeoutMillis: number }) =>
  new SFNClient({
    maxAttempts: 1,
    disableHostPrefix: emulated,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: timeoutMillis, throwOnRequestTimeout: true },
  });

/** Calls functions and waits for their answers, each of which may take minutes. */
export const lambdaClient = ({ timeoutMillis }: { readonly timeoutMillis: number }) =>
  new LambdaClient({
    // A second call would begin beside a first one that is only slow.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: timeoutMillis, throwOnRequestTimeout: true },
  });
