import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { TableChange } from '../../core/history.ts';
import { tableItem } from './image-record.ts';
import * as z from './zod.ts';

const attributeValue = z.custom<AttributeValue>((value) => typeof value === 'object' && value !== null);
const item = z.record(z.string(), attributeValue);

/** A change of the image table as its stream delivers it. */
const streamRecord = z.object({
  dynamodb: z.object({
    // Seconds from Lambda; a text from `aws dynamodbstreams get-records`, whose output an operator can send to the function.
    ApproximateCreationDateTime: z.union([z.number(), z.iso.datetime({ offset: true })]),
    SequenceNumber: z.string().check(z.regex(/^\d{1,40}$/)),
    Keys: z.object({ imageId: z.object({ S: z.text }) }),
    OldImage: z.optional(item),
    NewImage: z.optional(item),
  }),
  // Only of what DynamoDB itself removes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
  userIdentity: z.nullish(z.object({ principalId: z.optional(z.string()) })),
});

const streamEvent = z.object({ Records: z.array(streamRecord) });

/** @throws {Error} naming every wrong field: the stream is not that of the image table, or does not carry both images of an item */
export function parseTableChanges(event: unknown): readonly TableChange[] {
  return streamEvent.parse(event).Records.map(({ dynamodb, userIdentity }) => {
    const { ApproximateCreationDateTime, SequenceNumber, Keys, OldImage, NewImage } = dynamodb;
    const itemId = Keys.imageId.S;
    const [before, after] = [OldImage, NewImage].map((image) => image && unmarshall(image));
    return {
      order: SequenceNumber,
      at: timeOf(ApproximateCreationDateTime).toISOString(),
      itemId,
      before: before && tableItem(itemId, before),
      after: after && { item: tableItem(itemId, after), attributes: after },
      expired: userIdentity?.principalId === 'dynamodb.amazonaws.com',
    };
  });
}

function timeOf(created: number | string): Date {
  return new Date(typeof created === 'number' ? created * 1000 : created);
}
