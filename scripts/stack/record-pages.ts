import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { imageRecord } from '../../adapters/contracts/image-record.ts';
import type { ImageRecord } from '../../core/record.ts';
import type { Stack } from './stack.ts';

/** DynamoDB's key of the last item that was read. */
export type Place = Readonly<Record<string, unknown>>;

interface RecordPage {
  readonly records: readonly ImageRecord[];
  /** Items that were read, with those that have another key or are no records. */
  readonly read: number;
  /** Where the next page begins; undefined after the last. */
  readonly next: Place | undefined;
}

/** All records of a stack, or those whose key begins with a prefix, in no order. */
export async function* recordPages(
  { clients: { table }, outputs: { ImageTableName } }: Stack,
  {
    prefix,
    from,
    turn,
  }: {
    readonly prefix: string | undefined;
    readonly from: Place | undefined;
    /** Awaited before each page. */
    readonly turn?: () => Promise<void>;
  },
): AsyncGenerator<RecordPage> {
  let next = from;
  do {
    await turn?.();
    const {
      Items = [],
      ScannedCount = Items.length,
      LastEvaluatedKey,
    } = await table.send(
      new ScanCommand({
        TableName: ImageTableName,
        ExclusiveStartKey: next,
        // The mark of an erased version is no record.
        FilterExpression: `attribute_exists(sequencer)${prefix === undefined ? '' : ' AND begins_with(#key, :prefix)'}`,
        ...(prefix !== undefined && {
          ExpressionAttributeNames: { '#key': 'key' },
          ExpressionAttributeValues: { ':prefix': prefix },
        }),
      }),
    );
    next = LastEvaluatedKey;
    yield { records: Items.map((item) => imageRecord.parse(item)), read: ScannedCount, next };
  } while (next !== undefined);
}
