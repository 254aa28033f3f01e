/** Checks of the stack's keys: who may use them, and that they encrypt its data. */
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type GrantListEntry,
  paginateListGrants,
} from '@aws-sdk/client-kms';
import { GetBucketEncryptionCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { type Finding, idOf, physicalIds, type Verification } from './verification.ts';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const keyPolicy = z.object({
  Statement: z.array(
    z.object({
      Effect: z.enum(['Allow', 'Deny']),
      Principal: z.union([z.literal('*').transform((AWS) => ({ AWS: [AWS] })), z.record(z.string(), oneOrMore)]),
    }),
  ),
});

/** These use a key on their own behalf. All others do it on behalf of a role. */
const services = ['events', 'logs', 'cloudwatch'] as const;

interface Principal {
  /** `AWS` or `Service`. */
  readonly kind: string;
  readonly name: string;
}

export async function checkKeys(verification: Verification): Promise<Finding> {
  const keys = [...verification.resources].filter(([, { type }]) => type === 'AWS::KMS::Key');
  const read = await Promise.all(keys.map(([id, { physicalId }]) => readKey(verification, id, physicalId)));
  const allowed = read.flatMap((key) => key.allowed);
  const missing = services.filter(
    (service) => !allowed.some(({ kind, name }) => kind === 'Service' && name.startsWith(`${service}.`)),
  );
  const faults = missing.map((service) => `No key’s policy lets ${service} use it.`);
  return { faults: [...read.flatMap((key) => key.faults), ...faults], seen: `keys: ${keys.length}` };
}

async function readKey({ clients: { kms } }: Verification, logicalId: string, KeyId: string) {
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  const { KeyRotationEnabled } = await kms.send(new GetKeyRotationStatusCommand({ KeyId }));
  const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId }));
  const account = accountOf(KeyMetadata?.Arn);
  const allowed: Principal[] = keyPolicy
    .parse(JSON.parse(Policy))
    .Statement.filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Principal }) =>
      Object.entries(Principal).flatMap(([kind, names]) => names.map((name) => ({ kind, name }))),
    );
  const strangers = allowed.filter(({ kind, name }) => kind !== 'Service' && accountOf(name) !== account);
  const faults = [
    ...(KeyMetadata?.KeyState === 'Enabled' ? [] : [`${logicalId} is ${KeyMetadata?.KeyState} instead of Enabled.`]),
    ...(KeyRotationEnabled === true ? [] : [`${logicalId} is not rotated.`]),
    ...strangers.map(({ name }) => `The policy of ${logicalId} lets ${name} use it.`),
  ];
  return { allowed, faults };
}

/** Of an ARN; principals may also be a bare account. */
function accountOf(principal: string | undefined): string | undefined {
  return principal?.split(':')[4] ?? principal;
}

export async function checkEncryption(verification: Verification): Promise<Finding> {
  const { stack, resources } = verification;
  const keyId = idOf(verification, 'DataKey');
  const isOurs = (key: string | undefined) => key?.endsWith(keyId) === true;
  const faults: string[] = [];
  const { UploadBucketName, RenditionBucketName } = stack.outputs;
  for (const Bucket of [UploadBucketName, RenditionBucketName]) {
    const { ServerSideEncryptionConfiguration } = await stack.clients.s3.send(
      new GetBucketEncryptionCommand({ Bucket }),
    );
    const [rule] = ServerSideEncryptionConfiguration?.Rules ?? [];
    if (!isOurs(rule?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID))
      faults.push(`The bucket ${Bucket} does not encrypt with the stack’s key.`);
  }
  const tables = physicalIds(resources, 'AWS::DynamoDB::Table');
  const grants = await readGrants(verification, keyId);
  for (const TableName of tables) {
    const { Table } = await stack.clients.dynamoDb.send(new DescribeTableCommand({ TableName }));
    if (!isOurs(Table?.SSEDescription?.KMSMasterKeyArn))
      faults.push(`The table ${TableName} is not encrypted with the stack’s key.`);
    // DynamoDB works with a grant of its own: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    if (!grants.some((grant) => isDynamoDbs(grant) && tableOf(grant) === TableName))
      faults.push(`DynamoDB has no grant to use the key for ${TableName}.`);
  }
  const account = accountOf(idOf(verification, 'ImagePipeline'));
  const strangers = grants.filter(({ GranteePrincipal }) => accountOf(GranteePrincipal) !== account);
  for (const grant of strangers.filter((one) => !isDynamoDbs(one))) {
    faults.push(`The grant ${grant.GrantId} lets ${granteeOf(grant)} use the stack’s key.`);
  }
  return { faults, seen: `tables: ${tables.length}, buckets: 2, grants: ${grants.length}` };
}

async function readGrants({ clients }: Verification, KeyId: string): Promise<GrantListEntry[]> {
  const pages = await Array.fromAsync(paginateListGrants({ client: clients.kms }, { KeyId }));
  return pages.flatMap(({ Grants = [] }) => Grants);
}

function granteeOf({ GranteePrincipal, GranteeServicePrincipal }: GrantListEntry): string {
  return GranteePrincipal ?? GranteeServicePrincipal ?? 'an unknown principal';
}

function isDynamoDbs(grant: GrantListEntry): boolean {
  return /^dynamodb\..*amazonaws\.com/.test(granteeOf(grant));
}

function tableOf({ Constraints }: GrantListEntry): string | undefined {
  const context = Constraints?.EncryptionContextSubset ?? Constraints?.EncryptionContextEquals;
  return context?.['aws:dynamodb:tableName'];
}
