import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { ImageCodec, OpenImage } from '../../core/ports.ts';
import { isOutOfMemory } from './decoder-messages.ts';
import { framed } from './frames.ts';
import { type Asked, type Reply, request } from './image-messages.ts';

// image-process.ts opens it.
const ANSWERS = 3;

/** The image process: answers one request after another until its worker ends (bounded-image-codec.ts). */
export function serveImages(codec: ImageCodec): void {
  const answers = new Socket({ fd: ANSWERS, readable: false, writable: true });
  const send = (message: Reply | { readonly ready: true }) => void answers.write(framed(message));
  let image: OpenImage | undefined;

  const answer = async (asked: Asked) => {
    if (asked.ask === 'open') {
      const opened = await codec.open(new Uint8Array(await readFile(asked.path)));
      image = opened.outcome === 'open' ? opened : undefined;
      return opened.outcome === 'open' ? { outcome: opened.outcome, header: opened.header } : opened;
    }
    if (image === undefined) throw new Error('No image is open.');
    if (asked.ask === 'portray') return image.portray();
    const rendered = await image.render(asked.presets, asked.focus);
    if (rendered.outcome === 'rejected') return rendered;
    const renditions = rendered.renditions.map(({ preset: _, ...rendition }) => rendition);
    return { outcome: rendered.outcome, renditions };
  };

  const requests = createInterface({ input: process.stdin });
  requests.on('line', async (line) => {
    const { id, request: asked } = request.parse(JSON.parse(line));
    try {
      send({ id, answer: await answer(asked), peakMegabytes: peakMegabytes() });
    } catch (error) {
      const message = error instanceof Error ? error.message.slice(0, MOST_WORDS) : String(error);
      send({ id, failed: { message, outOfMemory: isOutOfMemory(error) }, peakMegabytes: peakMegabytes() });
    }
  });
  // The worker has ended.
  requests.on('close', () => process.exit());
  send({ ready: true });
}

// A decoder repeats its warnings.
const MOST_WORDS = 2_000;

function peakMegabytes(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
