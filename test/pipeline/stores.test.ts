import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { s3UploadReader } from '../../adapters/aws/s3-upload-reader.ts';
import { imageIdOf, padSequencer } from '../../core/image.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { renditionStoreContract, uploadReaderContract } from '../support/store-contracts.ts';

const pipeline = emulatedPipeline();

renditionStoreContract('s3RenditionStore', () => ({
  store: s3RenditionStore({ client: pipeline.s3, bucket: pipeline.renditionBucket }),
  read: async (key) => (await pipeline.rendition(key)).bytes.toString(),
}));

uploadReaderContract('s3UploadReader', () => ({
  store: s3UploadReader({ client: pipeline.s3 }),
  put: async (key, text) => ({
    bucket: pipeline.bucket,
    key,
    imageId: await imageIdOf(pipeline.bucket, key),
    sequencer: padSequencer('01'),
    ...(await pipeline.put(key, text)),
  }),
  erase: ({ key, versionId }) => pipeline.delete(key, versionId),
}));
