/** What the page's inside view shows of the pipeline on this machine: its queue, its workers and its latest events. */
import type { ServerResponse } from 'node:http';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Stack } from '../../scripts/stack/stack.ts';

export interface Inside {
  answer(response: ServerResponse): Promise<void>;
}

export function insideOf({ clients, outputs }: Stack): Inside {
  return {
    async answer(response) {
      const { Attributes } = await clients.sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: outputs.UploadQueueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      const waiting = Number(Attributes?.['ApproximateNumberOfMessages'] ?? 0);
      const running = Number(Attributes?.['ApproximateNumberOfMessagesNotVisible'] ?? 0);
      response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      response.end(JSON.stringify({ queue: { waiting, running }, workers: { busy: running }, events: [] }));
    },
  };
}
