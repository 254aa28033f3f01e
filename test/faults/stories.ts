/** The histories of an image that lead to different AWS calls, and how each must end. */
import { imageIdOf } from '../../core/image.ts';
import type { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { smallImage } from '../support/photos.ts';
import type { Fault } from './fault-proxy.ts';

export type ImageName = Fault['image'];

/** How the record must end; renditions and events follow from it. */
export type Expected =
  | {
      readonly outcome: 'processed';
      /** The version in the record. */
      readonly version: string;
    }
  | { readonly outcome: 'rejected' | 'deleted' };

export interface Story {
  /** Prepares the image without faults; the returned function does what faults disturb. */
  begin(image: ImageName): Promise<() => Promise<Expected>>;
  /** Faults needed for the story to make its calls. */
  troubles?(image: ImageName): readonly Fault[];
  /** Its record is that of the disturbed upload: if the upload kills every worker, the record says `rejected`. */
  readonly decidesTheRecord?: boolean;
}

const FIRST_SEQUENCER = '0'.repeat(16);
const LATE_SEQUENCER = 'E'.repeat(16);
const LAST_SEQUENCER = 'F'.repeat(16);

/** All that end as processed end with the same image. */
export async function imageStories(
  pipeline: ReturnType<typeof emulatedPipeline>,
  physicalId: (stem: string) => string,
): Promise<Readonly<Record<string, Story>>> {
  const [before, image] = await Promise.all([smallImage('#b35900'), smallImage('#0059b3')]);

  const shows = (version: string): Expected => ({ outcome: 'processed', version });
  const put = async (key: string, bytes: Uint8Array) => ({ key, ...(await pipeline.put(key, bytes)) });
  const processed = (key: string, shown: string) =>
    pipeline.recordWhen(key, ({ outcome, version }) => outcome === 'processed' && version === shown);
  const uploaded: Story = {
    decidesTheRecord: true,
    begin: async ({ key }) => {
      return async () => shows((await put(key, image)).etag);
    },
  };
  /** For another event with a version id, which the emulator's own events lack. */
  const byVersion = async (key: string) => {
    const upload = await put(key, image);
    await processed(key, upload.etag);
    return { ...upload, sequencer: LATE_SEQUENCER };
  };

  return {
    uploaded,
    'uploaded as a version': {
      decidesTheRecord: true,
      async begin({ key }) {
        const upload = await byVersion(key);
        return async () => {
          await pipeline.enqueue(upload);
          return shows(upload.versionId);
        };
      },
    },
    replaced: {
      decidesTheRecord: true,
      async begin({ key }) {
        await processed(key, (await put(key, before)).etag);
        return async () => shows((await put(key, image)).etag);
      },
    },
    'reported late': {
      async begin({ key }) {
        const first = await put(key, before);
        await processed(key, first.etag);
        const second = await put(key, image);
        await processed(key, second.etag);
        return async () => {
          await pipeline.enqueue({ ...first, sequencer: FIRST_SEQUENCER });
          return shows(second.etag);
        };
      },
    },
    'reported again': {
      async begin({ key }) {
        const upload = await put(key, image);
        const { sequencer } = await processed(key, upload.etag);
        const { versionId: _, ...unversioned } = upload;
        return async () => {
          await pipeline.enqueue({ ...unversioned, sequencer });
          return shows(upload.etag);
        };
      },
    },
    rejected: {
      begin: async ({ key }) => {
        return async () => {
          await put(key, image.subarray(0, 60));
          return { outcome: 'rejected' };
        };
      },
    },
    deleted: {
      async begin({ key }) {
        await processed(key, (await put(key, image)).etag);
        return async () => {
          await pipeline.delete(key);
          return { outcome: 'deleted' };
        };
      },
    },
    'erased as a version': {
      async begin({ key }) {
        const upload = await byVersion(key);
        const { versionId } = upload;
        await pipeline.enqueue(upload);
        await processed(key, versionId);
        return async () => {
          await pipeline.enqueue({ key, versionId, sequencer: LAST_SEQUENCER, deleted: 'Permanently Deleted' });
          return { outcome: 'deleted' };
        };
      },
    },
    'found to be infected': {
      async begin({ key }) {
        const { etag } = await put(key, image);
        await processed(key, etag);
        return async () => {
          await pipeline.reportMalware({ key, etag });
          return { outcome: 'rejected' };
        };
      },
    },
    'disturbed once': {
      ...uploaded,
      troubles: (image) => [
        {
          caller: physicalId('DispatchImages'),
          action: 'states:StartSyncExecution',
          ...{ kind: 'refused', image, times: 1 },
        },
      ],
    },
    'disturbed until the last attempt': {
      ...uploaded,
      decidesTheRecord: false,
      troubles: (image) => [
        {
          caller: physicalId('ImagePipeline'),
          action: 'ExtractMetadata lambda:InvokeFunction',
          ...{ kind: 'denied', image, times: Number.POSITIVE_INFINITY },
        },
      ],
    },
  };
}

export async function imageNamed(key: string, bucket: string): Promise<ImageName> {
  return { key, imageId: await imageIdOf(bucket, key) };
}
