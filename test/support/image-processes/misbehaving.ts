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
    return super.open(bytes);
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
      case 'lie':
        this.header = { ...photoHeader, width: -1 };
    }
  }
}

serveImages(new MisbehavingCodec());
