import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  at,
  type Json,
  ofType,
  parseTemplate,
  readTemplate,
  type Stage,
  statementsOf,
  templateFor,
} from '../../scripts/template/template.ts';
import { operations } from '../api/operations.ts';
import { releasedFunctions } from '../core/check-release.ts';
import { keyPrefix } from '../core/upload-key.ts';
import { scope } from '../local/demo-issuer.ts';
import { pageHeaders } from '../local/origin.ts';

const source = readTemplate('gallery/template.yaml');
const pipeline = {
  ...{
    UploadBucketName: 'uploads',
    RenditionBucketName: 'renditions',
    DomainEventBusName: 'bus',
    DataKeyArn: 'data-key',
  },
};
const templateOf = (stage: Stage, overrides = {}) =>
  templateFor(stage, { ...pipeline, DemoIssuer: 'http://localhost:1', ...overrides }, source);
const account = templateOf('prod', { CookieKeyGroupId: 'group', Firewall: 'true' });
const functions = ofType(account, 'AWS::Serverless::Function').map(([id]) => id.replace(/Function$/, ''));
const property = (id: string, ...path: (string | number)[]): Json | undefined =>
  at(account.resources.get(id)?.Properties, ...path);
const folderOf = (stem: string) => stem.replaceAll(/[a-z](?=[A-Z])/g, '$&-').toLowerCase();

describe('the demo sign-in', () => {
  it.each(['dev', 'prod'] as const)('is absent from stage %s, even if someone sets its address', (stage) => {
    expect(JSON.stringify([...templateOf(stage).resources])).not.toContain('http://localhost');
    expect(JSON.stringify([...templateOf(stage).resources])).not.toContain('DemoIssuer');
  });

  it('cannot be given to a stage in an account at all', () => {
    const rule = at(parseTemplate('gallery/template.yaml'), 'Rules', 'OnlyInAccounts');
    expect(at(rule, 'RuleCondition')).toEqual({ 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'Stage' }, 'local'] }] });
    expect(at(rule, 'Assertions', 0, 'Assert')).toEqual({ 'Fn::Equals': [{ Ref: 'DemoIssuer' }, ''] });
  });

  it('is what stage local trusts, and nothing else', () => {
    const variables = at(
      templateOf('local').resources.get('AuthorizeCallFunction')?.Properties,
      'Environment',
      'Variables',
    );
    expect(at(variables, 'ISSUER')).toBe('http://localhost:1');
    expect(templateOf('local').resources.has('UserPool')).toBe(false);
  });

  it('asks for the scope that the API requires, as the page’s client does', () => {
    expect(property('AuthorizeCallFunction', 'Environment', 'Variables', 'SCOPE')).toBe(scope);
    expect(property('PageClient', 'AllowedOAuthScopes')).toContain(scope);
    expect(property('PageClient', 'AllowedOAuthFlows')).toEqual(['code']);
    expect(property('PageClient', 'GenerateSecret')).toBe(false);
    expect(ofType(account, 'AWS::Cognito::UserPoolClient')).toHaveLength(1);
  });
});

