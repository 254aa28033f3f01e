import { describe, expect, it } from 'vitest';
import { probePrefix, releaseCheckPrefix } from '../../core/names.ts';
import { at, stages, templateFor } from '../../scripts/template/template.ts';
import { denialsOf } from '../support/policy-evaluation.ts';

/** What the upload bucket refuses from every principal: objects that no worker could read, and keys that consumers ignore. */

const template = templateFor('prod');
const uploader = 'arn:aws:iam::111122223333:role/web-site';
const storageClass = 's3:x-amz-storage-class';
const encryption = 's3:x-amz-server-side-encryption';
const key = 's3:x-amz-server-side-encryption-aws-kms-key-id';

function refusals(
  objectKey: string,
  headers: Readonly<Record<string, string>> = {},
  principal = uploader,
  found = template,
): string[] {
  const statements = at(found.resources.get('UploadBucketPolicy')?.Properties['PolicyDocument'], 'Statement');
  const context = { 'aws:securetransport': 'true', 'aws:principalarn': principal, ...headers };
  return denialsOf(statements, { action: 's3:PutObject', resource: `UploadBucket.Arn/${objectKey}`, context });
}

describe('an upload', () => {
  it.each([
    ['without headers, like the parts of a multipart upload', {}],
    ['with the default storage class', { [storageClass]: 'STANDARD' }],
    ['with intelligent tiering', { [storageClass]: 'INTELLIGENT_TIERING' }],
    ['that names the stack’s key', { [encryption]: 'aws:kms', [key]: 'DataKey.Arn' }],
  ])('%s is accepted', (_, headers) => {
    expect(refusals('cat.jpg', headers)).toEqual([]);
  });

  it.each(['GLACIER', 'DEEP_ARCHIVE', 'GLACIER_IR', 'STANDARD_IA', 'REDUCED_REDUNDANCY'])(
    'to %s is refused: workers cannot read it, or its minimum storage charge is too high',
    (name) => {
      expect(refusals('cat.jpg', { [storageClass]: name })).toEqual(['RefuseArchives']);
    },
  );

  it.each([
    ['with S3’s own key', { [encryption]: 'AES256' }, 'RefuseOtherEncryption'],
    ['with dual-layer encryption', { [encryption]: 'aws:kms:dsse', [key]: 'DataKey.Arn' }, 'RefuseOtherEncryption'],
    ['with the account’s key for S3', { [encryption]: 'aws:kms' }, 'RefuseUnnamedKey'],
    [
      'with a key of another account',
      { [encryption]: 'aws:kms', [key]: 'arn:aws:kms:eu-west-1:444455556666:key/0123' },
      'RefuseOtherKeys',
    ],
    [
      'with a key that only the uploader has',
      { 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' },
      'RefuseKeysOfUploaders',
    ],
  ])('encrypted %s is refused', (_, headers, sid) => {
    expect(refusals('cat.jpg', headers)).toEqual([sid]);
  });
});

describe.each(stages)('in stage %s, a prefix that consumers ignore', (stage) => {
  const found = templateFor(stage);
  const roles = { [probePrefix]: 'ProbePipelineRole.Arn', [releaseCheckPrefix]: 'CheckReleaseRole.Arn' };

  const denials: Readonly<Record<string, string>> = {
    [probePrefix]: 'KeepProbesApart',
    [releaseCheckPrefix]: 'KeepReleaseChecksApart',
  };

  it.each(Object.entries(roles))('%s accepts no object from people or from any role except %s', (prefix, role) => {
    for (const other of [uploader, 'ResizeImageRole.Arn', ...Object.values(roles).filter((name) => name !== role)])
      expect(refusals(`${prefix}secret.jpg`, {}, other, found), other).toContain(denials[prefix]);
    const exists = found.resources.has(role.replace('.Arn', ''));
    expect(refusals(`${prefix}1.jpg`, {}, role, found)).toHaveLength(exists ? 0 : 1);
  });
});

describe('a file that GuardDuty tagged as infected', () => {
  const reading = (principal: string, status: string) =>
    denialsOf(at(template.resources.get('UploadBucketPolicy')?.Properties['PolicyDocument'], 'Statement'), {
      action: 's3:GetObjectVersion',
      resource: 'UploadBucket.Arn/cat.jpg',
      context: {
        ...{ 'aws:securetransport': 'true', 'aws:principalarn': principal, 'aws:sourcevpce': 'WorkerEndpoint' },
        's3:existingobjecttag/guarddutymalwarescanstatus': status,
      },
    });

  it('cannot be read by people or other services', () => {
    expect(reading(uploader, 'THREATS_FOUND')).toEqual(['RefuseInfected']);
  });

  // A denied call is retried: an infected upload would become a dead letter.
  it.each(['ExtractMetadataRole.Arn', 'ResizeImageRole.Arn'])('can be read by %s', (role) => {
    expect(reading(role, 'THREATS_FOUND')).toEqual([]);
  });

  it.each(['NO_THREATS_FOUND', 'UNSUPPORTED', 'FAILED'])('and not one tagged %s', (status) => {
    expect(reading(uploader, status)).toEqual([]);
  });
});
