/** By its name in docs/practices.md: the smallest change that takes a practice away. */
export const withoutPractice: Readonly<
  Record<string, { readonly file: string; readonly from: string; readonly to: string }>
> = {
  'The pollers start no more dispatchers than may run': {
    file: 'template.yaml',
    from: 'ScalingConfig: { MaximumConcurrency: !FindInMap [Stages, !Ref Stage, Dispatchers] }',
    to: 'ScalingConfig: { MaximumConcurrency: 1000 }',
  },
  'Reserved concurrency for every function': {
    file: 'template.yaml',
    from: 'ResizeConcurrency: 200',
    to: 'ResizeConcurrency: 100',
  },
  'Warm workers in prod, more of them when they are busy': {
    file: 'template.yaml',
    from: 'MostWarmResizeWorkers: 100',
    to: 'MostWarmResizeWorkers: 200',
  },
  'Visibility timeout six times the function’s': {
    file: 'template.yaml',
    from: 'VisibilityTimeout: 1860',
    to: 'VisibilityTimeout: 310',
  },
  'Timeouts nest': {
    file: 'template.yaml',
    from: "WORKFLOW_WAIT_MILLIS: '290000'",
    to: "WORKFLOW_WAIT_MILLIS: '270000'",
  },
  'Retries in the workflow back off, with jitter': {
    file: 'statemachine/image-pipeline.asl.json',
    from: '"JitterStrategy": "FULL"',
    to: '"JitterStrategy": "NONE"',
  },
  'Failed messages come back later, with jitter': {
    file: 'core/dispatch-images.ts',
    from: '(0.5 + options.random / 2)',
    to: '1',
  },
  'The workflow is started once a try': {
    file: 'adapters/aws-clients.ts',
    from: 'maxAttempts: 1',
    to: 'maxAttempts: 3',
  },
  'Circuit breaker': { file: 'statemachine/intake-breaker.asl.json', from: '"Enabled": false', to: '"Enabled": true' },
  'Partial batch responses': {
    file: 'template.yaml',
    from: '            FunctionResponseTypes: [ReportBatchItemFailures]\n',
    to: '',
  },
  'Five receives before a message is dead': {
    file: 'template.yaml',
    from: 'maxReceiveCount: 5',
    to: 'maxReceiveCount: 1',
  },
  'A dead-letter queue for what fails': {
    file: 'template.yaml',
    from: 'MessageRetentionPeriod: 1209600',
    to: 'MessageRetentionPeriod: 345600',
  },
  'A dead-letter queue for what cannot be delivered': {
    file: 'template.yaml',
    from: '          DeadLetterConfig: { Arn: !GetAtt UndeliveredEventQueue.Arn }\n',
    to: '',
  },
  'Idempotency by what happened, not by which message told': {
    file: 'template.yaml',
    from: "IDEMPOTENCY_SECONDS: '691200'",
    to: "IDEMPOTENCY_SECONDS: '3600'",
  },
  'One conditional write decides': {
    file: 'statemachine/image-pipeline.asl.json',
    from: 'attribute_not_exists(sequencer) OR sequencer < :sequencer',
    to: 'attribute_exists(imageId) OR attribute_not_exists(imageId)',
  },
  Tombstones: { file: 'statemachine/image-pipeline.asl.json', from: '+ 60 * 86400', to: '+ 1 * 86400' },
  'Versions of uploads, kept for a month': {
    file: 'template.yaml',
    from: '            NoncurrentVersionExpiration: { NoncurrentDays: 30 }\n',
    to: '',
  },
  'Records can be restored to any second': {
    file: 'template.yaml',
    from: 'PointInTimeRecoveryEnabled: true',
    to: 'PointInTimeRecoveryEnabled: false',
  },
  'Data outlives the stack': { file: 'template.yaml', from: 'DeletionPolicy: Retain', to: 'DeletionPolicy: Delete' },
  'No loop': { file: 'template.yaml', from: '        detail: { bucket: { name: [!Ref UploadBucket] } }\n', to: '' },
  'Alarms that can ring': {
    file: 'template.yaml',
    from: 'MetricName: ExecutionsFailed',
    to: 'MetricName: ExecutionFailed',
  },
  'Alarms that say who is hurt': { file: 'template.yaml', from: '/resize-image.md', to: '/resize-images.md' },
  'Errors, throttles, p99 near the timeout, concurrency at the reserve': {
    file: 'template.yaml',
    from: 'Threshold: 32000',
    to: 'Threshold: 40000',
  },
  'The first dead letter rings': {
    file: 'template.yaml',
    from: '- { Name: QueueName, Value: !GetAtt UploadDeadLetterQueue.QueueName }',
    to: '- { Name: QueueName, Value: !GetAtt UploadQueue.QueueName }',
  },
  'One composite to be woken by': {
    file: 'template.yaml',
    from: 'ALARM("${UploadQueueAgeAlarm}")',
    to: 'ALARM("${UploadQueueOldAlarm}")',
  },
  'Logs are kept for a stated time': {
    file: 'template.yaml',
    from: '      RetentionInDays: !FindInMap [Stages, !Ref Stage, LogRetentionDays]\n',
    to: '',
  },
  'A role for each function, with exactly what it uses': {
    file: 'template.yaml',
    from: 'Action: [s3:GetObjectVersion, s3:GetObject]',
    to: 'Action: [s3:GetObjectVersion, s3:GetObject, s3:DeleteObject]',
  },
  'The workflow’s role, exactly': {
    file: 'template.yaml',
    from: 'Action: [dynamodb:PutItem, dynamodb:GetItem, dynamodb:UpdateItem]',
    to: 'Action: [dynamodb:PutItem, dynamodb:GetItem, dynamodb:UpdateItem, dynamodb:DeleteItem]',
  },
  'A permissions boundary on every role': {
    file: 'template.yaml',
    from: '      PermissionsBoundary: *boundary\n',
    to: '',
  },
  'One key of the stack’s own, renewed every year': {
    file: 'template.yaml',
    from: 'log-group:${AWS::StackName}-*',
    to: 'log-group:*',
  },
  'Encrypted alarms': { file: 'template.yaml', from: 'KmsMasterKeyId: !Ref AlarmKey', to: 'DisplayName: Alarms' },
  'TLS only': { file: 'template.yaml', from: "aws:SecureTransport: 'false'", to: "aws:SecureTransport: 'true'" },
  'Buckets are private': { file: 'template.yaml', from: 'BlockPublicPolicy: true', to: 'BlockPublicPolicy: false' },
  'Access logs': {
    file: 'template.yaml',
    from: '      LoggingConfiguration: { DestinationBucketName: !Ref AccessLogBucket, LogFilePrefix: uploads/ }\n',
    to: '',
  },
  'Code signing, where there is a profile': {
    file: 'template.yaml',
    from: 'UntrustedArtifactOnDeployment: Enforce',
    to: 'UntrustedArtifactOnDeployment: Warn',
  },
  'Resource policies name who may, for what': {
    file: 'template.yaml',
    from: '            Condition: { ArnEquals: { aws:SourceArn: !GetAtt UploadRule.Arn } }\n',
    to: '',
  },
  'Position stays out of records': {
    file: 'template.yaml',
    from: "    Default: 'false'\n    Description: Whether an image's GPS",
    to: "    Default: 'true'\n    Description: Whether an image's GPS",
  },
};
