import type { Change } from './take-away.ts';

const template = 'gallery/template.yaml';

/** For each practice of gallery/docs/practices.md, by name: the smallest change that removes it. Unused without the gallery. */
export const withoutGalleryPractice: Readonly<Record<string, Change>> = {
  'The order of events makes no difference': {
    file: 'gallery/core/gallery-image.ts',
    from: 'one.position > other.position',
    to: 'one.position !== other.position',
  },
  'Changes of one person are numbered without gaps': {
    file: 'gallery/core/record-change.ts',
    from: 'if (await images.save(image, newest)) return image;',
    to: 'return (await images.save(image, newest), image);',
  },
  'The table can be lost': {
    file: 'gallery/core/record-change.ts',
    from: 'newest === undefined ? now() : newest + 1',
    to: 'newest === undefined ? 1 : newest + 1',
  },
  'Rules select the images of the gallery, and keep what they cannot deliver': {
    file: template,
    path: ['Resources', 'ResultRule', 'Properties', 'Targets', { Id: 'ChangeQueue' }, 'DeadLetterConfig'],
    remove: true,
  },
  'Only messages that failed return to the queue of changes': {
    file: template,
    path: [
      ...['Resources', 'RecordChangesFunction', 'Properties', 'Events', 'Changes', 'Properties'],
      'FunctionResponseTypes',
    ],
    remove: true,
  },
  'Messages are hidden for six times the timeout': {
    file: template,
    path: ['Resources', 'ChangeQueue', 'Properties', 'VisibilityTimeout'],
    value: 60,
  },
  'Forged messages go to the dead-letter queue': {
    file: 'gallery/adapters/contracts/image-change.ts',
    from: 'if (!parsed.success) throw new Error(`This message is not a domain event. ${z.prettifyError(parsed.error)}`);',
    to: 'if (!parsed.success) return undefined;',
  },
  'Connections that have ended are forgotten': {
    file: 'gallery/core/live.ts',
    from: "=== 'gone') await connections.remove(image.owner, connectionId);",
    to: "=== 'gone') return;",
  },
  'A push that fails is repeated': {
    file: 'gallery/core/live.ts',
    from: 'await Promise.all(sent);',
    to: 'await Promise.allSettled(sent);',
  },
  'A page notices what it missed, and shows nothing twice': {
    file: 'gallery/page/source/gallery-state.ts',
    from: 'while (state.ahead.has(cursor + 1)) cursor += 1;',
    to: 'cursor = Math.max(cursor, ...state.ahead);',
  },
  'Pages reconnect with backoff and jitter': {
    file: 'gallery/page/source/backoff.ts',
    from: 'random() * Math.min',
    to: 'Math.min',
  },
  'Tokens are for this gallery and for now': {
    file: 'gallery/adapters/aws/jwt-tokens.ts',
    from: ".check(z.refine((scopes) => scopes.split(' ').includes(scope)))",
    to: '',
  },
  'A token that cannot be checked is an error, and a bad one is not': {
    file: 'gallery/adapters/aws/jwt-tokens.ts',
    from: 'error instanceof JwtBaseError && !isAboutKeys(error)',
    to: 'error instanceof JwtBaseError',
  },
  'The demo sign-in exists on this machine only': {
    file: template,
    path: ['Resources', 'AuthorizeCallFunction', 'Properties', 'Environment', 'Variables', 'ISSUER'],
    value: { Ref: 'DemoIssuer' },
  },
  'A ticket is for one key, one type and one size': {
    file: 'gallery/adapters/aws/s3-upload-tickets.ts',
    from: "['content-length-range', bytes, bytes]",
    to: "['content-length-range', 1, bytes]",
  },
  'File names lead nowhere else': {
    file: 'gallery/core/upload-key.ts',
    from: "fileName.split(/[/\\\\]/).at(-1) ?? ''",
    to: 'fileName',
  },
  'Each person has a limit': {
    file: 'gallery/adapters/lambda/api-operation.ts',
    from: "if (used !== undefined) return responseOf({ problem: 'rate-limited', ...used });",
    to: '',
  },
  'A few connections for each person': {
    file: 'gallery/core/live.ts',
    from: '<= MOST_CONNECTIONS) return true',
    to: '<= 1000) return true',
  },
  'The local page answers its own page only': {
    file: 'gallery/local/origin.ts',
    from: "if (!hosts.has(headers.host ?? '')) return 'This server answers on localhost only.';",
    to: '',
  },
  'The page runs only its own files': {
    file: template,
    path: [
      ...['Resources', 'PageHeaders', 'Properties', 'ResponseHeadersPolicyConfig', 'SecurityHeadersConfig'],
      ...['ContentSecurityPolicy', 'ContentSecurityPolicy', 'Fn::Sub'],
    ],
    from: "script-src 'self'",
    to: "script-src 'self' 'unsafe-inline'",
  },
  'Renditions are private': {
    file: template,
    path: [
      ...['Resources', 'Distribution', 'Properties', 'DistributionConfig', 'CacheBehaviors'],
      ...[0, 'Fn::If', 1, 'TrustedKeyGroups'],
    ],
    remove: true,
  },
  'Cookies for renditions end after an hour, and go nowhere else': {
    file: 'gallery/adapters/aws/cloudfront-cookies.ts',
    from: 'Path=/renditions/; ',
    to: 'Path=/; ',
  },
  'The key for cookies changes without a cookie that is refused': {
    file: 'gallery/deploy/cookie-key-steps.ts',
    from: 'const until = group.changedAt + SPREAD_MILLIS;',
    to: 'const until = group.changedAt;',
  },
  'The page is published last, and its document after what it names': {
    file: 'gallery/deploy/page-release.ts',
    from: '[...changed.filter((file) => !isDocument(file)), ...changed.filter(isDocument)]',
    to: '[...changed.filter(isDocument), ...changed.filter((file) => !isDocument(file))]',
  },
  'A publication that stops is repeated as a whole': {
    file: 'gallery/deploy/page-release.ts',
    from: '  if (upload.length === 0) return undefined;\n',
    to: '  await s3.send(new PutObjectCommand({ Bucket, Key: RECORD, Body: JSON.stringify(published) }));\n',
  },
  'The stack fits into each region of an account': {
    file: template,
    path: ['Resources', 'BucketAccess', 'Properties', 'OriginAccessControlConfig', 'Name'],
    value: { Ref: 'AWS::StackName' },
  },
  'Caches keep forever what has a hash in its name': {
    file: 'gallery/page/build.ts',
    from: "entryNames: '[name]-[hash]', ",
    to: '',
  },
  'Deleted images leave the caches under both of their paths': {
    file: 'gallery/adapters/aws/cloudfront-caches.ts',
    from: ', `/${imageId}/*`]',
    to: ']',
  },
  'An invalidation fits what CloudFront works on at a time': {
    file: template,
    path: ['Resources', 'ForgetRenditionsFunction', 'Properties', 'Events', 'Removals', 'Properties', 'BatchSize'],
    value: 10,
  },
  'A busy CloudFront is no error of a function': {
    file: 'gallery/adapters/aws/cloudfront-caches.ts',
    from: "return 'busy';",
    to: 'throw error;',
  },
  "API Gateway's own answers are problems of the API": {
    file: 'gallery/api/openapi.yaml',
    path: ['x-amazon-apigateway-gateway-responses', 'WAF_FILTERED', 'statusCode'],
    value: 403,
  },
  'No page of another site reads an answer': {
    file: 'gallery/api/openapi.yaml',
    path: ['x-amazon-apigateway-gateway-responses', 'THROTTLED', 'responseParameters'],
    value: { 'gatewayresponse.header.Access-Control-Allow-Origin': "'*'" },
  },
  'Personal answers are in no shared cache': {
    file: template,
    path: ['Resources', 'Distribution', 'Properties', 'DistributionConfig', 'CacheBehaviors', 1, 'CachePolicyId'],
    value: '658327ea-f89d-4fab-a63d-7e88639e58f6',
  },
  'A firewall on request': { file: template, path: ['Parameters', 'Firewall', 'Default'], value: 'true' },
  'No caller can make up the address that the firewall limits': {
    file: template,
    path: [
      ...['Resources', 'ApiFirewall', 'Properties', 'Rules', { Name: 'rate' }],
      ...['Statement', 'RateBasedStatement', 'ForwardedIPConfig', 'HeaderName'],
    ],
    value: 'X-Forwarded-For',
  },
  'A new version answers a known request before it gets traffic': {
    file: template,
    path: ['Mappings', 'Stages', 'dev', 'ChecksReleases'],
    value: false,
  },
  'Errors of any function roll a release back': {
    file: template,
    path: ['Resources', 'FunctionErrorsRollbackAlarm', 'Properties', 'Metrics', { Id: 'hold' }],
    remove: true,
  },
  'CodeDeploy may release the functions of this stack only': {
    file: template,
    path: ['Resources', 'GetImageFunction', 'Properties', 'DeploymentPreference', 'Role'],
    remove: true,
  },
  'Released as the pipeline is': {
    file: '.github/workflows/deploy-gallery.yml',
    from: '      prefix: gallery-\n',
    to: '',
  },
  'A release publishes the page that was built with it': {
    file: 'gallery/deploy/publish-page.ts',
    from: 'await publish(release, { s3, cloudFront, ...targetOf(outputs) });',
    to: '',
  },
  'Verified from outside before prod': {
    file: 'gallery/deploy/verify-gallery.ts',
    from: 'status === wanted ? undefined :',
    to: 'status < 500 ? undefined :',
  },
  'Least-privilege role for its deployments': {
    file: 'governance/deploy-role.yaml',
    path: [
      ...['Resources', 'GalleryPolicy', 'Properties', 'PolicyDocument', 'Statement'],
      ...[{ Sid: 'UserPools' }, 'Condition'],
    ],
    remove: true,
  },
  'Roles may do what their function does, and nothing in the pipeline': {
    file: template,
    path: [
      ...['Resources', 'DeleteImageRole', 'Properties', 'Policies', { PolicyName: 'delete-image' }],
      ...['PolicyDocument', 'Statement', { Sid: 'DeleteUploads' }, 'Resource'],
    ],
    value: '*',
  },
  'Alarms of the gallery have a runbook each': {
    file: 'gallery/docs/runbooks/changes.md',
    from: 'RemovalsLateAlarm',
    to: 'Late removals',
  },
  'The price of an idle month is known': {
    file: template,
    path: ['Resources', 'ChangesLateAlarm', 'Condition'],
    value: 'IsAccount',
  },
  'Packages of functions are small': {
    file: template,
    path: ['Resources', 'RecordChangesFunction', 'Metadata', 'BuildProperties', 'Minify'],
    value: false,
  },
  'The page is small': { file: 'gallery/page/build.ts', from: 'minify: true', to: "sourcemap: 'inline'" },
  'openapi.yaml is the contract': {
    file: 'gallery/api/operations.ts',
    from: '"maximum": 100,',
    to: '"maximum": 1000,',
  },
};
