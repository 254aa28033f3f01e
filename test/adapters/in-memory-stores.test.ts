import { createHash, randomUUID } from 'node:crypto';
import { imageIdOf, padSequencer } from '../../core/image.ts';
import { InMemoryRenditionStore } from '../support/in-memory-rendition-store.ts';
import { InMemoryUploadStore } from '../support/in-memory-upload-store.ts';
import { renditionStoreContract, uploadReaderContract } from '../support/store-contracts.ts';

// The same contracts run against S3 in test/pipeline/stores.test.ts.

renditionStoreContract('InMemoryRenditionStore', () => {
  const store = new InMemoryRenditionStore();
  return {
    store,
    read: async (key) => {
      const object = store.objects.get(key);
      return object && Buffer.from(object.bytes).toString();
    },
  };
});

uploadReaderContract('InMemoryUploadStore', () => {
  const store = new InMemoryUploadStore();
  return {
    store,
    put: async (key, text) => {
      const bytes = new Uint8Array(Buffer.from(text));
      const etag = createHash('md5').update(bytes).digest('hex');
      const upload = {
        bucket: 'b',
        key,
        imageId: await imageIdOf('b', key),
        sequencer: padSequencer('01'),
        versionId: randomUUID(),
        etag,
        size: bytes.length,
      };
      store.put(upload, bytes);
      return upload;
    },
    erase: async (upload) => store.remove(upload),
  };
});
