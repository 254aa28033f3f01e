/** Asks IAM's own simulator what the stack's roles may do. It knows boundaries and the organization's policies, too. */
import {
  type ContextEntry,
  type EvaluationResult,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import pMap from 'p-map';
import * as z from 'zod';
import type { Finding, StackResources, Verification } from './verification.ts';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policyDocument = z.object({
  Statement: z.array(
    z.object({
      Effect: z.enum(['Allow', 'Deny']),
      Action: oneOrMore,
      Resource: oneOrMore,
      Condition: z.record(z.string(), z.record(z.string(), oneOrMore)).default({}),
    }),
  ),
});

interface Question {
  readonly action: string;
  readonly resource: string;
  readonly context: readonly ContextEntry[];
  readonly expected: 'allowed' | 'denied';
}

const concurrentRoles = 3;

export async function checkPermissions(verification: Verification): Promise<Finding> {
  const roles = [...verification.resources].filter(([, { type }]) => type === 'AWS::IAM::Role');
  const answers = await pMap(roles, ([id, { physicalId }]) => roleFaults(verification, id, physicalId), {
    concurrency: concurrentRoles,
  });
  const asked = answers.reduce((sum, answer) => sum + answer.asked, 0);
  return { faults: answers.flatMap(({ faults }) => faults), seen: `roles: ${roles.length}, questions: ${asked}` };
}

async function roleFaults(verification: Verification, logicalId: string, RoleName: string) {
  const { clients, stack, resources } = verification;
  const { iam } = clients;
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const roleArn = z.string().parse(Role?.Arn);
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  const documents = await Promise.all(
    PolicyNames.map((PolicyName) => iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))),
  );
  const questions = [
    ...forbidden(logicalId, roleArn, resources),
    ...documents.flatMap(({ PolicyDocument = '' }) => granted(JSON.parse(decodeURIComponent(PolicyDocument)))),
    // The emulator's simulator ignores the context.
  ].filter(({ context }) => context.length === 0 || !stack.emulated);
  const faults = [
    ...AttachedPolicies.map(({ PolicyName }) => `${logicalId} also has the policy ${PolicyName}.`),
    // The emulator does not show it.
    ...(Role?.PermissionsBoundary || stack.emulated ? [] : [`${logicalId} has no permissions boundary.`]),
  ];
  for (const question of questions) faults.push(...(await answerFaults(iam, logicalId, roleArn, question)));
  return { faults, asked: questions.length };
}

/** One question for each request: for several resources, IAM answers with the strictest decision only. */
async function answerFaults(iam: IAMClient, logicalId: string, PolicySourceArn: string, question: Question) {
  const { action, resource, context, expected } = question;
  const { EvaluationResults: [result] = [] } = await iam.send(
    new SimulatePrincipalPolicyCommand({
      ...{ PolicySourceArn, ActionNames: [action], ResourceArns: [resource] },
      ContextEntries: [...context],
    }),
  );
  if ((result?.EvalDecision === 'allowed') === (expected === 'allowed')) return [];
  const may = expected === 'allowed' ? 'may not, although its policy says so,' : 'may, and must not,';
  return [`${logicalId} ${may} call ${action} on ${resource}${reasonOf(result)}.`];
}

/** What a policy grants, with an example in place of each wildcard. */
function granted(document: unknown): Question[] {
  const { Statement } = policyDocument.parse(document);
  return Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, Resource, Condition }) => {
    const context = Object.values(Condition).flatMap((keys) =>
      Object.entries(keys).map(([ContextKeyName, [value = '']]) => ({
        ...{ ContextKeyName, ContextKeyValues: [example(value)], ContextKeyType: 'string' as const },
      })),
    );
    return Action.flatMap((action) =>
      Resource.map((resource) => ({ action, resource: example(resource), context, expected: 'allowed' as const })),
    );
  });
}

function example(pattern: string): string {
  return pattern === '*' ? pattern : pattern.replaceAll('*', 'verify');
}

/** What no role of the stack may do, whatever it is for; and what its workers may not do to its data. */
function forbidden(logicalId: string, roleArn: string, resources: StackResources): Question[] {
  const [, partition, , , account] = roleArn.split(':');
  const idOf = (id: string) => resources.get(id)?.physicalId ?? id;
  const [uploads, renditions] = [idOf('UploadBucket'), idOf('RenditionBucket')].map(
    (name) => `arn:${partition}:s3:::${name}`,
  );
  const always: readonly (readonly [string, string])[] = [
    ['iam:CreateUser', '*'],
    ['iam:PutRolePolicy', roleArn],
    ['sts:AssumeRole', `arn:${partition}:iam::${account}:role/another`],
    ['lambda:UpdateFunctionCode', '*'],
    ['s3:DeleteBucket', `${uploads}`],
    ['s3:DeleteObjectVersion', `${uploads}/verify`],
    ['dynamodb:DeleteTable', '*'],
    // Without the service that holds the data, the key is of no use.
    ['kms:Decrypt', '*'],
  ];
  const workers: readonly (readonly [string, string])[] = [
    ['s3:PutObject', `${uploads}/verify`],
    ['s3:PutObject', `${renditions}/verify/index.html`],
    ['sqs:SendMessage', `arn:${partition}:sqs:*:${account}:verify`],
    ['events:PutEvents', '*'],
  ];
  const isWorker = /^(ExtractMetadata|ResizeImage|RemoveRenditions)Role$/.test(logicalId);
  return [...always, ...(isWorker ? workers : [])].map(([action, resource]) => ({
    ...{ action, resource, context: [], expected: 'denied' },
  }));
}

function reasonOf(result: EvaluationResult | undefined): string {
  if (result?.OrganizationsDecisionDetail?.AllowedByOrganizations === false) return ' (the organization forbids it)';
  if (result?.PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary === false)
    return ' (its permissions boundary forbids it)';
  return '';
}
