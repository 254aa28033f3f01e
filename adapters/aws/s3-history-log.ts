import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { HistoryLog } from '../../core/record-history.ts';
import { historyKey } from '../contracts/history-keys.ts';
import { formatLine } from '../contracts/history-line.ts';

export function s3HistoryLog({ client, bucket }: { readonly client: S3Client; readonly bucket: string }): HistoryLog {
  return {
    async append(part, lines) {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: historyKey(part),
          Body: lines.map((line) => `${formatLine(line)}\n`).join(''),
          ContentType: 'application/jsonl',
        }),
      );
    },
  };
}
