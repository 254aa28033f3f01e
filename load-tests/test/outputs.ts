import { stackOutputs } from '../../scripts/stack/stack.ts';

/** Of a stack that a test mocks. */
export const outputs = stackOutputs.parse({
  ...Object.fromEntries(Object.keys(stackOutputs.shape).map((name) => [name, name])),
  IntakeConcurrency: 5,
  UploadBucketName: 'uploads',
  ImageTableName: 'images',
});
