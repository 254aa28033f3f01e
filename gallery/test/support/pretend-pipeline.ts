/**
 * The pipeline in one process: its own use cases with the real codec, over stores in memory. It returns domain events as EventBridge
 * delivers them.
 */
import { sharpImageCodec } from '../../../adapters/sharp/sharp-image-codec.ts';
import { extractMetadata } from '../../../core/extract-metadata.ts';
import type { ImageId, Sequencer } from '../../../core/image.ts';
import { defaultLimits } from '../../../core/limits.ts';
import { eventSource } from '../../../core/names.ts';
import type { Bytes } from '../../../core/ports.ts';
import { renditionGroups } from '../../../core/presets.ts';
import { resizeImage } from '../../../core/resize-image.ts';
import { InMemoryRenditionStore } from '../../../test/support/in-memory-rendition-store.ts';
import { InMemoryUploadStore } from '../../../test/support/in-memory-upload-store.ts';

/** One version of an image. */
export interface Version {
  readonly imageId: ImageId;
  readonly key: string;
  readonly sequencer: Sequencer;
  readonly occurredAt: string;
}

export interface DomainEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: object;
}

interface Settings {
  readonly bucket: string;
  /** How many images it works on at a time. */
  readonly workers: number;
  /** Called twice for each image: while it is queued, and while it is rendered. The step ends when the promise resolves. */
  readonly pause: () => Promise<unknown>;
}

export class PretendPipeline {
  readonly renditions = new InMemoryRenditionStore();
  /** Newest first. */
  readonly events: DomainEvent[] = [];
  waiting = 0;
  running = 0;
  readonly #uploads = new InMemoryUploadStore();
  readonly #codec = sharpImageCodec();
  readonly #settings: Settings;
  readonly #turns: (() => void)[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** @param described receives the event that comes before the result of an image that can be processed */
  async process(
    version: Version,
    bytes: Bytes,
    described: (event: DomainEvent) => Promise<void>,
  ): Promise<DomainEvent> {
    await this.#turn();
    try {
      await this.#settings.pause();
      const [event] = await Promise.all([this.#work(version, bytes, described), this.#settings.pause()]);
      return event;
    } finally {
      this.running -= 1;
      this.#turns.shift()?.();
    }
  }

  async remove(version: Version): Promise<DomainEvent> {
    await this.renditions.remove(this.renditions.keys.filter((key) => key.startsWith(`${version.imageId}/`)));
    return this.#published('ImageDeleted', version, {});
  }

  async #turn(): Promise<void> {
    this.waiting += 1;
    if (this.running >= this.#settings.workers) await new Promise<void>((resolve) => this.#turns.push(resolve));
    this.waiting -= 1;
    this.running += 1;
  }

  async #work(
    version: Version,
    bytes: Bytes,
    hearDescribed: (event: DomainEvent) => Promise<void>,
  ): Promise<DomainEvent> {
    const { bucket } = this.#settings;
    const { imageId, key, sequencer } = version;
    const image = { bucket, key, imageId, sequencer, etag: sequencer, versionId: sequencer, size: bytes.length };
    this.#uploads.put(image, bytes);
    const task = { correlationId: sequencer, image };
    const ports = {
      uploadReader: this.#uploads,
      codec: this.#codec,
      limits: defaultLimits,
      renditionStore: this.renditions,
    };
    const described = await extractMetadata(task, ports, { keepLocation: false });
    if (described.outcome === 'processed') {
      await hearDescribed(this.#published('ImageDescribed', version, { metadata: described.metadata }));
    }
    const resized = await Promise.all(
      renditionGroups.map(({ name }) => resizeImage({ ...task, group: name }, ports, renditionGroups)),
    );
    const results = [described, ...resized];
    const rejection = results.find((result) => result.outcome === 'rejected');
    if (rejection !== undefined) {
      return this.#published('ImageRejected', version, { reason: rejection.reason, message: rejection.message });
    }
    if (described.outcome !== 'processed')
      throw new Error(`${key} is ${described.outcome}, though it was just stored.`);
    const { metadata } = described;
    const renditions = resized.flatMap((result) => (result.outcome === 'processed' ? result.renditions : []));
    return this.#published('ImageProcessed', version, { metadata, renditions });
  }

  #published(type: string, { imageId, key, sequencer, occurredAt }: Version, more: object): DomainEvent {
    const event = {
      version: '0',
      id: crypto.randomUUID(),
      'detail-type': type,
      source: eventSource,
      account: '000000000000',
      time: new Date().toISOString(),
      region: 'us-east-1',
      resources: [],
      detail: {
        schemaVersion: 4,
        id: crypto.randomUUID(),
        correlationId: sequencer,
        occurredAt,
        image: { id: imageId, bucket: this.#settings.bucket, key, version: sequencer, sequencer },
        ...more,
      },
    };
    this.events.unshift(event);
    return event;
  }
}
