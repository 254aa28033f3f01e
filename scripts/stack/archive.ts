/** The archive of the domain events. */
import {
  CreateArchiveCommand,
  DescribeArchiveCommand,
  DescribeEventBusCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { eventSource } from '../../core/names.ts';
import { Failure } from '../terminal/failure.ts';
import type { Stack } from './stack.ts';

const archive = z.object({ ArchiveArn: z.string(), EventSourceArn: z.string(), EventCount: z.number().default(0) });

export async function readArchive({ name, clients, outputs }: Stack) {
  const ArchiveName = outputs.DomainEventArchiveName ?? nameOnEmulator(outputs);
  try {
    return archive.parse(await clients.events.send(new DescribeArchiveCommand({ ArchiveName })));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new Failure(`${name} has no archive of domain events: deploy it again.`);
  }
}

/** The emulator's CloudFormation does not know archives, so a local stack gets its archive after the deployment. */
export async function createArchive({ clients, outputs }: Stack): Promise<void> {
  const { Arn } = await clients.events.send(new DescribeEventBusCommand({ Name: outputs.DomainEventBusName }));
  await clients.events.send(
    new CreateArchiveCommand({
      ArchiveName: nameOnEmulator(outputs),
      EventSourceArn: Arn,
      EventPattern: JSON.stringify({ source: [eventSource], 'detail-type': [{ 'anything-but': 'ImageDescribed' }] }),
    }),
  );
}

function nameOnEmulator({ DomainEventBusName }: Stack['outputs']): string {
  return DomainEventBusName;
}
