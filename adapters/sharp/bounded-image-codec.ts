import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Limits, rejectExcess } from '../../core/limits.ts';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Rejection } from '../../core/outcome.ts';
import type { Bytes, ImageCodec } from '../../core/ports.ts';
import { opened, portrayed, rendered } from './image-messages.ts';
import { type Excess, type ImageProcess, startImageProcess } from './image-process.ts';

export interface BoundedImageCodec extends ImageCodec {
  /** Largest resident memory of the current process. */
  readonly peakMegabytes: number;
}

// Measured: 190 with the largest file, which a worker holds twice while it sends it (lab/docs/performance.md).
const WORKER_MEGABYTES = 300;

interface Settings {
  /** A program that calls `serveImages`. */
  readonly script: string;
  /** Memory of the function (AWS_LAMBDA_FUNCTION_MEMORY_SIZE); the process gets what the worker itself leaves of it. */
  readonly functionMegabytes: number;
  readonly limits: Limits;
}

/**
 * An `ImageCodec` in a process of its own, without credentials, whose time and memory are bounded whatever a decoder does
 * (docs/decisions/0010-image-process.md). One image at a time.
 */
export function boundedImageCodec({ script, functionMegabytes, limits }: Settings): BoundedImageCodec {
  const memoryMegabytes = functionMegabytes - WORKER_MEGABYTES;
  const start = () =>
    holder(startImageProcess(script, { memoryMegabytes, ...limits.seconds, answerBytes: limits.bytes }));
  let current = start();
  const running = () => {
    if (current.process.hasEnded) current = start();
    return current;
  };

  const decide = async <Answer>(work: (holder: Holder) => Promise<Answer | Excess>): Promise<Answer | Rejection> => {
    const used = running();
    const first = await work(used);
    if (!isExcess(first)) return first;
    // An earlier image may have left its process short of memory, or broken: only a new process is believed.
    const last = first.bound !== 'time' && used.hadOtherImages ? await work(running()) : first;
    return isExcess(last) ? rejectExcess(last.bound, limits) : last;
  };

  let previous: Promise<unknown> = Promise.resolve();
  const inTurn: typeof decide = (work) => {
    const decision = previous.then(() => decide(work));
    previous = decision.catch(() => undefined);
    return decision;
  };

  return {
    async open(bytes) {
      const image = await inTurn((holder) => holder.open(bytes));
      if (image.outcome === 'rejected') return image;
      return {
        ...image,
        portray: () => inTurn((holder) => holder.with(bytes, ({ ask }) => ask({ ask: 'portray' }, portrayed))),
        async render(presets, focus) {
          const result = await inTurn((holder) =>
            holder.with(bytes, ({ ask }) =>
              ask({ ask: 'render', presets: [...presets], ...(focus && { focus }) }, rendered),
            ),
          );
          if (result.outcome === 'rejected') return result;
          const renditions = presets.flatMap((preset, at) => {
            const rendition = result.renditions[at];
            return rendition === undefined ? [] : [{ preset, ...rendition }];
          });
          return { outcome: 'rendered', renditions };
        },
      };
    },
    get peakMegabytes() {
      return current.process.peakMegabytes;
    },
  };
}

type Opened = { readonly outcome: 'open'; readonly header: ImageHeader } | Rejection | Excess;

/** A process and the image that it has open. */
interface Holder {
  readonly process: ImageProcess;
  readonly hadOtherImages: boolean;
  open(bytes: Bytes): Promise<Opened>;
  /** Opens the image first, unless it is the one that is open. */
  with<Answer>(
    bytes: Bytes,
    work: (process: ImageProcess) => Promise<Answer | Excess>,
  ): Promise<Answer | Rejection | Excess>;
}

function holder(process: ImageProcess): Holder {
  // Weak, because a worker may be idle for long after an image.
  let held: WeakRef<Bytes> | undefined;
  let images = 0;
  const open = async (bytes: Bytes): Promise<Opened> => {
    images += 1;
    held = new WeakRef(bytes);
    const path = join(tmpdir(), `image-${randomUUID()}`);
    try {
      await writeFile(path, bytes, { mode: 0o600 });
      return await process.ask({ ask: 'open', path }, opened);
    } finally {
      await rm(path, { force: true });
    }
  };
  return {
    process,
    get hadOtherImages() {
      return images > 1;
    },
    open,
    async with(bytes, work) {
      const image = held?.deref() === bytes ? undefined : await open(bytes);
      return image === undefined || image.outcome === 'open' ? work(process) : image;
    },
  };
}

function isExcess(answer: unknown): answer is Excess {
  return typeof answer === 'object' && answer !== null && 'outcome' in answer && answer.outcome === 'exceeded';
}
