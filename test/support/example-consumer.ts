import { readFileSync } from 'node:fs';
import { InMemoryTable } from '../model/in-memory-table.ts';
import { TaskError } from './asl.ts';

export interface Delivered {
  readonly type: string;
  readonly detail: { readonly image: { readonly id: string; readonly sequencer: string } };
}

// The text itself, so that what consumers copy is what is tested.
export const [, consumerCondition = ''] =
  /^ {4}(attribute_not_exists\(sequencer\) OR .+)$/m.exec(
    readFileSync(new URL('../../docs/events/README.md', import.meta.url), 'utf8'),
  ) ?? [];

const ranks: Readonly<Record<string, string>> = {
  ...{ ImageFailed: '0', ImageProcessed: '1', ImageRejected: '1', ImageDeleted: '2' },
};

/** A consumer that keeps the newest event of each image, under the condition that docs/events/README.md states. */
export class ExampleConsumer {
  readonly #table = new InMemoryTable();

  receive({ type, detail: { image } }: Delivered): void {
    const [sequencer, rank] = [{ S: image.sequencer }, { N: ranks[type] ?? '-1' }];
    try {
      this.#table.put(
        { imageId: { S: image.id }, type: { S: type }, sequencer, rank },
        {
          ConditionExpression: consumerCondition,
          ExpressionAttributeNames: { '#rank': 'rank' },
          ExpressionAttributeValues: { ':sequencer': sequencer, ':rank': rank },
        },
      );
    } catch (error) {
      // The event is a repeat, or older than what is known.
      if (!(error instanceof TaskError)) throw error;
    }
  }

  /** `ImageProcessed at 0055…`, or undefined if nothing is known of the image. */
  believes(imageId: string): string | undefined {
    const item = this.#table.get({ imageId: { S: imageId } });
    return item && `${item['type']?.S} at ${item['sequencer']?.S}`;
  }
}
