import type { Context } from 'aws-lambda';

/** What Lambda passes to a handler, with 30 seconds left. */
export function lambdaContext(): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'a-function',
    functionVersion: '1',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:a-function',
    memoryLimitInMB: '512',
    awsRequestId: '6ad49eb8-4ff9-4a1f-9e0a-5a6c0d6a7b0e',
    logGroupName: 'a-group',
    logStreamName: 'a-stream',
    getRemainingTimeInMillis: () => 30_000,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
