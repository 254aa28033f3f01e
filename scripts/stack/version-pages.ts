import { ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import type { Stack } from './stack.ts';

/** S3's name for the last entry of a page. */
export interface VersionPlace {
  readonly KeyMarker?: string | undefined;
  readonly VersionIdMarker?: string | undefined;
}

/** All versions and delete markers of a bucket, or those whose key begins with a prefix, sorted by key. */
export async function* versionPages(
  { clients: { s3 } }: Pick<Stack, 'clients'>,
  {
    bucket: Bucket,
    prefix: Prefix,
    from = {},
    turn,
  }: {
    readonly bucket: string;
    readonly prefix: string | undefined;
    readonly from?: VersionPlace;
    /** Awaited before each page. */
    readonly turn?: () => Promise<void>;
  },
): AsyncGenerator<{
  readonly page: ListObjectVersionsCommandOutput;
  /** Where the next page begins; undefined after the last. */
  readonly next: VersionPlace | undefined;
}> {
  let place: VersionPlace | undefined = from;
  while (place !== undefined) {
    await turn?.();
    const page: ListObjectVersionsCommandOutput = await s3.send(
      new ListObjectVersionsCommand({ Bucket, Prefix, MaxKeys: 1000, ...place }),
    );
    const { IsTruncated, NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
    place = IsTruncated ? { KeyMarker, VersionIdMarker } : undefined;
    yield { page, next: place };
  }
}
