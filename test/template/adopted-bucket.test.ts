import { describe, expect, it } from 'vitest';
import { at, statementsOf, templateFor } from '../../scripts/template/template.ts';

/** A bucket of someone else, whose images are processed where they are. */

const [name, key] = ['holiday-photos', 'arn:aws:kms:eu-west-1:123456789012:key/holiday'];
const adopting = templateFor('prod', { AdoptedBucketName: name, AdoptedBucketKeyArn: key });
const plain = templateFor('prod');
const workers = ['ExtractMetadataRole', 'ResizeImageRole'];
const bucketArn = { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::${AdoptedBucketName}' };
const objectArn = { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::${AdoptedBucketName}/*' };

/** All statements about it, of all roles. */
function statementsAboutIt(template: typeof plain) {
  return [...template.resources].flatMap(([id, resource]) =>
    resource.Type === 'AWS::IAM::Role'
      ? statementsOf(resource)
          .filter((statement) => JSON.stringify(statement).includes('Adopted'))
          .map(({ Action, Resource }) => ({ id, actions: Action, on: Resource }))
      : [],
  );
}

describe('a stack that adopts a bucket', () => {
  it('lets the workers read it, and lets nothing write to it', () => {
    expect(statementsAboutIt(adopting)).toEqual([
      ...workers.flatMap((id) => [
        { id, actions: ['s3:GetObjectVersion', 's3:GetObject'], on: [objectArn] },
        { id, actions: ['s3:ListBucket'], on: [bucketArn] },
        { id, actions: ['kms:Decrypt'], on: [key] },
      ]),
      // Without the key.
      { id: 'BackfillRole', actions: ['s3:ListBucket'], on: [bucketArn] },
      { id: 'BackfillImagesRole', actions: ['s3:GetObject'], on: [objectArn] },
      { id: 'BackfillImagesRole', actions: ['s3:ListBucket'], on: [bucketArn] },
    ]);
  });

  it('leads to it from the network of the workers', () => {
    const policy = at(adopting.resources.get('WorkerEndpoint')?.Properties['PolicyDocument'], 'Statement');
    expect(policy).toContainEqual(
      expect.objectContaining({
        Action: ['s3:GetObjectVersion', 's3:GetObject', 's3:ListBucket'],
        Resource: [bucketArn, objectArn],
      }),
    );
  });

  it('listens to changes in it, and to news of malware in it', () => {
    const pattern = adopting.resources.get('UploadRule')?.Properties['EventPattern'];
    const both = [{ Ref: 'UploadBucket' }, name];
    expect(at(pattern, '$or', 0, 'detail', 'bucket', 'name')).toEqual(both);
    expect(at(pattern, '$or', 1, 'detail', 's3ObjectDetails', 'bucketName')).toEqual(both);
  });

  it('accepts its events at the queue', () => {
    const environment = adopting.resources.get('DispatchImagesFunction')?.Properties['Environment'];
    expect(at(environment, 'Variables', 'UPLOAD_BUCKETS')).toEqual({
      'Fn::Join': [',', [{ Ref: 'UploadBucket' }, name]],
    });
  });
});

it('a stack that adopts none does not mention one', () => {
  expect(statementsAboutIt(plain)).toEqual([]);
  expect(JSON.stringify([...plain.resources])).not.toContain('Adopted');
});
