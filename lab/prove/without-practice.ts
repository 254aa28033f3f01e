import type { Change } from './take-away.ts';

const propertyOf = (resource: string, ...path: Extract<Change, { path: unknown }>['path']) => [
  'Resources',
  resource,
  'Properties',
  ...path,
];

const expiryOfVersions = propertyOf(
  'UploadBucket',
  'LifecycleConfiguration',
  'Rules',
  { Id: 'expire-replaced-versions' },
  'NoncurrentVersionExpiration',
);

/** For each practice of docs/practices.md, by name: the smallest change that removes it. */
export const withoutPractice: Readonly<Record<string, Change>> = {
  'Pollers start no more dispatchers than can run': {
    file: 'template.yaml',
    path: propertyOf(
      'DispatchImagesFunction',
      'Events',
      'Uploads',
      'Properties',
      'ScalingConfig',
      'MaximumConcurrency',
    ),
    value: 1000,
  },
  'Reserved concurrency for every function': {
    file: 'template.yaml',
    path: ['Mappings', 'Stages', 'prod', 'ResizeConcurrency'],
    value: 50,
  },
  'Warm workers in prod, scaled by use': {
    file: 'template.yaml',
    path: ['Mappings', 'Stages', 'prod', 'MostWarmResizeWorkers'],
    value: 100,
  },
  'Warm workers that can be switched off': {
    file: 'scripts/warm/warm-workers.ts',
    from: "if (inTemplate) await changeParameters(stack, { [PARAMETER]: 'false' });",
    to: '',
  },
  'Visibility timeout of six times the function timeout': {
    file: 'template.yaml',
    path: propertyOf('UploadQueue', 'VisibilityTimeout'),
    value: 310,
  },
  'Nested timeouts': {
    file: 'template.yaml',
    path: propertyOf('DispatchImagesFunction', 'Environment', 'Variables', 'WORKFLOW_WAIT_MILLIS'),
    value: '270000',
  },
  'Workflow retries with backoff and jitter': {
    file: 'statemachine/image-pipeline.asl.json',
    path: ['States', 'Announce', 'Retry', 0, 'JitterStrategy'],
    remove: true,
  },
  'A file that kills two workers is rejected': {
    file: 'statemachine/image-pipeline.asl.json',
    path: [
      'States',
      'ProcessImage',
      'Branches',
      1,
      'States',
      'EachRenditionGroup',
      'ItemProcessor',
      'States',
      'ResizeImage',
      'Catch',
    ],
    remove: true,
  },
  'A separate deadline for S3': {
    file: 'adapters/aws/s3-deadline.ts',
    from: 'Promise.race([call(abort.signal), late.promise])',
    to: 'call(abort.signal)',
  },
  'Failed messages return later, with jitter': {
    file: 'core/retry-delay.ts',
    from: '(0.5 + options.random / 2)',
    to: '1',
  },
  'One workflow start per attempt': {
    file: 'adapters/aws/aws-clients.ts',
    from: 'maxAttempts: 1',
    to: 'maxAttempts: 3',
  },
  'Circuit breaker': {
    file: 'statemachine/intake-breaker.asl.json',
    path: ['States', 'Open', 'Arguments', 'Enabled'],
    value: true,
  },
  'One sender cannot open the circuit breaker': {
    file: 'statemachine/intake-breaker.asl.json',
    path: ['StartAt'],
    value: 'Open',
  },
  'Partial batch responses': {
    file: 'template.yaml',
    path: propertyOf('DispatchImagesFunction', 'Events', 'Uploads', 'Properties', 'FunctionResponseTypes'),
    remove: true,
  },
  'Five receives before the dead-letter queue': {
    file: 'template.yaml',
    path: propertyOf('UploadQueue', 'RedrivePolicy', 'maxReceiveCount'),
    value: 1,
  },
  'Dead-letter queue for failed messages': {
    file: 'template.yaml',
    path: propertyOf('UploadDeadLetterQueue', 'MessageRetentionPeriod'),
    value: 345600,
  },
  'Dead-letter queue for undeliverable events': {
    file: 'template.yaml',
    path: propertyOf('UploadRule', 'Targets', { Id: 'UploadQueue' }, 'DeadLetterConfig'),
    remove: true,
  },
  'Idempotency keyed by the event, not the message': {
    file: 'template.yaml',
    path: propertyOf('DispatchImagesFunction', 'Environment', 'Variables', 'IDEMPOTENCY_SECONDS'),
    value: '3600',
  },
  'One conditional write decides': {
    file: 'statemachine/image-pipeline.asl.json',
    path: ['States', 'WriteRecord', 'Arguments', 'ConditionExpression'],
    from: 'attribute_not_exists(sequencer) OR sequencer < :sequencer',
    to: 'attribute_exists(imageId) OR attribute_not_exists(imageId)',
  },
  Tombstones: {
    file: 'statemachine/image-pipeline.asl.json',
    path: ['States', 'Begin', 'Assign', 'tombstoneUntil'],
    from: '+ 60 * 86400',
    to: '+ 1 * 86400',
  },
  'Versions of uploads, kept for a month': {
    file: 'template.yaml',
    path: expiryOfVersions,
    remove: true,
  },
  'Point-in-time recovery': {
    file: 'template.yaml',
    path: propertyOf('ImageTable', 'PointInTimeRecoverySpecification', 'PointInTimeRecoveryEnabled'),
    value: false,
  },
  'Deletions by a lifecycle rule count': {
    file: 'core/image.ts',
    from: 'return assigned < happened ? happened : assigned;',
    to: 'return happened > assigned ? assigned : assigned;',
  },
  'What outlives the stack stays protected': {
    file: 'template.yaml',
    path: ['Resources', 'RenditionBucketPolicy', 'DeletionPolicy'],
    remove: true,
  },
  'Records are protected from deletion in prod': {
    file: 'governance/stack-policy.json',
    path: ['Statement', 1, 'Resource', 'LogicalResourceId/ImageTable'],
    remove: true,
  },
  'A deletion that does not stop half-way': {
    file: 'scripts/teardown/foreign-rules.ts',
    from: 'while (NextToken !== undefined)',
    to: 'while (false)',
  },
  'Data outlives the stack': {
    file: 'template.yaml',
    path: ['Resources', 'ImageTable', 'DeletionPolicy'],
    value: 'Delete',
  },
  'No recursion': {
    file: 'template.yaml',
    path: propertyOf('UploadRule', 'EventPattern', '$or', 0, 'detail'),
    remove: true,
  },
  'Policies are checked by IAM Access Analyzer': {
    file: 'scripts/policies/check-policies.ts',
    from: "kind === 'public' || ",
    to: '',
  },
  'An infected image is withdrawn': {
    file: 'statemachine/image-pipeline.asl.json',
    path: ['States', 'WithdrawVersion', 'Arguments', 'ConditionExpression'],
    from: 'version = :version AND ',
    to: '',
  },
  'Verdicts from GuardDuty only': {
    file: 'template.yaml',
    path: propertyOf('UploadRule', 'EventPattern', '$or', 1, 'account'),
    remove: true,
  },
  'An infected original cannot be opened': {
    file: 'template.yaml',
    path: propertyOf('UploadBucketPolicy', 'PolicyDocument', 'Statement', { Sid: 'RefuseInfected' }),
    remove: true,
  },
  'An audit trail that cannot be changed': {
    file: 'governance/audit-trail.yaml',
    path: propertyOf('AuditBucket', 'ObjectLockConfiguration', 'Rule'),
    remove: true,
  },
  'Backups that are restored every month': {
    file: 'governance/backup.yaml',
    path: propertyOf('BackupVault', 'LockConfiguration'),
    remove: true,
  },
  'An audit every week': {
    file: 'governance/weekly-audit.yaml',
    path: propertyOf('AuditFailedAlarm', 'DatapointsToAlarm'),
    remove: true,
  },
  'Experiments that end when the paging alarm fires': {
    file: 'governance/experiments.yaml',
    path: propertyOf('DenyExperiment', 'StopConditions', 0, 'Source'),
    value: 'none',
  },
  'A rendition says what it was made with': {
    file: 'core/settings.ts',
    from: 'effort === undefined ? undefined : `e${effort}`',
    to: 'undefined',
  },
  'An audit that looks twice': {
    file: 'scripts/audit/looks.ts',
    from: 'if (stateOf(facts) !== state) return;',
    to: '',
  },
  'A repair loses against every later change': {
    file: 'core/image.ts',
    from: '+ 1n',
    to: '+ (1n << 100n)',
  },
  'An erasure begins with a tombstone and ends with a second look': {
    file: 'core/erase.ts',
    from: "  'await tombstone',\n  'remove versions',",
    to: "  'remove versions',\n  'await tombstone',",
  },
  'Images follow a change of presets, and uploads come first': {
    file: 'core/rerender.ts',
    from: 'sequencer: nextSequencer(record.sequencer)',
    to: 'sequencer: record.sequencer',
  },
  'A backfill has the lowest place of its second': {
    file: 'core/backfill.ts',
    from: 'sequencer: sequencerAt(upload.storedAt)',
    to: 'sequencer: sequencerAt(new Date(Date.parse(upload.storedAt) + 3_600_000).toISOString())',
  },
  'The first of many images is a trial': {
    file: 'scripts/backfill/backfill-stack.ts',
    from: "if (outcome !== 'failed') return;",
    to: 'if (outcome !== undefined) return;',
  },
  'A workflow that backfills leaves room for uploads': {
    file: 'core/backfill-images.ts',
    from: 'roomFor(await ports.overflowQueue.waiting(), perSecond)',
    to: 'items.length + roomFor(await ports.overflowQueue.waiting(), perSecond)',
  },
  'What may send events is deployed on request': {
    file: 'template.yaml',
    path: ['Resources', 'BackfillImagesRole', 'Condition'],
    remove: true,
  },
  'A copy never replaces an upload': {
    file: 'scripts/backfill/copy-objects.ts',
    from: "IfNoneMatch: '*',",
    to: '',
  },
  'An adopted bucket is read, and never written': {
    file: 'template.yaml',
    path: propertyOf(
      'ExtractMetadataRole',
      ...['Policies', 0, 'PolicyDocument', 'Statement', 2, 'Fn::If', 1, 'Action'],
    ),
    value: ['s3:GetObjectVersion', 's3:GetObject', 's3:PutObject'],
  },
  'Alarms on metrics that exist': {
    file: 'template.yaml',
    path: propertyOf('ImagePipelineFailedAlarm', 'MetricName'),
    value: 'ExecutionFailed',
  },
  'Alarms that state the user impact': {
    file: 'template.yaml',
    path: propertyOf('ResizeImageErrorsAlarm', 'AlarmDescription', 'Fn::Sub'),
    from: '/resize-image.md',
    to: '/resize-images.md',
  },
  'Errors, throttles, duration and concurrency of every step': {
    file: 'template.yaml',
    path: propertyOf('ResizeImageDurationAlarm', 'Threshold'),
    value: 40000,
  },
  'Few alarms page, the rest inform': {
    file: 'template.yaml',
    path: propertyOf('ImagePipelineFailedAlarm', 'AlarmActions', 0, 'Ref'),
    value: 'PageTopic',
  },
  'A page before dead letters expire': {
    file: 'template.yaml',
    path: propertyOf('UploadDeadLetterQueueAgeAlarm', 'Threshold'),
    value: 864000,
  },
  'An alarm on EventBridge’s silent retries': {
    file: 'template.yaml',
    path: propertyOf('UploadRuleRetriesAlarm', 'Metrics', { Id: 'retries' }, 'MetricStat', 'Metric', 'MetricName'),
    value: 'FailedInvocations',
  },
  'An objective with an error budget': {
    file: 'template.yaml',
    path: propertyOf('DispatchImagesFastBurnHourAlarm', 'Metrics', { Id: 'share' }, 'Expression'),
    from: '>= 5',
    to: '>= 1',
  },
  'Users’ traffic apart from probes': {
    file: 'adapters/lambda/decision-log.ts',
    from: '[probePrefix, releaseCheckPrefix].some',
    to: '[releaseCheckPrefix, `${probePrefix}-`].some',
  },
  'A development stage that costs little while idle': {
    file: 'template.yaml',
    path: ['Mappings', 'Stages', 'dev', 'WatchesClosely'],
    value: 'true',
  },
  'Warm workers are scaled down after a burst': {
    file: 'template.yaml',
    path: ['Conditions', 'ProbesOften', 'Fn::Or', 1, 'Condition'],
    value: 'WatchesClosely',
  },
  'A page each time that dead letters arrive': {
    file: 'template.yaml',
    path: propertyOf('UploadDeadLetterQueueGrowthAlarm', 'Metrics', { Id: 'arrived' }, 'Expression'),
    value: 'FILL(letters, 0)',
  },
  'One composite alarm for the pager': {
    file: 'template.yaml',
    path: propertyOf('UsersAffectedAlarm', 'AlarmRule', 'Fn::Sub'),
    from: 'ALARM("${UploadQueueAgeAlarm}")',
    to: 'ALARM("${UploadQueueOldAlarm}")',
  },
  'Log retention': {
    file: 'template.yaml',
    path: propertyOf('DispatchImagesLogGroup', 'RetentionInDays'),
    remove: true,
  },
  'The probe follows the gates': {
    file: 'template.yaml',
    path: ['Resources', 'ProbePipelineFunction', 'DependsOn'],
    remove: true,
  },
  'A rendition group can be renamed': {
    file: 'core/resize-image.ts',
    from: '?.replacedBy ?? [name]',
    to: '?.replacedBy.slice(1) ?? [name]',
  },
  'Runtime updates pass the gates': {
    file: 'template.yaml',
    path: ['Globals', 'Function', 'RuntimeManagementConfig'],
    remove: true,
  },
  'Stacks in one account share no versions': {
    file: 'template.yaml',
    path: propertyOf('HeifLayer', 'LayerName'),
    remove: true,
  },
  'Known regions and partitions': {
    file: 'template.yaml',
    path: propertyOf('ImagePipeline', 'DefinitionSubstitutions', 'Partition'),
    remove: true,
  },
  "Workflows and events encrypted with the stack's key": {
    file: 'template.yaml',
    path: propertyOf('DomainEventBus', 'KmsKeyIdentifier'),
    remove: true,
  },
  'Least-privilege role per function': {
    file: 'template.yaml',
    path: propertyOf('ResizeImageRole', 'Policies', 0, 'PolicyDocument', 'Statement', { Sid: 'ReadUploads' }, 'Action'),
    value: ['s3:GetObjectVersion', 's3:GetObject', 's3:DeleteObject'],
  },
  'Least-privilege role for the workflow': {
    file: 'template.yaml',
    path: propertyOf(
      'ImagePipelineRole',
      'Policies',
      0,
      'PolicyDocument',
      'Statement',
      { Sid: 'WriteRecord' },
      'Action',
    ),
    value: ['dynamodb:PutItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  },
  'Permissions boundary on every role': {
    file: 'template.yaml',
    path: propertyOf('ResizeImageRole', 'PermissionsBoundary'),
    remove: true,
  },
  "The stack's own key, rotated yearly": {
    file: 'template.yaml',
    path: propertyOf(
      'DataKey',
      'KeyPolicy',
      'Statement',
      { Sid: 'LogsAreWritten' },
      'Condition',
      'ArnLike',
      'kms:EncryptionContext:aws:logs:arn',
      0,
      'Fn::Sub',
    ),
    from: '${AWS::StackName}-*',
    to: '*',
  },
  'Encrypted alarm topics': { file: 'template.yaml', path: propertyOf('PageTopic', 'KmsMasterKeyId'), remove: true },
  'TLS only': {
    file: 'template.yaml',
    path: propertyOf(
      'UploadBucketPolicy',
      'PolicyDocument',
      'Statement',
      { Sid: 'RequireTls' },
      'Condition',
      'Bool',
      'aws:SecureTransport',
    ),
    value: 'true',
  },
  'Private buckets': {
    file: 'template.yaml',
    path: propertyOf('UploadBucket', 'PublicAccessBlockConfiguration', 'BlockPublicPolicy'),
    value: false,
  },
  'Access logs': { file: 'template.yaml', path: propertyOf('UploadBucket', 'LoggingConfiguration'), remove: true },
  'Code signing, if there is a profile': {
    file: 'template.yaml',
    path: propertyOf('CodeSigningConfig', 'CodeSigningPolicies', 'UntrustedArtifactOnDeployment'),
    value: 'Warn',
  },
  'Narrow resource policies': {
    file: 'template.yaml',
    path: propertyOf('UploadQueuePolicy', 'PolicyDocument', 'Statement', { Sid: 'DeliverUploads' }, 'Condition'),
    remove: true,
  },
  'No forged events': {
    file: 'template.yaml',
    path: propertyOf('UploadQueue', 'RedriveAllowPolicy'),
    remove: true,
  },
  'An alarm for the first forged event': {
    file: 'adapters/lambda/sqs-uploads.ts',
    from: "metrics.addMetric('EventsRefused', MetricUnit.Count, 1)",
    to: "metrics.addMetric('EventsRefused', MetricUnit.Count, 0)",
  },
  'Uploaders cannot choose storage or encryption': {
    file: 'template.yaml',
    path: propertyOf('UploadBucketPolicy', 'PolicyDocument', 'Statement', { Sid: 'RefuseArchives' }),
    remove: true,
  },
  'Reserved prefixes': {
    file: 'template.yaml',
    path: propertyOf('UploadBucketPolicy', 'PolicyDocument', 'Statement', { Sid: 'KeepProbesApart' }),
    remove: true,
  },
  'A rendition is never replaced': {
    file: 'template.yaml',
    path: propertyOf('RenditionBucketPolicy', 'PolicyDocument', 'Statement', { Sid: 'NeverReplaceRenditions' }),
    remove: true,
  },
  'Workers that decode have no way out': {
    file: 'template.yaml',
    path: propertyOf('ResizeImageFunction', 'VpcConfig'),
    remove: true,
  },
  'No role decrypts anything itself': {
    file: 'template.yaml',
    path: propertyOf(
      'ResizeImageRole',
      'Policies',
      { PolicyName: 'resize-image' },
      'PolicyDocument',
      'Statement',
      { Sid: 'UseDataKey' },
      'Condition',
    ),
    remove: true,
  },
  'Browsers treat renditions as images only': {
    file: 'docs/serving.md',
    from: "style-src 'unsafe-inline'; sandbox",
    to: "style-src 'unsafe-inline'",
  },
  'One distribution reads renditions, and one site uploads': {
    file: 'template.yaml',
    path: propertyOf('RenditionBucketPolicy', 'PolicyDocument', 'Statement', 2, 'Fn::If', 1, 'Condition'),
    remove: true,
  },
  'The emulator serves only the user who started it': {
    file: 'scripts/invoke/container-engine.ts',
    from: "!containers.check(inside.remoteAddress ?? '', family)",
    to: 'inside.destroyed',
  },
  'Nothing from outside controls a terminal': {
    file: 'scripts/terminal/printable.ts',
    from: '[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]',
    to: '[\\p{Cc}]',
  },
  'No GPS position in records': {
    file: 'template.yaml',
    path: ['Parameters', 'KeepLocation', 'Default'],
    value: 'true',
  },
  'One sender cannot starve the others': {
    file: 'template.yaml',
    path: ['Mappings', 'Stages', 'prod', 'RunningPerSender'],
    value: '3',
  },
  'A sender’s count heals itself': {
    file: 'adapters/aws/dynamodb-senders.ts',
    from: 'WINDOW_SECONDS = 360',
    to: 'WINDOW_SECONDS = 300',
  },
  'Kill switch': {
    file: 'scripts/intake/intake-report.ts',
    from: 'retentionSeconds * 1000',
    to: 'retentionSeconds * 2000',
  },
  "A person's pause wins": {
    file: 'statemachine/intake-breaker.asl.json',
    path: ['States', 'IsPausedByHand', 'Choices', 0, 'Condition'],
    from: "'DISABLED'",
    to: "'GONE'",
  },
  'Redrive that explains and follows up': {
    file: 'scripts/redrive/redrive-verdict.ts',
    from: 'failedAnew || dead.has(',
    to: 'dead.has(',
  },
  'Error rate by metric math': {
    file: 'template.yaml',
    path: propertyOf('ImagePipelineErrorRateAlarm', 'Metrics', { Id: 'rate' }, 'Expression'),
    from: '> 5',
    to: '> 0',
  },
  'Anomaly detection on volume': {
    file: 'template.yaml',
    path: propertyOf(
      'UploadQueueVolumeAnomalyAlarm',
      'Metrics',
      { Id: 'uploads' },
      'MetricStat',
      'Metric',
      'MetricName',
    ),
    value: 'NumberOfMessagesReceived',
  },
  'Business metrics without API calls': {
    file: 'adapters/lambda/decision-log.ts',
    from: "if ('repeated' in decision) return",
    to: "if (decision.outcome === 'vanished') return",
  },
  'Metrics per stack': {
    file: 'template.yaml',
    path: ['Globals', 'Function', 'Environment', 'Variables', 'POWERTOOLS_SERVICE_NAME'],
    value: 'pipeline',
  },
  'Synthetic probe': {
    file: 'core/watch/probe-pipeline.ts',
    from: "verdict: 'healthy', readyMillis: shown.readyMillis",
    to: "verdict: 'healthy', readyMillis: 0",
  },
  'Missing data fires': {
    file: 'template.yaml',
    path: propertyOf('ProbePipelineMissingAlarm', 'TreatMissingData'),
    value: 'notBreaching',
  },
  'One dashboard, three questions': {
    file: 'template.yaml',
    path: propertyOf('PipelineDashboard', 'DashboardBody', 'Fn::Sub', 0),
    from: '"NumberOfMessagesSent", "QueueName"',
    to: '"MessagesSent", "QueueName"',
  },
  'Saved queries': {
    file: 'template.yaml',
    path: propertyOf('ImageWayQuery', 'QueryString'),
    from: 'message, outcome',
    to: 'message, outcom',
  },
  'One correlation id everywhere': {
    file: 'adapters/lambda/workflow-task.ts',
    from: '      logger.setCorrelationId(task.correlationId);\n',
    to: '',
  },
  'Traces through all steps': { file: 'template.yaml', path: ['Globals', 'Function', 'Tracing'], remove: true },
  'No personal data in logs': {
    file: 'template.yaml',
    path: propertyOf('ImagePipeline', 'LoggingConfiguration', 'IncludeExecutionData'),
    value: true,
  },
  'Least-privilege role for CodeDeploy': {
    file: 'template.yaml',
    path: propertyOf('ReleaseRole', 'Policies', 0, 'PolicyDocument', 'Statement', { Sid: 'ShiftTraffic' }, 'Action'),
    value: [
      'lambda:GetAlias',
      'lambda:UpdateAlias',
      'lambda:UpdateFunctionCode',
      'lambda:GetProvisionedConcurrencyConfig',
    ],
  },
  'Writers to the upload bucket': {
    file: 'template.yaml',
    path: propertyOf(
      'CheckReleaseRole',
      'Policies',
      0,
      'PolicyDocument',
      'Statement',
      { Sid: 'LendImage' },
      'Resource',
      'Fn::Sub',
    ),
    value: '${UploadBucket.Arn}/*',
  },
  'First gate: 5 % of each function': {
    file: 'template.yaml',
    path: propertyOf('ReleaseDeploymentConfig', 'TrafficRoutingConfig', 'TimeBasedCanary', 'CanaryInterval'),
    value: 10,
  },
  'Second gate: 20 % of the workflow': {
    file: 'template.yaml',
    path: propertyOf('ImagePipelineLiveAlias', 'DeploymentPreference', 'Percentage', 'Fn::If', 1),
    value: 50,
  },
  'A real image before any traffic': {
    file: 'template.yaml',
    path: propertyOf('DispatchImagesFunction', 'DeploymentPreference', 'Hooks', 'PreTraffic'),
    remove: true,
  },
  'Rollback alarms watch the new version only': {
    file: 'template.yaml',
    path: propertyOf('RemoveRenditionsErrorsRollbackAlarm', 'Dimensions', { Name: 'ExecutedVersion' }),
    remove: true,
  },
  'One sender cannot roll back a release': {
    file: 'template.yaml',
    path: propertyOf('ResizeImageErrorsRollbackAlarm', 'Metrics', { Id: 'share' }, 'Expression'),
    value: 'FILL(fresh, 0)',
  },
  'Every rollback alarm is used': {
    file: 'template.yaml',
    path: propertyOf('ImagePipelineLiveAlias', 'DeploymentPreference', 'Alarms', 'Fn::If', 1, {
      Ref: 'ImagePipelineTimedOutRollbackAlarm',
    }),
    remove: true,
  },
  'Callers use aliases': {
    file: 'template.yaml',
    path: propertyOf('ImagePipeline', 'DefinitionSubstitutions', 'ResizeImageFunction'),
    value: { 'Fn::GetAtt': 'ResizeImageFunction.Arn' },
  },
  'A bad release, demonstrated': {
    file: 'template.yaml',
    path: propertyOf('ReleaseDeploymentConfig', 'TrafficRoutingConfig', 'TimeBasedCanary', 'CanaryPercentage'),
    value: 10,
  },
  'Scans of the translated template': {
    file: 'scripts/template/waivers.ts',
    from: 'comment: z.string().min(10)',
    to: 'comment: z.string().optional()',
  },
  "A boundary that the account's owner controls": {
    file: 'governance/permissions-boundary.yaml',
    path: propertyOf(
      'RoleBoundary',
      'PolicyDocument',
      'Statement',
      { Sid: 'UseDataOfThisAccount' },
      'Action',
      's3:PutObject',
    ),
    remove: true,
  },
  'Guardrails that an administrator cannot remove': {
    file: 'governance/service-control-policy.yaml',
    path: propertyOf('Guardrails', 'Content', 'Statement', { Sid: 'KeepKeys' }, 'Action', 'kms:TagResource'),
    remove: true,
  },
  'Installed as locked, without install scripts': {
    file: '.npmrc',
    from: 'ignore-scripts=true',
    to: 'ignore-scripts=false',
  },
  'The deployment role never runs a build': {
    file: '.github/workflows/release.yml',
    from: '      - run: scripts/release/fetch-release.sh',
    to: '      - run: npm ci\n      - run: scripts/release/fetch-release.sh',
  },
  'The same artifact in dev and in prod': {
    file: 'scripts/release/receipt.ts',
    from: 'if (before.artifact === artifact) return;',
    to: 'if (before.artifact.length === artifact.length) return;',
  },
  'Changes are shown before the approval': {
    file: 'governance/deploy-role.yaml',
    path: [
      ...['Resources', 'ReviewPolicy', 'Properties', 'PolicyDocument', 'Statement'],
      ...[{ Sid: 'ReadAndDiscardChangeSets' }, 'Action', 'cloudformation:DescribeChangeSet'],
    ],
    value: 'cloudformation:ExecuteChangeSet',
  },
  'A release that would lose data stops': {
    file: 'scripts/release/changes.ts',
    from: 'if (holds === undefined || allowed.includes(logicalId)) return [];',
    to: 'if (holds !== "nothing" || allowed.includes(logicalId)) return [];',
  },
  'Signed, with a bill of materials': {
    file: 'scripts/release/fetch-release.sh',
    from: 'gh attestation verify',
    to: 'echo',
  },
  'A stack for each pull request, and nothing of it afterwards': {
    file: 'scripts/release/disposable.ts',
    from: "DeletionPolicy: 'Delete'",
    to: 'DeletionPolicy',
  },
  'Least-privilege role for deployments': {
    file: 'governance/deploy-role.yaml',
    path: [
      ...['Resources', 'CodePolicy', 'Properties', 'PolicyDocument', 'Statement'],
      ...[{ Sid: 'TrafficShifting' }, 'Action', 'codedeploy:CreateDeployment'],
    ],
    remove: true,
  },
  'No stored key, and no other branch': {
    file: 'governance/deploy-role.yaml',
    path: [
      ...['Resources', 'ReleaseRole', 'Properties', 'AssumeRolePolicyDocument', 'Statement'],
      ...[{ Sid: 'GitHubActions' }, 'Condition', 'StringLike'],
    ],
    remove: true,
  },
  'Erasure is documented': {
    file: 'template.yaml',
    path: [...expiryOfVersions, 'NoncurrentDays'],
    value: 31,
  },
  'Guardrails, Config rules, budget, cost anomalies': {
    file: 'governance/config-rules.yaml',
    path: propertyOf('BucketTlsRule', 'Source', 'SourceIdentifier'),
    value: 'S3_BUCKET_TLS_ONLY',
  },
  'Licenses that impose nothing on forks': {
    file: 'package-lock.json',
    path: ['packages', 'node_modules/@aws-lambda-powertools/batch', 'license'],
    value: 'GPL-3.0-only',
  },
  'Random histories with failures at every await': {
    file: 'test/model/histories.ts',
    from: 'if (defects.size > 0) throw',
    to: 'if (defects.size > 1000) throw',
  },
  'Every AWS call fails in every way': {
    file: 'lab/prove/crash-point-cases.ts',
    from: '[false, true].flatMap((lasting)',
    to: '[false].flatMap((lasting)',
  },
  'Commands are killed at their AWS calls': {
    file: 'lab/prove/command-cases.ts',
    from: 'fc.integer({ min: 0, max: most })',
    to: 'fc.integer({ min: 0, max: 0 })',
  },
  'Chaos under traffic': { file: 'lab/prove/chaos-plan.ts', from: 'REPEATED = 0.2', to: 'REPEATED = 0' },
  '225,000 hostile files that a run can stop and continue': {
    file: 'lab/prove/drawn-files.ts',
    from: 'if (!options.resume) rmSync(progressFile',
    to: 'if (options.resume) rmSync(progressFile',
  },
  'A flood from one sender, measured': {
    file: 'lab/prove/poison-judge.ts',
    from: 'MOST_DELAY = 1.5',
    to: 'MOST_DELAY = 15',
  },
  'The cost of an attack': {
    file: 'lab/cost/attack.ts',
    from: 'busy.calls(step) * busy.seconds(step)',
    to: 'busy.seconds(step)',
  },
  'A hostile file gets an outcome': {
    file: 'adapters/sharp/sharp-image-codec.ts',
    from: '  rethrowMachineError(error);\n',
    to: '  throw error;\n',
  },
  'Every native limit of sharp and libvips': {
    file: 'adapters/sharp/sharp-image-codec.ts',
    from: '  sharp.cache(false);\n',
    to: '',
  },
  'A bound around every decode': {
    file: 'adapters/sharp/image-process.ts',
    from: 'if (cpuSeconds >= bounds.cpuSeconds) return',
    to: 'if (cpuSeconds < 0) return',
  },
  'Nothing undecided is shown as done': {
    file: 'scripts/stack/send-uploads.ts',
    from: "outcome !== undefined && outcome !== 'failed'",
    to: 'true',
  },
  'A change in core fails a test': {
    file: 'lab/prove/mutation-proof.ts',
    from: 'LEAST_KILLED = 0.93',
    to: 'LEAST_KILLED = 0.8',
  },
  'The deployment is verified in the account': {
    file: 'scripts/verify/verify-stack.ts',
    from: "result: faults.length === 0 ? 'passed' : 'failed'",
    to: "result: 'passed'",
  },
  'Events that do not break consumers': {
    file: 'adapters/contracts/domain-events.ts',
    from: "z.describe('When the upload bucket changed, UTC.')",
    to: "z.maxLength(9), z.describe('When the upload bucket changed, UTC.')",
  },
  'Nothing lost under load': {
    file: 'load-tests/scenarios/ramp.yml',
    from: 'changes.sent == changes.decided + changes.deadLettered',
    to: 'changes.sent >= changes.decided + changes.deadLettered',
  },
  'The price of the default presets': {
    file: 'lab/cost/prices.ts',
    from: "s3Write: { label: 'S3 writes', usd: 5 / MILLION",
    to: "s3Write: { label: 'S3 writes', usd: 6 / MILLION",
  },
  'An archive of 30 days, and replays to one rule': {
    file: 'scripts/replay/replay-events.ts',
    from: ', FilterArns: [arn] }',
    to: ' }',
  },
  'Every decision is kept, in order': {
    file: 'core/history.ts',
    from: 'compare(one.order, other.order) || compare(one.id, other.id)',
    to: 'compare(one.at, other.at) || compare(one.event, other.event)',
  },
  'A superseded attempt leaves a note': {
    file: 'statemachine/image-pipeline.asl.json',
    path: ['States', 'NeedsAnnouncement', 'Choices', 0, 'Next'],
    value: 'Decided',
  },
  'A repeated batch of history replaces itself': {
    file: 'core/record-history.ts',
    from: 'await historyLog.append({ day, first, last }, written);',
    to: 'await historyLog.append({ day, first, last: `${last}-${Math.random()}` }, written);',
  },
  'No change is skipped to go on': {
    file: 'template.yaml',
    path: propertyOf('RecordHistoryFunction', 'Events', 'Changes', 'Properties', 'MaximumRecordAgeInSeconds'),
    value: 86_400,
  },
  'History is written once': {
    file: 'template.yaml',
    path: propertyOf('HistoryBucketPolicy', 'PolicyDocument', 'Statement', { Sid: 'KeepHistory' }),
    remove: true,
  },
  'The table can be rebuilt from history': {
    file: 'scripts/history/rebuild.ts',
    from: 'ORDER BY place, id',
    to: 'ORDER BY place DESC, id',
  },
  'An image can be erased from its history': {
    file: 'scripts/stack/erase-history.ts',
    from: 'for (const { Key, VersionId, IsLatest = false } of page.Versions ?? [])\n      if (Key !== undefined)',
    to: 'for (const { Key, VersionId, IsLatest = false } of page.Versions ?? [])\n      if (Key !== undefined && IsLatest)',
  },
  'Queries of history stop at a price': {
    file: 'template.yaml',
    path: propertyOf('HistoryWorkGroup', 'WorkGroupConfiguration', 'BytesScannedCutoffPerQuery'),
    remove: true,
  },
  'Announcements that are repeats': {
    file: 'scripts/announce/snapshot.ts',
    from: 'return `${imageId}-${sequencer}-${outcome}`;',
    to: 'return `${imageId}-${sequencer}-${outcome}-snapshot`;',
  },
};
