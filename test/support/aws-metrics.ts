/**
 * The AWS metrics that the template uses, each with the sets of dimensions under which AWS publishes it. An alarm on anything
 * else never fires and looks healthy; a widget stays empty.
 */
export const awsMetrics: Readonly<Record<string, Readonly<Record<string, readonly string[][]>>>> = {
  // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
  'AWS/Lambda': byMetric(
    ['Errors', 'Throttles', 'Duration', 'ConcurrentExecutions', 'Invocations', 'IteratorAge'],
    [['FunctionName'], ['FunctionName', 'Resource'], ['ExecutedVersion', 'FunctionName', 'Resource']],
  ),
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
  'AWS/SQS': byMetric(
    [
      'ApproximateAgeOfOldestMessage',
      'ApproximateNumberOfMessagesVisible',
      'ApproximateNumberOfMessagesNotVisible',
      'NumberOfMessagesDeleted',
      'NumberOfMessagesReceived',
      'NumberOfMessagesSent',
    ],
    [['QueueName']],
  ),
  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html: RuleName alone is the default bus.
  'AWS/Events': byMetric(
    [
      'FailedInvocations',
      'InvocationAttempts',
      'InvocationsFailedToBeSentToDlq',
      'InvocationsSentToDlq',
      'RetryInvocationAttempts',
    ],
    [['RuleName']],
  ),
  // https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
  // Version is the number at the end of the version's ARN, for executions started by an alias or a version.
  'AWS/States': {
    ...byMetric(['ExecutionsFailed', 'ExecutionsTimedOut'], [['StateMachineArn'], ['StateMachineArn', 'Version']]),
    ...byMetric(
      // Not ExecutionThrottled: it counts state transitions, which EXPRESS does not limit. A throttled StartSyncExecution
      // starts no execution; the dispatcher counts it in AttemptsFailed.
      ['ExecutionsStarted', 'ExecutionTime', 'ExpressExecutionBilledDuration'],
      [['StateMachineArn']],
    ),
  },
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
  'AWS/DynamoDB': {
    ...byMetric(
      ['WriteThrottleEvents', 'ReadThrottleEvents', 'ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits'],
      [['TableName']],
    ),
    ...byMetric(['SystemErrors', 'ThrottledRequests'], [['Operation', 'TableName']]),
  },
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
  'AWS/Logs': byMetric(['IncomingBytes'], [['LogGroupName']]),
};

/** CloudWatch publishes a minute's metrics after a minute or two. */
export const METRIC_DELAY_SECONDS = 120;

function byMetric(metrics: readonly string[], dimensions: readonly string[][]): Record<string, readonly string[][]> {
  return Object.fromEntries(metrics.map((metric) => [metric, dimensions]));
}
