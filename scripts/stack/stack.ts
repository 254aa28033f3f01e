/** A deployed stack and the clients to use it. */
import {
  CloudFormationClient,
  type Stack as DescribedStack,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { projectTitle } from '../../core/names.ts';
import { Failure } from '../terminal/failure.ts';

/** The outputs of template.yaml that scripts use. */
export const stackOutputs = z.object({
  UploadBucketName: z.string(),
  AdoptedBucketName: z.string().optional(),
  RenditionBucketName: z.string(),
  ImageTableName: z.string(),
  HistoryBucketName: z.string(),
  IdempotencyTableName: z.string(),
  DomainEventBusName: z.string(),
  // Only in an account: the emulator's CloudFormation has no archives.
  DomainEventArchiveName: z.string().optional(),
  UploadQueueUrl: z.string(),
  OverflowQueueUrl: z.string(),
  UploadDeadLetterQueueUrl: z.string(),
  UndeliveredEventQueueUrl: z.string(),
  StateMachineArn: z.string(),
  // Only with DeployBackfill.
  BackfillArn: z.string().optional(),
  IntakeConcurrency: z.coerce.number(),
  // Only in an account: the emulator cannot run the circuit breaker.
  IntakeBreakerArn: z.string().optional(),
  IntakeBreakerRuleName: z.string().optional(),
});
export type StackOutputs = z.infer<typeof stackOutputs>;

/** The buckets whose changes reach the pipeline. */
export function uploadBuckets({ UploadBucketName, AdoptedBucketName }: StackOutputs): readonly string[] {
  return [UploadBucketName, ...(AdoptedBucketName === undefined ? [] : [AdoptedBucketName])];
}

export interface Stack {
  readonly name: string;
  /** Runs on this machine: nothing costs money, and some AWS calls are not supported. */
  readonly emulated: boolean;
  readonly outputs: StackOutputs;
  readonly clients: StackClients;
  /** For creating SDK clients other than {@link clients}. */
  readonly clientConfig: ClientConfig;
  /** Closes the clients. The stack itself stays up. */
  close(): void;
}

/** Empty for an account: the SDK uses the profile and region of the environment. */
type ClientConfig = Pick<
  DynamoDBClientConfig,
  'endpoint' | 'region' | 'credentials' | 'requestHandler' | 'maxAttempts'
>;

/** Each client is created on first use. */
interface StackClients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly dynamoDb: DynamoDBClient;
  readonly table: DynamoDBDocumentClient;
  readonly lambda: LambdaClient;
  readonly events: EventBridgeClient;
  readonly stepFunctions: SFNClient;
  readonly cloudWatch: CloudWatchClient;
  readonly cloudFormation: CloudFormationClient;
}

export type StackAddress = Pick<Stack, 'name' | 'emulated' | 'clientConfig'>;

/** A stack that may have no outputs, because its deployment or deletion has failed. */
export type NamedStack = Pick<Stack, 'name' | 'clients' | 'close'>;

export function namedStack(address: StackAddress): NamedStack {
  return { name: address.name, ...lazyClients(address) };
}

/** @throws {Failure} if there is no such stack */
export async function describeStack({ name, clients }: Pick<NamedStack, 'name' | 'clients'>): Promise<DescribedStack> {
  try {
    const { Stacks: [found] = [] } = await clients.cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
    if (found !== undefined) return found;
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('does not exist')) throw error;
  }
  throw new Failure(`There is no stack ${name}: check --stack, and your AWS profile and region.`);
}

/** For a stack whose outputs are known; {@link readStack} reads them from CloudFormation. */
export function stackOf(address: StackAddress & { readonly outputs: StackOutputs }): Stack {
  return { ...address, ...lazyClients(address) };
}

