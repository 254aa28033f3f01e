import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { mockClient } from './mock-client.ts';

interface StoredVersion {
  readonly key: string;
  readonly versionId: string;
  readonly body: string;
}

/** A bucket with versions behind the mocked SDK: as much of S3 as history needs. Lists a few at a time. */
export class VersionedBucket {
  /** The newest first. */
  versions: readonly StoredVersion[] = [];
  /** Called before each write: may throw. */
  beforeWrite: (write: 'put' | 'delete') => void = () => undefined;
  #writes = 0;

  constructor({ pageSize }: { readonly pageSize: number }) {
    const s3 = mockClient(S3Client);
    s3.on(PutObjectCommand).callsFake(({ Key, Body }: { Key: string; Body: string }) => {
      this.beforeWrite('put');
      this.put(Key, Body);
      return {};
    });
    s3.on(GetObjectCommand).callsFake(({ Key, VersionId }: { Key: string; VersionId?: string }) => {
      const found = this.versions.find(
        ({ key, versionId }) => key === Key && (VersionId === undefined || versionId === VersionId),
      );
      if (found === undefined) throw new Error(`There is no ${Key} ${VersionId}.`);
      return { Body: { transformToString: async () => found.body } };
    });
    s3.on(DeleteObjectCommand).callsFake(({ Key, VersionId }: { Key: string; VersionId: string }) => {
      this.beforeWrite('delete');
      this.versions = this.versions.filter(({ key, versionId }) => key !== Key || versionId !== VersionId);
      return {};
    });
    s3.on(ListObjectVersionsCommand).callsFake(({ KeyMarker, VersionIdMarker }: Markers) => {
      const all = this.#listed();
      const after = all.findIndex(({ key, versionId }) => key === KeyMarker && versionId === VersionIdMarker);
      const later =
        KeyMarker === undefined ? all : all.filter(({ key }, index) => (after < 0 ? key >= KeyMarker : index > after));
      const page = later.slice(0, pageSize);
      const last = page.at(-1);
      return {
        Versions: page.map(({ key, versionId }) => ({
          ...{ Key: key, VersionId: versionId },
          IsLatest: this.versions.find((version) => version.key === key)?.versionId === versionId,
        })),
        IsTruncated: later.length > page.length,
        NextKeyMarker: last?.key,
        NextVersionIdMarker: last?.versionId,
      };
    });
    s3.on(ListObjectsV2Command).callsFake(({ StartAfter = '', ContinuationToken = StartAfter }: Start) => {
      const later = this.keys.filter((key) => key > ContinuationToken);
      const page = later.slice(0, pageSize);
      return {
        Contents: page.map((key) => ({ Key: key, Size: this.read(key)?.length })),
        ...(later.length > page.length && { NextContinuationToken: page.at(-1) }),
      };
    });
  }

  get keys(): readonly string[] {
    return [...new Set(this.versions.map(({ key }) => key))].toSorted();
  }

  put(key: string, body: string): void {
    this.#writes += 1;
    this.versions = [{ key, versionId: `v${this.#writes}`, body }, ...this.versions];
  }

  read(key: string): string | undefined {
    return this.versions.find((version) => version.key === key)?.body;
  }

  #listed(): readonly StoredVersion[] {
    return this.keys.flatMap((key) => this.versions.filter((version) => version.key === key));
  }
}

interface Markers {
  readonly KeyMarker?: string;
  readonly VersionIdMarker?: string;
}
interface Start {
  readonly StartAfter?: string;
  readonly ContinuationToken?: string;
}