describe('each function', () => {
  it.each(functions)('%s has a folder, a role and a log group of its own', (stem) => {
    expect(property(`${stem}Function`, 'CodeUri')).toBe(`functions/${folderOf(stem)}`);
    expect(existsSync(new URL(`../functions/${folderOf(stem)}/handler.ts`, import.meta.url))).toBe(true);
    expect(property(`${stem}Function`, 'Role')).toEqual({ 'Fn::GetAtt': `${stem}Role.Arn` });
    expect(property(`${stem}Function`, 'LoggingConfig', 'LogGroup')).toEqual({ Ref: `${stem}LogGroup` });
  });

  it.each(functions)('%s may do nothing to everything, except write traces', (stem) => {
    const role = account.resources.get(`${stem}Role`);
    const wide = role === undefined ? [] : statementsOf(role).filter(({ Resource }) => Resource.includes('*'));
    expect(wide.map(({ Sid }) => Sid)).toEqual(['WriteTraces']);
    expect(
      role &&
        statementsOf(role)
          .flatMap(({ Action }) => Action)
          .filter((action) => action.includes('*')),
    ).toEqual([]);
  });

  it('sends to connections and ends them, in one function and of its own API only', () => {
    const all = ofType(account, 'AWS::IAM::Role').flatMap(([id, role]) =>
      statementsOf(role).map((statement) => ({ id, ...statement })),
    );
    const found = all.filter(({ Action }) => Action.some((action) => action.startsWith('execute-api:')));
    const api = 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${LiveApi}/live';
    expect(found).toMatchObject([
      {
        id: 'RecordChangesRole',
        Action: ['execute-api:ManageConnections'],
        Resource: ['POST', 'DELETE'].map((method) => ({ 'Fn::Sub': `${api}/${method}/@connections/*` })),
      },
    ]);
  });

  it('reaches nothing of the pipeline but its uploads of the gallery: not its table, and not its renditions', () => {
    const resources = ofType(account, 'AWS::IAM::Role').flatMap(([, role]) =>
      statementsOf(role).flatMap(({ Resource }) => Resource),
    );
    const foreign = resources
      .map((found) => JSON.stringify(found))
      .filter((found) => /UploadBucketName|RenditionBucketName|data-key/.test(found));
    expect(new Set(foreign)).toEqual(
      new Set([`{"Fn::Sub":"arn:\${AWS::Partition}:s3:::\${UploadBucketName}/${keyPrefix}*"}`, '"data-key"']),
    );
  });
});

describe('the WebSocket API', () => {
  const rateOf = (...path: string[]) =>
    z.object({ ThrottlingRateLimit: z.number() }).parse(property('LiveStage', ...path)).ThrottlingRateLimit;

  it('takes fewer messages than connections, so that a flood of messages leaves room to connect', () => {
    expect(rateOf('RouteSettings', '$default')).toBeLessThan(rateOf('DefaultRouteSettings'));
    // API Gateway refuses settings of a route that does not exist yet.
    const source = parseTemplate('gallery/template.yaml');
    expect(at(source, 'Resources', 'LiveStage', 'DependsOn')).toBe('LiveDefaultRoute');
  });
});

describe('each operation of openapi.yaml', () => {
  const document = readFileSync(new URL('../api/openapi.yaml', import.meta.url), 'utf8');

  it.each(Object.entries(operations))(
    '%s calls its function, which lets this route call it',
    (id, { method, path }) => {
      const stem = `${id.charAt(0).toUpperCase()}${id.slice(1)}`;
      expect(document).toContain(`functions/\${${stem}Function.Arn}:live/invocations`);
      const route = `/*/${method.toUpperCase()}${path.replace('{id}', '*')}`;
      expect(at(property(`${stem}Permission`, 'SourceArn'), 'Fn::Sub')).toMatch(
        new RegExp(`${route.replaceAll('*', '\\*')}$`),
      );
    },
  );
});

describe('events', () => {
  const rules = ofType(account, 'AWS::Events::Rule');

  it.each(rules)(
    '%s selects the gallery’s images in the pipeline’s bucket only, and keeps what it cannot deliver',
    (_, { Properties }) => {
      const detail = at(Properties, 'EventPattern', 'detail');
      expect(JSON.stringify(detail)).toContain(`"key":[{"prefix":"${keyPrefix}"}]`);
      expect(JSON.stringify(detail)).toContain('["uploads"]');
      expect(at(Properties, 'Targets', 0, 'DeadLetterConfig', 'Arn')).toEqual({
        'Fn::GetAtt': 'UndeliveredChangeQueue.Arn',
      });
    },
  );

  it.each(ofType(account, 'AWS::SQS::Queue').filter(([id]) => !/Dead|Undelivered/.test(id)))(
    '%s has a dead-letter queue',
    (_, { Properties }) => {
      expect(at(Properties, 'RedrivePolicy', 'deadLetterTargetArn')).toEqual({
        'Fn::GetAtt': 'ChangeDeadLetterQueue.Arn',
      });
    },
  );
});

