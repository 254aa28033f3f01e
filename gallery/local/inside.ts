/** What the page's inside view shows of the pipeline on this machine: its queue and its latest events. */
import type { ServerResponse } from 'node:http';
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { eventSource, projectName } from '../../core/names.ts';
import type { Stack } from '../../scripts/stack/stack.ts';

export interface Inside {
  answer(response: ServerResponse): Promise<void>;
}

const SHOWN_EVENTS = 20;

/** Receives the domain events in a separate queue, which ends with the emulator. */
export async function insideOf({
  clients,
  outputs,
}: {
  readonly clients: Pick<Stack['clients'], 'sqs' | 'events'>;
  readonly outputs: Pick<Stack['outputs'], 'DomainEventBusName' | 'UploadQueueUrl'>;
}): Promise<Inside> {
  const name = `${projectName}-gallery-inside`;
  const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes: { QueueArn } = {} } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const onBus = { EventBusName: outputs.DomainEventBusName };
  await clients.events.send(
    new PutRuleCommand({ ...onBus, Name: name, EventPattern: JSON.stringify({ source: [eventSource] }) }),
  );
  await clients.events.send(new PutTargetsCommand({ ...onBus, Rule: name, Targets: [{ Id: 'queue', Arn: QueueArn }] }));

  let latest: readonly unknown[] = [];
  /** All that are waiting, also those that came while no one looked. */
  const readEvents = async (): Promise<void> => {
    for (;;) {
      const received = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      const { Messages = [] } = received;
      if (Messages.length === 0) return;
      const found = Messages.map(({ Body = 'null' }): unknown => JSON.parse(Body));
      latest = [...found.reverse(), ...latest].slice(0, SHOWN_EVENTS);
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await clients.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  };
  return {
    async answer(response) {
      await readEvents();
      const { Attributes } = await clients.sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: outputs.UploadQueueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      const waiting = Number(Attributes?.['ApproximateNumberOfMessages'] ?? 0);
      // A dispatcher keeps the message until its image's workflow has ended.
      const running = Number(Attributes?.['ApproximateNumberOfMessagesNotVisible'] ?? 0);
      response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      response.end(JSON.stringify({ queue: { waiting, running }, events: latest }));
    },
  };
}
