import { writeSync } from 'node:fs';
import { framed } from '../../../adapters/sharp/frames.ts';
import { serveImages } from '../../../adapters/sharp/serve-images.ts';
import type { ImageCodec } from '../../../core/ports.ts';
import { photoHeader, StubImageCodec } from '../stub-image-codec.ts';

/** An image process that does what the first word of its image says. */
class MisbehavingCodec extends StubImageCodec {
  #images = 0;

  override async open(bytes: Uint8Array<ArrayBuffer>): ReturnType<ImageCodec['open']> {
    this.#images += 1;
    const [word, again] = new TextDecoder().decode(bytes).split(' ');
    const isFirst = this.#images === 1;
    if (again !== 'later' || !isFirst) await this.#behave(word);
    const image = await super.open(bytes);
    if (word !== 'slow' || image.outcome === 'rejected') return image;
    return {
      ...image,
      portray: () => {
        const until = process.cpuUsage().user + 400_000;
        while (process.cpuUsage().user < until);
        return image.portray();
      },
    };
  }

  async #behave(word: string | undefined): Promise<void> {
    switch (word) {
      case 'crash':
        return process.abort();
      case 'exit':
        return process.exit(3);
      case 'killed':
        return void process.kill(process.pid, 'SIGKILL');
      case 'frozen':
        return void process.kill(process.pid, 'SIGSTOP');
      case 'loop':
        for (;;);
      case 'starve':
        throw new Error('vips_tracked: out of memory -- size == 114MB');
      case 'fail':
        throw new Error('a bug');
      case 'environment':
        throw new Error(JSON.stringify(Object.keys(process.env)));
      case 'hang':
        return new Promise(() => undefined);
      case 'prepare':
        // An answer to a question that has not been asked.
        return void writeSync(3, framed({ id: 'guessed', answer: {}, peakMegabytes: 1 }));
      case 'endless':
        return void writeSync(3, Uint8Array.of(0x7f, 0xff, 0xff, 0xff));
      case 'lie':
        this.header = { ...photoHeader, width: -1 };
    }
  }
}

serveImages(new MisbehavingCodec());