describe('the queue of changes', () => {
  it('gets back only the messages that failed, and keeps one that failed five times', () => {
    const events = property('RecordChangesFunction', 'Events', 'Changes', 'Properties');
    expect(at(events, 'FunctionResponseTypes')).toEqual(['ReportBatchItemFailures']);
    expect(property('ChangeQueue', 'RedrivePolicy', 'maxReceiveCount')).toBe(5);
  });

  it.each([
    ['ChangeQueue', 'RecordChangesFunction'],
    ['RemovalQueue', 'ForgetRenditionsFunction'],
  ])('%s hides a message for six times as long as %s may take, and the batching window', (queue, consumer) => {
    const events = Object.values(property(consumer, 'Events') ?? {});
    const [window = 0] = events.flatMap((event) => at(event, 'Properties', 'MaximumBatchingWindowInSeconds') ?? []);
    expect(property(queue, 'VisibilityTimeout')).toBe(6 * Number(property(consumer, 'Timeout')) + Number(window));
  });
});

describe('the queue of removals', () => {
  it('sets off an alarm when it has not been empty for an hour, whatever the age that SQS reports', () => {
    const alarm = property('RemovalsLateAlarm');
    const metrics = z
      .array(
        z.object({
          MetricStat: z
            .object({ Stat: z.string(), Period: z.int(), Metric: z.object({ MetricName: z.string() }) })
            .optional(),
        }),
      )
      .parse(at(alarm, 'Metrics'))
      .flatMap(({ MetricStat }) => MetricStat ?? []);
    expect(metrics.map(({ Metric, Stat }) => [Metric.MetricName, Stat])).toEqual([
      ['ApproximateNumberOfMessagesVisible', 'Minimum'],
      ['ApproximateNumberOfMessagesNotVisible', 'Minimum'],
    ]);
    for (const { Period } of metrics) expect(Period * Number(at(alarm, 'EvaluationPeriods'))).toBe(3600);
    expect(at(alarm, 'Threshold')).toBe(0);
  });

  it('gets back what CloudFront is too busy for, and keeps it for ten hours before an operator must act', () => {
    const events = property('ForgetRenditionsFunction', 'Events', 'Removals', 'Properties');
    expect(at(events, 'FunctionResponseTypes')).toEqual(['ReportBatchItemFailures']);
    const attempts = Number(property('RemovalQueue', 'RedrivePolicy', 'maxReceiveCount'));
    expect(attempts * Number(property('RemovalQueue', 'VisibilityTimeout'))).toBeGreaterThanOrEqual(10 * 3600);
  });
});

