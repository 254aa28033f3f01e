import { readFile } from 'node:fs/promises';
import type { ImageCodec, OpenImage } from '../../core/ports.ts';
import { type Reply, type Request, request } from './image-messages.ts';
import { isOutOfMemory } from './sharp-image-codec.ts';

/** The image process: answers one request after another until its worker ends (bounded-image-codec.ts). */
export function serveImages(codec: ImageCodec): void {
  let image: OpenImage | undefined;

  const answer = async (asked: Request) => {
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

  process.on('message', async (message) => {
    try {
      send({ answer: await answer(request.parse(message)), peakMegabytes: peakMegabytes() });
    } catch (error) {
      const failed = {
        message: error instanceof Error ? error.message : String(error),
        outOfMemory: isOutOfMemory(error),
      };
      send({ failed, peakMegabytes: peakMegabytes() });
    }
  });
  process.on('disconnect', () => process.exit());
  send({ ready: true });
}

function send(message: Reply | { readonly ready: true }): void {
  if (process.send === undefined) throw new Error('Only a worker can start this program: it has no channel to answer.');
  process.send(message);
}

function peakMegabytes(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
