/** Upload → record on the emulator, and how much of that is not image work. */
import { readFileSync } from 'node:fs';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { quantile } from 'simple-statistics';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { imageIdOf } from '../../core/image.ts';
import type { Bytes } from '../../core/ports.ts';
import { renditionGroups } from '../../core/presets.ts';
import { presetsFor } from '../../core/rendition.ts';
import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import { type Followed, follow } from '../../scripts/stack/follow.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import { logDirectory, shownPath } from '../../scripts/terminal/project.ts';
import { openImage } from '../../test/support/open-image.ts';
import { table } from '../table.ts';

const IMAGES = 100;
const PATIENCE_MILLIS = 300_000;

export async function benchPipeline(): Promise<string> {
  isolateThisProcess();
  const { stack, emulator } = await startLocalStack(0, (_title, work) => work(() => undefined));
  try {
    const send = sender(stack);
    const bytes = new Uint8Array(readFileSync(new URL('../../docs/samples/rocket.jpg', import.meta.url)));
    await send(bytes, 'warm-up.jpg');
    const alone: number[] = [];
    const imageWork: number[] = [];
    for (let image = 0; image < IMAGES; image += 1) {
      alone.push(await send(bytes, `alone-${image}.jpg`));
      imageWork.push(await millisOfImageWork(bytes));
    }
    const startedAt = performance.now();
    const together = await Promise.all(
      Array.from({ length: IMAGES }, (_, image) => send(bytes, `together-${image}.jpg`)),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const share = 100 * (1 - quantile(imageWork, 0.5) / quantile(alone, 0.5));
    return [
      `${IMAGES} uploads of a ${(bytes.length / 1000).toFixed(0)} kB photograph, upload → record, milliseconds:`,
      '',
      table(
        ['', 'p50', 'p95', 'most'],
        [
          ['one after the other', ...figures(alone)],
          [`all at once (${(IMAGES / seconds).toFixed(1)} images per second)`, ...figures(together)],
          ['image work alone, in one process', ...figures(imageWork)],
        ],
      ),
      '',
      `Not image work, one after the other: ${share.toFixed(0)} % of the time (the emulator's queue is polled, its Lambdas are processes).`,
    ].join('\n');
  } finally {
    stack.close();
    await emulator.stop();
  }
}

function sender(stack: Stack) {
  const { UploadBucketName: Bucket } = stack.outputs;
  const giveUp = (quietMillis: number) => quietMillis > PATIENCE_MILLIS;
  return async (bytes: Bytes, Key: string): Promise<number> => {
    const startedAt = performance.now();
    const upload: Followed<string> = {
      imageId: await imageIdOf(Bucket, Key),
      outcomeIn: (record) => record?.outcome,
    };
    await stack.clients.s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes }));
    for await (const { outcome } of follow([upload], stack, { pauseMillis: 20, giveUp })) {
      if (outcome === undefined)
        throw new Error(`${Key} has no record after five minutes: see ${shownPath(logDirectory)}.`);
      break;
    }
    return performance.now() - startedAt;
  };
}

/** What the workers do, side by side as in the workflow, without network, queue or process. */
async function millisOfImageWork(bytes: Bytes): Promise<number> {
  const codec = sharpImageCodec();
  const startedAt = performance.now();
  const image = await openImage(codec, bytes);
  await Promise.all([
    image.portray(),
    ...renditionGroups.map((group) => image.render(presetsFor(image.header, group.presets))),
  ]);
  return performance.now() - startedAt;
}

function figures(values: readonly number[]): string[] {
  return [0.5, 0.95, 1].map((share) => quantile(values, share).toFixed(0));
}