describe('what browsers get', () => {
  it('has the same policy as on this machine, and two more addresses', () => {
    const policy = property(
      'PageHeaders',
      'ResponseHeadersPolicyConfig',
      'SecurityHeadersConfig',
      'ContentSecurityPolicy',
      'ContentSecurityPolicy',
      'Fn::Sub',
    );
    const addresses = / https:\/\/\$\{UserPoolDomain\}\S+ https:\/\/\$\{UploadBucketName\}[^;]+/;
    expect(String(policy).replace(addresses, '')).toBe(pageHeaders['Content-Security-Policy']);
  });

  const behaviorsOf = (template: typeof account) =>
    z
      .array(z.looseObject({ PathPattern: z.string() }))
      .parse(at(template.resources.get('Distribution')?.Properties, 'DistributionConfig', 'CacheBehaviors'));

  it('are renditions only with a cookie that a key of the group has signed', () => {
    const renditions = behaviorsOf(account).find(({ PathPattern }) => PathPattern === '/renditions/*');
    expect(renditions?.['TrustedKeyGroups']).toEqual(['group']);
  });

  it('are no renditions at all while there is no key group', () => {
    const config = JSON.stringify(templateOf('prod').resources.get('Distribution'));
    expect(behaviorsOf(templateOf('prod')).map(({ PathPattern }) => PathPattern)).toEqual(['/v1/*', '/live']);
    expect(config).not.toContain('"TargetOriginId":"renditions"');
  });

  it('never stay longer in a cache than CloudFront’s limit for one invalidation allows', () => {
    // Two paths with * for each image, of 15 that may be in progress:
    // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-invalidations
    const batch = property('ForgetRenditionsFunction', 'Events', 'Removals', 'Properties', 'BatchSize');
    expect(2 * Number(batch)).toBeLessThanOrEqual(15);
  });

  it('come over TLS only, and from no bucket directly', () => {
    expect(JSON.stringify(property('Distribution'))).not.toContain('allow-all');
    expect(property('PageBucket', 'PublicAccessBlockConfiguration')).toEqual({
      ...{ BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
    });
  });
});

describe('a release', () => {
  const functionNamesIn = (value: unknown) =>
    [...new Set(JSON.stringify(value).match(/\w+(?=Function["}.])/g) ?? [])].toSorted();

  it('is checked in every account before it gets traffic, and then gets a tenth of it in prod', () => {
    for (const stem of releasedFunctions) {
      for (const [stage, type] of [
        ['dev', 'AllAtOnce'],
        ['prod', 'Canary10Percent15Minutes'],
      ] as const) {
        const found = templateOf(stage).resources.get(`${stem}Function`)?.Properties['DeploymentPreference'];
        expect(found).toMatchObject({
          ...{ Enabled: true, Type: type, Role: { 'Fn::GetAtt': 'ReleaseRole.Arn' } },
          Hooks: { PreTraffic: { Ref: 'CheckReleaseFunction' } },
        });
      }
    }
    expect(functions.filter((stem) => stem !== 'CheckRelease').toSorted()).toEqual([...releasedFunctions]);
  });

  it('is rolled back by two alarms, which between them see the errors of every function', () => {
    const alarms = property('RecordChangesFunction', 'DeploymentPreference', 'Alarms');
    expect(alarms).toEqual([{ Ref: 'ApiErrorsRollbackAlarm' }, { Ref: 'FunctionErrorsRollbackAlarm' }]);
    const api = [...Object.keys(operations).map((id) => id.charAt(0).toUpperCase() + id.slice(1)), 'AuthorizeCall'];
    const others = functionNamesIn(property('FunctionErrorsRollbackAlarm', 'Metrics'));
    expect([...api, ...others].toSorted()).toEqual([...releasedFunctions]);
  });

  it('can be checked: the check may call each of them, for longer than the slowest one takes', () => {
    const role = account.resources.get('CheckReleaseRole');
    const calls = role && statementsOf(role).find(({ Sid }) => Sid === 'CallNewVersion');
    expect(functionNamesIn(calls?.Resource)).toEqual([...releasedFunctions]);
    const timeouts = releasedFunctions.map((stem) => Number(property(`${stem}Function`, 'Timeout')));
    const wait = Number(property('CheckReleaseFunction', 'Environment', 'Variables', 'CALL_WAIT_MILLIS')) / 1000;
    expect(wait).toBeGreaterThan(Math.max(...timeouts));
    expect(Number(property('CheckReleaseFunction', 'Timeout'))).toBeGreaterThan(wait);
  });

  it('names a function that CloudFormation does not truncate, with a stack name of 26 characters', () => {
    const longest = Math.max(...releasedFunctions.map((stem) => `-${stem}Function-`.length));
    expect(26 + longest + 12).toBeLessThanOrEqual(64);
  });

  it('takes place on this machine without CodeDeploy', () => {
    const local = templateOf('local').resources;
    expect(at(local.get('RecordChangesFunction')?.Properties, 'DeploymentPreference', 'Enabled')).toBe(false);
    expect(local.has('CheckReleaseFunction')).toBe(false);
  });
});

describe('each alarm', () => {
  const alarms = ofType(account, 'AWS::CloudWatch::Alarm');

  it.each(alarms)('%s says what people notice, and names a runbook that has its name', (id, { Properties }) => {
    const [, runbook = ''] =
      /Runbook: (gallery\/docs\/runbooks\/[\w-]+\.md)/.exec(String(Properties['AlarmDescription'])) ?? [];
    expect(readFileSync(new URL(`../../${runbook}`, import.meta.url), 'utf8')).toContain(id);
  });
});

describe('the metrics of the API', () => {
  it('have its name and its stage, in the alarm and on the dashboard', () => {
    const [name, stage] = [property('Api', 'Name'), property('Api', 'StageName')];
    expect(property('ApiErrorsRollbackAlarm', 'Namespace')).toBe('AWS/ApiGateway');
    expect(property('ApiErrorsRollbackAlarm', 'Dimensions')).toEqual([
      { Name: 'ApiName', Value: name },
      { Name: 'Stage', Value: stage },
    ]);
    // The text of the dashboard has the same reference as a variable.
    const body = String(property('GalleryDashboard', 'DashboardBody', 'Fn::Sub'));
    const shown = [...body.matchAll(/"ApiName", "\$\{([\w:]+)\}", "Stage", "(\w+)"/g)];
    expect(shown.map(([, Ref, shownStage]) => [{ Ref }, shownStage])).toEqual(shown.map(() => [name, stage]));
    expect(shown).toHaveLength(body.split('"ApiName"').length - 1);
    expect(shown).not.toHaveLength(0);
  });
});

describe('the dashboard', () => {
  const body = String(property('GalleryDashboard', 'DashboardBody', 'Fn::Sub'));

  it('is JSON, whose widgets do not overlap', () => {
    const { widgets } = z
      .object({ widgets: z.array(z.object({ x: z.int(), y: z.int(), width: z.int(), height: z.int() })) })
      .parse(JSON.parse(body));
    const cells = widgets.flatMap(({ x, y, width, height }) =>
      Array.from({ length: width * height }, (_, cell) => `${x + (cell % width)},${y + Math.floor(cell / width)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('shows the errors of every function, and what waits in every queue', () => {
    const named = (pattern: RegExp) => [...new Set([...body.matchAll(pattern)].map(([, name]) => name))].toSorted();
    expect(named(/"Errors", "FunctionName", "\$\{(\w+)Function\}"/g)).toEqual([...releasedFunctions]);
    expect(named(/"ApproximateAgeOfOldestMessage", "QueueName", "\$\{(\w+)\./g)).toEqual(['ChangeQueue']);
    expect(named(/"ApproximateNumberOfMessagesNotVisible", "QueueName", "\$\{(\w+)\./g)).toEqual(['RemovalQueue']);
  });
});

describe('names that are of the whole account', () => {
  // https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Types.html, and PutDashboard of CloudWatch.
  const names: Readonly<Record<string, { readonly path: readonly string[]; readonly longest: number }>> = {
    'AWS::CloudFront::OriginAccessControl': { path: ['OriginAccessControlConfig', 'Name'], longest: 64 },
    'AWS::CloudFront::Function': { path: ['Name'], longest: 64 },
    'AWS::CloudFront::ResponseHeadersPolicy': { path: ['ResponseHeadersPolicyConfig', 'Name'], longest: 128 },
    'AWS::CloudWatch::Dashboard': { path: ['DashboardName'], longest: 255 },
  };
  // A distribution has no name.
  const named = [...account.resources].filter(
    ([, { Type }]) => Type in names || (/^AWS::CloudFront::/.test(Type) && Type !== 'AWS::CloudFront::Distribution'),
  );

  it.each(named)('have the region, and fit with a stack name of 26 characters: %s', (id, { Type }) => {
    const { path, longest } = names[Type] ?? { path: ['Name'], longest: 0 };
    const name = String(property(id, ...path, 'Fn::Sub'));
    expect(name).toMatch(/^\$\{AWS::StackName\}-\$\{AWS::Region\}(-|$)/);
    // The longest names of regions have 14 characters, such as ap-southeast-1.
    expect(name.replace(/^\$\{AWS::StackName\}-\$\{AWS::Region\}/, 'x'.repeat(26 + 1 + 14)).length).toBeLessThanOrEqual(
      longest,
    );
  });
});

describe('what costs by the month', () => {
  it('is off by default', () => {
    expect(templateOf('prod').resources.has('ApiFirewall')).toBe(false);
    expect(property('Api', 'CacheClusterEnabled')).toBeUndefined();
  });
});
