import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { idempotentPipeline, rememberedOutcomes } from '../../adapters/aws/idempotent-pipeline.ts';
import type { DecidedOutcome } from '../../core/outcome.ts';
import type { Pipeline, PipelineInput } from '../../core/ports.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { mockClient } from '../support/mock-client.ts';
import { pipelineInput } from '../support/upload-events.ts';

const dynamoDb = mockClient(DynamoDBClient);
const run = vi.fn<Pipeline['run']>();
const processed = { outcome: 'processed', bytesOut: 567 } as const;

function newPipeline() {
  const client = new DynamoDBClient({ region: 'us-east-1' });
  return idempotentPipeline({ run }, { client, tableName: 'memory', keepSeconds: 600 })(lambdaContext());
}

const puts = () => dynamoDb.commandCalls(PutItemCommand).map(({ args: [{ input }] }) => input);

/** DynamoDB's answer if the record already exists. */
function alreadyThere(status: 'COMPLETED' | 'INPROGRESS', data?: object) {
  const seconds = Math.floor(Date.now() / 1000);
  return new ConditionalCheckFailedException({
    $metadata: {},
    message: 'The conditional request failed',
    Item: {
      id: { S: 'any' },
      status: { S: status },
      expiration: { N: String(seconds + 600) },
      ...(status === 'INPROGRESS' && { in_progress_expiration: { N: String((seconds + 30) * 1000) } }),
      ...(data && { data: { M: marshall(data) } }),
    },
  });
}

beforeEach(() => {
  dynamoDb.reset();
  run.mockReset().mockResolvedValue(processed);
});

describe('a new event', () => {
  it('runs the workflow and stores its decision', async () => {
    expect(await newPipeline().run(pipelineInput())).toEqual(processed);
    expect(run).toHaveBeenCalledExactlyOnceWith(pipelineInput());
    const [update] = dynamoDb.commandCalls(UpdateItemCommand);
    expect(update?.args[0].input).toMatchObject({ TableName: 'memory' });
    expect(JSON.stringify(update?.args[0].input.ExpressionAttributeValues)).toContain('processed');
  });

  it('whose workflow reached no decision is deleted, so that it does not block the next attempt', async () => {
    run.mockRejectedValue(new Error('The workflow ended FAILED'));
    await expect(newPipeline().run(pipelineInput())).rejects.toThrow('The workflow ended FAILED');
    expect(dynamoDb.commandCalls(DeleteItemCommand)).toHaveLength(1);
  });

  it('is locked no longer than the invocation can last, so that a killed worker does not block retries', async () => {
    const before = Date.now();
    await newPipeline().run(pipelineInput());
    const until = Number(puts()[0]?.Item?.['in_progress_expiration']?.N);
    expect(until - before).toBeGreaterThan(0);
    expect(until - before).toBeLessThanOrEqual(30_000 + (Date.now() - before));
  });
});

describe('a repeated event', () => {
  it.each<[DecidedOutcome, object]>([
    ['processed', { outcome: 'processed', bytesOut: 567 }],
    ['rejected', { outcome: 'rejected', reason: 'corrupt' }],
    ['deleted', { outcome: 'deleted' }],
    // Stored by older code, without the bytes, and by newer code, with more fields.
    ['processed', { outcome: 'processed' }],
    ['processed', { outcome: 'processed', bytesOut: 567, seconds: 2 }],
  ])('that ended as %s returns the stored outcome, marked as a repeat: %j', async (outcome, remembered) => {
    dynamoDb.on(PutItemCommand).rejects(alreadyThere('COMPLETED', remembered));
    expect(await newPipeline().run(pipelineInput())).toEqual({ outcome, repeated: true });
    expect(run).not.toHaveBeenCalled();
  });

  it('with an invalid stored decision returns to the queue', async () => {
    dynamoDb.on(PutItemCommand).rejects(alreadyThere('COMPLETED', { outcome: 'failed' }));
    await expect(newPipeline().run(pipelineInput())).rejects.toThrow('outcome');
    expect(run).not.toHaveBeenCalled();
  });

  it('that another worker is handling returns to the queue', async () => {
    dynamoDb.on(PutItemCommand).rejects(alreadyThere('INPROGRESS'));
    await expect(newPipeline().run(pipelineInput())).rejects.toThrow(/in progress/i);
    expect(run).not.toHaveBeenCalled();
  });
});

describe('the identity of an event', () => {
  const keyOf = async (input: PipelineInput) => {
    dynamoDb.resetHistory();
    await newPipeline().run(input);
    return puts()[0]?.Item?.['id']?.S;
  };

  it('is image, version and sequencer, regardless of message and attempt', async () => {
    const again = { ...pipelineInput({}, true), correlationId: 'another', occurredAt: '2027-01-01T00:00:00Z' };
    expect(await keyOf(again)).toBe(await keyOf(pipelineInput()));
  });

  it.each([
    ['image', { imageId: 'beef0000beef0000beef0000beef0000' }],
    ['version', { versionId: 'v2' }],
    ['sequencer', { sequencer: '0055AED6DCD90281E600000000000000' }],
  ])('differs with another %s', async (_, changes) => {
    expect(await keyOf(pipelineInput(changes))).not.toBe(await keyOf(pipelineInput()));
  });

  it('includes the etag if the bucket is not versioned', async () => {
    const one = await keyOf(pipelineInput({ versionId: undefined, etag: 'e1' }));
    expect(await keyOf(pipelineInput({ versionId: undefined, etag: 'e2' }))).not.toBe(one);
  });
});

describe('looking up how an event ended', () => {
  const remembered = () =>
    rememberedOutcomes({ client: new DynamoDBClient({ region: 'us-east-1' }), tableName: 'memory' }).find(
      pipelineInput(),
    );

  it.each([['COMPLETED'], ['INPROGRESS']] as const)(
    'returns a decision, not an attempt in progress: %s',
    async (status) => {
      dynamoDb.on(GetItemCommand).resolves({ Item: alreadyThere(status, { outcome: 'vanished' }).Item });
      expect(await remembered()).toBe(status === 'COMPLETED' ? 'vanished' : undefined);
    },
  );

  it('returns undefined for an event that was never decided', async () => {
    dynamoDb.on(GetItemCommand).resolves({});
    expect(await remembered()).toBeUndefined();
  });

  it('uses the key that the dispatcher wrote', async () => {
    dynamoDb.on(GetItemCommand).resolves({});
    await newPipeline().run(pipelineInput());
    await remembered();
    expect(dynamoDb.commandCalls(GetItemCommand)[0]?.args[0].input.Key).toEqual({ id: puts()[0]?.Item?.['id'] });
  });
});
