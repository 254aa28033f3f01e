import type { ImageId } from '../../core/image.ts';
import type { Bytes, RenditionStore } from '../../core/ports.ts';
import type { ContentType } from '../../core/rendition.ts';
import type { RenditionReader } from '../../core/watch/ports.ts';

export class InMemoryRenditionStore implements RenditionStore, RenditionReader {
  readonly objects = new Map<string, { readonly bytes: Bytes; readonly contentType: ContentType }>();

  get keys(): readonly string[] {
    return [...this.objects.keys()].sort();
  }

  async put(key: string, bytes: Bytes, contentType: ContentType): Promise<void> {
    if (!this.objects.has(key)) this.objects.set(key, { bytes, contentType });
  }

  async read(key: string): ReturnType<RenditionReader['read']> {
    const found = this.objects.get(key);
    return found === undefined ? { outcome: 'missing', message: 'NoSuchKey' } : { outcome: 'found', ...found };
  }

  async *list(imageId: ImageId): AsyncIterable<string> {
    yield* this.keys.filter((key) => key.startsWith(`${imageId}/`));
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.objects.delete(key);
  }
}
