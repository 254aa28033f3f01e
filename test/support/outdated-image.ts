import { PutObjectCommand } from '@aws-sdk/client-s3';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { imageIdOf } from '../../core/image.ts';
import type { emulatedPipeline } from './emulated-pipeline.ts';

/**
 * As if a processed image had been made with earlier presets: one had another quality, and one is gone since.
 *
 * @returns the key of the rendition that is no longer wanted
 */
export async function makeOutdated(
  { stack, s3, bucket, renditionBucket, record }: ReturnType<typeof emulatedPipeline>,
  key: string,
): Promise<string> {
  const imageId = await imageIdOf(bucket, key);
  const { sequencer } = z.object({ sequencer: z.string() }).parse(await record(key));
  const gone = { preset: 'webp-96', key: `${imageId}/${sequencer}/webp-96.webp`, contentType: 'image/webp' };
  await s3.send(new PutObjectCommand({ Bucket: renditionBucket, Key: gone.key, Body: 'x', IfNoneMatch: '*' }));
  await stack.clients.table.send(
    new UpdateCommand({
      ...{ TableName: stack.outputs.ImageTableName, Key: { imageId } },
      UpdateExpression: 'SET renditions[0].settings = :other, renditions = list_append(renditions, :gone)',
      ExpressionAttributeValues: {
        ':other': 'webp 1 q1',
        ':gone': [{ ...gone, width: 1, height: 1, bytes: 1, settings: 'webp 96 q80 e2' }],
      },
    }),
  );
  return gone.key;
}
