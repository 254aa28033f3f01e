import type { Upload } from '../../core/image.ts';
import type { Bytes, FoundUpload, UploadReader } from '../../core/ports.ts';
import type { FocusPoint } from '../../core/rendition.ts';

type Stored = Pick<Upload, 'bucket' | 'key' | 'versionId' | 'etag'>;

type StoredVersion = { readonly upload: Stored } & Omit<FoundUpload, 'outcome'>;

/** Keeps every version, like a versioned bucket; the version put last is current. */
export class InMemoryUploadStore implements UploadReader {
  readonly reads: Upload[] = [];
  readonly #versions = new Map<string, readonly StoredVersion[]>();

  put(upload: Stored, bytes: Bytes, focus?: FocusPoint): void {
    this.#versions.set(keyOf(upload), [...this.#versionsOf(upload), { upload, bytes, ...(focus && { focus }) }]);
  }

  /** Removes one version permanently or, without a `versionId`, all versions of the key. */
  remove(upload: Pick<Stored, 'bucket' | 'key' | 'versionId'>): void {
    const left = this.#versionsOf(upload).filter(
      (stored) => upload.versionId !== undefined && stored.upload.versionId !== upload.versionId,
    );
    this.#versions.set(keyOf(upload), left);
  }

  /** All versions of a key, oldest first. */
  stored(upload: Pick<Stored, 'bucket' | 'key'>): readonly Stored[] {
    return this.#versionsOf(upload).map((version) => version.upload);
  }

  async read(upload: Upload): ReturnType<UploadReader['read']> {
    this.reads.push(upload);
    const versions = this.#versionsOf(upload);
    const found =
      upload.versionId === undefined
        ? versions.slice(-1).find((stored) => stored.upload.etag === upload.etag)
        : versions.find((stored) => stored.upload.versionId === upload.versionId);
    if (found) {
      const { upload: _, ...content } = found;
      return { outcome: 'found', ...content };
    }
    return { outcome: versions.length > 0 && upload.versionId === undefined ? 'superseded' : 'vanished' };
  }

  #versionsOf(upload: Pick<Stored, 'bucket' | 'key'>) {
    return this.#versions.get(keyOf(upload)) ?? [];
  }
}

function keyOf({ bucket, key }: Pick<Stored, 'bucket' | 'key'>): string {
  return `${bucket}/${key}`;
}
