import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { s3UploadStore } from '../../adapters/aws/s3-upload-store.ts';
import { imageIdOf, padSequencer } from '../../core/image.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { renditionStoreContract, uploadStoreContract } from '../support/store-contracts.ts';

const pipeline = emulatedPipeline();

renditionStoreContract('s3RenditionStore', () => ({
  store: s3RenditionStore({ client: pipeline.s3, bucket: pipeline.renditionBucket }),
  read: async (key) => (await pipeline.rendition(key)).bytes.toString(),
}));

uploadStoreContract('s3UploadStore', () => ({
  store: s3UploadStore({ client: pipeline.s3 }),
  put: async (key, text) => ({
    bucket: pipeline.bucket,
    key,
    imageId: await imageIdOf(pipeline.bucket, key),
    sequencer: padSequencer('01'),
    ...(await pipeline.put(key, text)),
  }),
  erase: ({ key, versionId }) => pipeline.delete(key, versionId),
}));
