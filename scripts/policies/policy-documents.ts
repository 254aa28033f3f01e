import type { AccessCheckResourceType, ValidatePolicyResourceType } from '@aws-sdk/client-accessanalyzer';
import { at, type Json, type Resource, type Template } from '../template/template.ts';

/** Every policy of a template, as IAM would store it. */
export interface PolicyDocument {
  /** `ResizeImageRole, ReadUploads`. */
  readonly name: string;
  readonly type: 'IDENTITY_POLICY' | 'RESOURCE_POLICY';
  /** What else Access Analyzer can check, given the kind of resource. */
  readonly validateAs?: ValidatePolicyResourceType;
  /** The kinds of resources of which it can tell whether the policy makes them public. */
  readonly publicCheckAs?: AccessCheckResourceType;
  /** JSON. Names and ARNs are examples: only their form matters here. */
  readonly document: string;
}

export function policyDocuments(template: Template): PolicyDocument[] {
  return [...template.resources].flatMap(([id, resource]) =>
    policiesOf(id, resource).map(({ document, ...policy }) => ({
      ...policy,
      document: JSON.stringify(exampleOf(document, template)),
    })),
  );
}

type Found = Omit<PolicyDocument, 'document'> & { readonly document: Json };

function policiesOf(id: string, { Type, Properties }: Resource): Found[] {
  const resourcePolicy = (document: Json | undefined, kinds: Pick<Found, 'validateAs' | 'publicCheckAs'> = {}) =>
    document === undefined ? [] : [{ name: id, type: 'RESOURCE_POLICY' as const, document, ...kinds }];
  switch (Type) {
    case 'AWS::IAM::Role': {
      const trust = resourcePolicy(Properties['AssumeRolePolicyDocument'], {
        validateAs: 'AWS::IAM::AssumeRolePolicyDocument',
        publicCheckAs: 'AWS::IAM::AssumeRolePolicyDocument',
      });
      const inline = Properties['Policies'] ?? [];
      const identity = (Array.isArray(inline) ? inline : []).map((policy): Found => {
        const name = `${id}, ${String(at(policy, 'PolicyName'))}`;
        return { name, type: 'IDENTITY_POLICY', document: at(policy, 'PolicyDocument') ?? null };
      });
      return [...trust, ...identity];
    }
    case 'AWS::IAM::ManagedPolicy':
      return [{ name: id, type: 'IDENTITY_POLICY', document: Properties['PolicyDocument'] ?? null }];
    case 'AWS::S3::BucketPolicy':
      return resourcePolicy(Properties['PolicyDocument'], {
        validateAs: 'AWS::S3::Bucket',
        publicCheckAs: 'AWS::S3::Bucket',
      });
    case 'AWS::SQS::QueuePolicy':
      return resourcePolicy(Properties['PolicyDocument'], { publicCheckAs: 'AWS::SQS::Queue' });
    case 'AWS::SNS::TopicPolicy':
      return resourcePolicy(Properties['PolicyDocument'], { publicCheckAs: 'AWS::SNS::Topic' });
    case 'AWS::KMS::Key':
      return resourcePolicy(Properties['KeyPolicy'], { publicCheckAs: 'AWS::KMS::Key' });
    case 'AWS::EC2::VPCEndpoint':
      return resourcePolicy(Properties['PolicyDocument']);
    case 'AWS::Events::EventBusPolicy':
      // One statement of the bus's policy.
      return resourcePolicy({ Version: '2012-10-17', Statement: [Properties['Statement'] ?? null] });
    default:
      return [];
  }
}

const account = '1'.repeat(12);
const region = 'us-east-1';
const keyArn = `arn:aws:kms:${region}:${account}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;

/** Parameters that samconfig.toml leaves out because they name another stack's resources. The names in ARNs are replaced anyway. */
export const exampleParameters: Readonly<Record<string, string>> = { DataKeyArn: keyArn };
const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': account,
  'AWS::Region': region,
  'AWS::StackName': 'example',
  'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/example/0123`,
};

/** Replaces `!Ref`, `!GetAtt` and `!Sub` by examples in the form that IAM expects. */
function exampleOf(value: Json, template: Template): Json {
  if (Array.isArray(value)) return value.map((item) => exampleOf(item, template));
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument] = ['', null], ...others] = Object.entries(value);
  if (others.length === 0 && typeof argument === 'string') {
    if (name === 'Ref') return pseudoParameters[argument] ?? nameOf(argument, template);
    if (name === 'Fn::GetAtt') return attributeOf(argument, template);
    if (name === 'Fn::Sub') {
      return argument.replaceAll(/\$\{([\w:.]+)\}/g, (_, reference: string) =>
        reference.includes('.')
          ? attributeOf(reference, template)
          : (pseudoParameters[reference] ?? nameOf(reference, template)),
      );
    }
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, exampleOf(item, template)]));
}

function nameOf(id: string, template: Template): string {
  switch (template.resources.get(id)?.Type) {
    case 'AWS::S3::Bucket':
      return `example-${id.toLowerCase()}`;
    case 'AWS::EC2::VPCEndpoint':
      return 'vpce-0123456789abcdef0';
    // Their Ref is their ARN.
    case 'AWS::SNS::Topic':
    case 'AWS::SecretsManager::Secret':
    case 'AWS::Serverless::StateMachine':
    case 'AWS::StepFunctions::StateMachineAlias':
      return arnOf(id, template);
    default:
      return `example-${id}`;
  }
}

function attributeOf(reference: string, template: Template): string {
  const [id = '', attribute = ''] = reference.split('.');
  return attribute === 'Arn' || attribute === 'Alias' ? arnOf(id, template) : nameOf(id, template);
}

/** By the service in the resource's type, as AWS names it there. */
const arnForms: Readonly<Record<string, (name: string) => string>> = {
  CodeDeploy: (name) => `arn:aws:codedeploy:${region}:${account}:application:${name}`,
  DynamoDB: (name) => `arn:aws:dynamodb:${region}:${account}:table/${name}`,
  Events: (name) => `arn:aws:events:${region}:${account}:rule/${name}`,
  IAM: (name) => `arn:aws:iam::${account}:role/${name}`,
  KMS: () => keyArn,
  Logs: (name) => `arn:aws:logs:${region}:${account}:log-group:${name}:*`,
  S3: (name) => `arn:aws:s3:::${name}`,
  SecretsManager: (name) => `arn:aws:secretsmanager:${region}:${account}:secret:${name}-a1B2c3`,
  SNS: (name) => `arn:aws:sns:${region}:${account}:${name}`,
  SQS: (name) => `arn:aws:sqs:${region}:${account}:${name}`,
  StepFunctions: (name) => `arn:aws:states:${region}:${account}:stateMachine:${name}`,
};

function arnOf(id: string, template: Template): string {
  const type = template.resources.get(id)?.Type ?? '';
  const [, service = ''] = type.split('::');
  const name = type === 'AWS::S3::Bucket' ? nameOf(id, template) : `example-${id}`;
  if (type === 'AWS::Serverless::StateMachine') return arnForms['StepFunctions']?.(name) ?? name;
  if (type === 'AWS::Events::EventBus') return `arn:aws:events:${region}:${account}:event-bus/${name}`;
  return arnForms[service]?.(name) ?? `arn:aws:lambda:${region}:${account}:function:${name}`;
}
