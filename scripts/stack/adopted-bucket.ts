import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import type { Stack } from './stack.ts';

/** As its owner would prepare it: the template names the bucket and does not create it. */
export async function createAdoptedBucket({ clients: { s3 }, outputs }: Stack): Promise<void> {
  const { AdoptedBucketName: Bucket } = outputs;
  if (Bucket === undefined) return;
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: { EventBridgeConfiguration: {} },
    }),
  );
}