/** @throws {Failure} if the stack does not exist or lacks outputs. */
export async function readStack(address: StackAddress): Promise<Stack> {
  const { name, emulated, clientConfig } = address;
  const cloudFormation = new CloudFormationClient(clientConfig);
  try {
    const { Stacks: [found] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = (found?.Outputs ?? []).map(({ OutputKey = '', OutputValue }) => [OutputKey, OutputValue]);
    return stackOf({ name, emulated, clientConfig, outputs: parseOutputs(name, Object.fromEntries(outputs)) });
  } finally {
    cloudFormation.destroy();
  }
}

/** A stack in the account and region of the current AWS profile. @throws {Failure} if it cannot be read. */
export async function accountStack(name: string): Promise<Stack> {
  try {
    return await readStack({ name, emulated: isOnThisMachine(process.env['AWS_ENDPOINT_URL']), clientConfig: {} });
  } catch (error) {
    if (error instanceof Failure) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      `Cannot read the stack ${name} (${reason.replace(/\.$/, '')}): check --stack, and your AWS profile and region.`,
    );
  }
}

/** The shell settings of `npm start`, and a rehearsed release, lead to an emulator. */
function isOnThisMachine(endpoint: string | undefined): boolean {
  return endpoint !== undefined && URL.parse(endpoint)?.hostname === '127.0.0.1';
}

function parseOutputs(name: string, outputs: Readonly<Record<string, unknown>>): StackOutputs {
  const parsed = stackOutputs.safeParse(outputs);
  if (parsed.success) return parsed.data;
  const missing = [...new Set(parsed.error.issues.map(({ path }) => path.join('.')))].join(', ');
  throw new Failure(
    `The stack ${name} has no output ${missing}: check the name; if it is a ${projectTitle} stack, deploy it again.`,
  );
}

/** The physical name or id of a resource in template.yaml. */
export async function physicalId({ name, clients }: Stack, logicalId: string): Promise<string> {
  const { StackResourceDetail } = await clients.cloudFormation.send(
    new DescribeStackResourceCommand({ StackName: name, LogicalResourceId: logicalId }),
  );
  const found = StackResourceDetail?.PhysicalResourceId;
  if (found === undefined) throw new Failure(`The stack ${name} has no ${logicalId}: deploy it again.`);
  return found;
}

interface Closable {
  destroy(): void;
}

function lazyClients({ emulated, clientConfig }: StackAddress): Pick<Stack, 'clients' | 'close'> {
  const opened: Closable[] = [];
  const once = <Client extends Closable>(create: () => Client): (() => Client) => {
    let client: Client | undefined;
    return () => {
      if (client === undefined) {
        client = create();
        opened.push(client);
      }
      return client;
    };
  };
  const s3 = once(() => new S3Client({ ...clientConfig, forcePathStyle: emulated }));
  // Use the client's endpoint instead of the host in the queue's URL.
  const sqs = once(() => new SQSClient({ ...clientConfig, useQueueUrlAsEndpoint: false }));
  const dynamoDb = once(() => new DynamoDBClient(clientConfig));
  const table = once(() => DynamoDBDocumentClient.from(dynamoDb()));
  const lambda = once(() => new LambdaClient(clientConfig));
  const events = once(() => new EventBridgeClient(clientConfig));
  const stepFunctions = once(() => new SFNClient(clientConfig));
  const cloudWatch = once(() => new CloudWatchClient(clientConfig));
  const cloudFormation = once(() => new CloudFormationClient(clientConfig));
  return {
    clients: {
      get s3() {
        return s3();
      },
      get sqs() {
        return sqs();
      },
      get dynamoDb() {
        return dynamoDb();
      },
      get table() {
        return table();
      },
      get lambda() {
        return lambda();
      },
      get events() {
        return events();
      },
      get stepFunctions() {
        return stepFunctions();
      },
      get cloudWatch() {
        return cloudWatch();
      },
      get cloudFormation() {
        return cloudFormation();
      },
    },
    close: () => {
      for (const client of opened) client.destroy();
    },
  };
}
