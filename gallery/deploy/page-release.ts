/** The built page in its bucket, and in the caches of CloudFront. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type CloudFrontClient, CreateInvalidationCommand } from '@aws-sdk/client-cloudfront';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { Failure } from '../../scripts/terminal/failure.ts';
import type { BuiltFile } from '../page/build.ts';
import { contentTypes } from '../page/content-types.ts';
import type { GalleryOutputs } from './account-gallery.ts';

export interface PageFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly sha256: string;
}

/** File names with the SHA-256 of their content. */
export type Published = Readonly<Record<string, string>>;

/** What changes in the bucket and in the caches. */
export interface PageRelease {
  /** In the order of their upload: what a document names exists before the document. */
  readonly upload: readonly PageFile[];
  readonly invalidate: readonly string[];
  readonly published: Published;
}

const FOREVER = 'public, max-age=31536000, immutable';
/** Browsers ask each time. CloudFront answers from its cache until an invalidation. */
const UNTIL_INVALIDATED = 'public, max-age=0, s-maxage=31536000, must-revalidate';

/** Says what is published. Written last, so that a run that stopped half-way is repeated. */
const RECORD = 'published.json';
const record = z.record(z.string(), z.string());

/** How people sign in: gallery/page/source/session.ts reads it. */
export function configurationOf({ SignInAddress, PageClientId }: GalleryOutputs): string {
  const signIn = {
    kind: 'cognito',
    authorizeUrl: `${SignInAddress}/oauth2/authorize`,
    tokenUrl: `${SignInAddress}/oauth2/token`,
    logoutUrl: `${SignInAddress}/logout`,
    clientId: PageClientId,
  };
  return `${JSON.stringify({ signIn }, null, 2)}\n`;
}

export async function pageFiles(
  folder: string,
  built: readonly Pick<BuiltFile, 'name' | 'hashed'>[],
  config: string,
): Promise<PageFile[]> {
  const files = await Promise.all(
    built.map(async ({ name, hashed }) => pageFile(name, await readFile(join(folder, name)), hashed)),
  );
  return [...files, pageFile('config.json', Buffer.from(config), false)];
}

function pageFile(name: string, content: Uint8Array, hashed: boolean): PageFile {
  const contentType = contentTypes[extname(name)];
  if (contentType === undefined) throw new Error(`${name} has no content type: add its extension to content-types.ts.`);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { name, content, contentType, cacheControl: hashed ? FOREVER : UNTIL_INVALIDATED, sha256 };
}

export function releaseOf(files: readonly PageFile[], before: Published): PageRelease {
  const changed = files.filter(({ name, sha256 }) => before[name] !== sha256);
  const isDocument = ({ name }: PageFile) => name.endsWith('.html');
  const upload = [...changed.filter((file) => !isDocument(file)), ...changed.filter(isDocument)];
  return {
    upload,
    invalidate: upload
      .filter(({ cacheControl }) => cacheControl !== FOREVER)
      .flatMap(({ name }) => (name === 'index.html' ? ['/', '/index.html'] : [`/${name}`])),
    published: Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256])),
  };
}

export async function readPublished(s3: S3Client, Bucket: string): Promise<Published> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: RECORD }));
    return record.parse(JSON.parse((await Body?.transformToString()) ?? ''));
  } catch (error) {
    if (error instanceof NoSuchKey) return {};
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new Failure(`${RECORD} in ${Bucket} cannot be read: delete it, and run this again to publish everything.`);
    }
    throw error;
  }
}

/** @returns the id of the invalidation, if there is one */
export async function publish(
  { upload, invalidate, published }: PageRelease,
  { s3, cloudFront, bucket: Bucket, distribution: DistributionId }: PageTarget,
  report: (name: string) => void = () => undefined,
): Promise<string | undefined> {
  if (upload.length === 0) return undefined;
  for (const { name: Key, content: Body, contentType: ContentType, cacheControl: CacheControl } of upload) {
    report(Key);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType, CacheControl }));
  }
  let invalidation: string | undefined;
  if (invalidate.length > 0) {
    const { Invalidation } = await cloudFront.send(
      new CreateInvalidationCommand({
        DistributionId,
        InvalidationBatch: {
          // Not derived from the content: the same page can come back, and must replace what was in between.
          CallerReference: crypto.randomUUID(),
          Paths: { Quantity: invalidate.length, Items: [...invalidate] },
        },
      }),
    );
    invalidation = Invalidation?.Id;
  }
  await s3.send(
    new PutObjectCommand({
      ...{ Bucket, Key: RECORD, Body: `${JSON.stringify(published, null, 2)}\n` },
      ...{ ContentType: 'application/json', CacheControl: 'no-store' },
    }),
  );
  return invalidation;
}

interface PageTarget {
  readonly s3: S3Client;
  readonly cloudFront: CloudFrontClient;
  readonly bucket: string;
  readonly distribution: string;
}

export function targetOf({
  PageBucketName: bucket,
  DistributionArn,
}: GalleryOutputs): Pick<PageTarget, 'bucket' | 'distribution'> {
  return { bucket, distribution: DistributionArn.slice(DistributionArn.lastIndexOf('/') + 1) };
}
