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
    from: 'ResizeConcurrency: 102',
    to: 'ResizeConcurrency: 50',
  },
  'Warm workers in prod, more of them when they are busy': {
    file: 'template.yaml',
    from: 'MostWarmResizeWorkers: 50',
    to: 'MostWarmResizeWorkers: 100',
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
    file: 'core/retry-delay.ts',
    from: '(0.5 + options.random / 2)',
    to: '1',
  },
  'The workflow is started once a try': {
    file: 'adapters/aws/aws-clients.ts',
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
    from: 'Threshold: &near-worker-timeout 32000',
    to: 'Threshold: &near-worker-timeout 40000',
  },
  'The first dead letter rings': {
    file: 'template.yaml',
    from: '{ Name: QueueName, Value: !GetAtt UploadDeadLetterQueue.QueueName }',
    to: '{ Name: QueueName, Value: !GetAtt UploadQueue.QueueName }',
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
    from: "    Default: 'false'\n    Description: >-\n      Whether an image's GPS",
    to: "    Default: 'true'\n    Description: >-\n      Whether an image's GPS",
  },
  'Kill switch': {
    file: 'scripts/intake/intake-report.ts',
    from: 'retentionSeconds * 1000',
    to: 'retentionSeconds * 2000',
  },
  'A person’s pause wins': {
    file: 'statemachine/intake-breaker.asl.json',
    from: "$ruleState = 'DISABLED'",
    to: "$ruleState = 'GONE'",
  },
  'Redrive that says why, and what became of each': {
    file: 'scripts/redrive/redrive-verdict.ts',
    from: 'failedAnew || dead.has(',
    to: 'dead.has(',
  },
  'Error rate by metric math': {
    file: 'template.yaml',
    from: 'FILL(failed, 0) + FILL(late, 0) > 5',
    to: 'FILL(failed, 0) + FILL(late, 0) > 0',
  },
  'Anomaly detection on volume and duration': {
    file: 'template.yaml',
    from: '              MetricName: UploadToReady\n',
    to: '              MetricName: UploadToDecision\n',
  },
  'Business metrics without a call': {
    file: 'adapters/lambda/decision-log.ts',
    from: "if ('repeated' in decision) return",
    to: "if (decision.outcome === 'vanished') return",
  },
  'Metrics of two stages do not mix': {
    file: 'template.yaml',
    from: 'POWERTOOLS_SERVICE_NAME: !Ref AWS::StackName',
    to: 'POWERTOOLS_SERVICE_NAME: darkroom',
  },
  'A synthetic user': {
    file: 'core/watch/probe-pipeline.ts',
    from: "verdict: 'healthy', readyMillis: shown.readyMillis",
    to: "verdict: 'healthy', readyMillis: 0",
  },
  'Silence rings': {
    file: 'template.yaml',
    from: 'TreatMissingData: !FindInMap [Stages, !Ref Stage, ProbeAbsence]',
    to: 'TreatMissingData: notBreaching',
  },
  'One dashboard, three questions': {
    file: 'template.yaml',
    from: '"NumberOfMessagesSent", "QueueName"',
    to: '"MessagesSent", "QueueName"',
  },
  'Saved queries': {
    file: 'template.yaml',
    from: 'fields @timestamp, service, message, outcome',
    to: 'fields @timestamp, service, message, outcom',
  },
  'One correlation id in every line': {
    file: 'adapters/lambda/workflow-task.ts',
    from: '      logger.setCorrelationId(task.correlationId);\n',
    to: '',
  },
  'Traces through all steps': { file: 'template.yaml', from: '    Tracing: Active\n', to: '' },
  'Logs hold nobody’s data': {
    file: 'template.yaml',
    from: '        IncludeExecutionData: false\n',
    to: '        IncludeExecutionData: true\n',
  },
  'CodeDeploy’s role, exactly': {
    file: 'template.yaml',
    from: 'Action: [lambda:GetAlias, lambda:UpdateAlias, lambda:GetProvisionedConcurrencyConfig]',
    to: 'Action: [lambda:GetAlias, lambda:UpdateAlias, lambda:UpdateFunctionCode, lambda:GetProvisionedConcurrencyConfig]',
  },
  'Writers of uploads other than people': {
    file: 'template.yaml',
    from: '${UploadBucket.Arn}/darkroom-release/*',
    to: '${UploadBucket.Arn}/*',
  },
  'First gate: 5 % of each function': {
    file: 'template.yaml',
    from: 'CanaryPercentage: 5, CanaryInterval: 15',
    to: 'CanaryPercentage: 5, CanaryInterval: 10',
  },
  'Second gate: 20 % of the workflow': {
    file: 'template.yaml',
    from: 'Percentage: !If [ShiftsGradually, 20, !Ref AWS::NoValue]',
    to: 'Percentage: !If [ShiftsGradually, 50, !Ref AWS::NoValue]',
  },
  'A real image before any traffic': {
    file: 'template.yaml',
    from: 'PreTraffic: !If [IsAccount, !Ref CheckReleaseFunction, !Ref AWS::NoValue]',
    to: 'PostTraffic: !If [IsAccount, !Ref CheckReleaseFunction, !Ref AWS::NoValue]',
  },
  'Alarms on the new version only': {
    file: 'template.yaml',
    from: '        - { Name: ExecutedVersion, Value: !GetAtt ResizeImageFunction.Version.Version }\n',
    to: '',
  },
  'Every rollback alarm is listened to': {
    file: 'template.yaml',
    from: 'Alarms: [!Ref ImagePipelineFailedRollbackAlarm, !Ref ImagePipelineTimedOutRollbackAlarm]',
    to: 'Alarms: [!Ref ImagePipelineFailedRollbackAlarm]',
  },
  'Callers use aliases': {
    file: 'template.yaml',
    from: '        ResizeImageFunction: !Ref ResizeImageFunction.Alias\n',
    to: '        ResizeImageFunction: !GetAtt ResizeImageFunction.Arn\n',
  },
  'How a bad release dies, shown': { file: 'template.yaml', from: 'CanaryPercentage: 5,', to: 'CanaryPercentage: 10,' },
  'The template as CloudFormation gets it': {
    file: 'scripts/template/waivers.ts',
    from: 'comment: z.string().min(10)',
    to: 'comment: z.string().optional()',
  },
  'A boundary that the account owns': {
    file: 'governance/permissions-boundary.yaml',
    from: '              - s3:PutObject\n',
    to: '',
  },
  'Guardrails, rules, budget, anomalies': {
    file: 'governance/config-rules.yaml',
    from: 'SourceIdentifier: S3_BUCKET_SSL_REQUESTS_ONLY',
    to: 'SourceIdentifier: S3_BUCKET_TLS_ONLY',
  },
  'Licences that bind no fork': {
    file: 'package-lock.json',
    from: '"license": "MIT-0"',
    to: '"license": "GPL-3.0-only"',
  },
  'Histories that may go wrong at every await': {
    file: 'test/model/histories.ts',
    from: 'if (defects.size > 0) throw',
    to: 'if (defects.size > 1000) throw',
  },
  'Every call goes wrong in every way': {
    file: 'test/faults/crash-points.ts',
    from: '[false, true].flatMap((lasting)',
    to: '[false].flatMap((lasting)',
  },
  'Chaos while uploads flow': { file: 'lab/prove/chaos-plan.ts', from: 'REPEATED = 0.2', to: 'REPEATED = 0' },
  'A hostile file ends in an outcome': {
    file: 'adapters/sharp/sharp-image-codec.ts',
    from: '  rethrowMachineError(error);\n',
    to: '  throw error;\n',
  },
  'Every native limit of sharp and libvips': {
    file: 'adapters/sharp/sharp-image-codec.ts',
    from: '  sharp.cache(false);\n',
    to: '',
  },
  'What is not decided is not shown as done': {
    file: 'scripts/stack/send-uploads.ts',
    from: "outcome !== undefined && outcome !== 'failed'",
    to: 'true',
  },
  'A change in core fails a test': {
    file: 'lab/prove/mutation-proof.ts',
    from: 'LEAST_KILLED = 0.85',
    to: 'LEAST_KILLED = 0.8',
  },
  'Events that break no consumer': {
    file: 'adapters/contracts/domain-events.ts',
    from: "z.describe('When the upload bucket changed, UTC.')",
    to: "z.maxLength(9), z.describe('When the upload bucket changed, UTC.')",
  },
  'Nothing lost under load': {
    file: 'load-tests/scenarios/ramp.yml',
    from: 'changes.sent == changes.decided + changes.deadLettered',
    to: 'changes.sent >= changes.decided + changes.deadLettered',
  },
  'The presets are the bill': {
    file: 'lab/cost/prices.ts',
    from: 's3Write: { usd: 5 / MILLION',
    to: 's3Write: { usd: 6 / MILLION',
  },
};
