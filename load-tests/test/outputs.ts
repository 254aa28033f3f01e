import { stackOutputs } from '../../scripts/stack/stack.ts';

/** The outputs of a mocked stack. */
export const outputs = stackOutputs.parse({
  ...Object.fromEntries(Object.keys(stackOutputs.shape).map((name) => [name, name])),
  IntakeConcurrency: 5,
  UploadBucketName: 'uploads',
  ImageTableName: 'images',
});
