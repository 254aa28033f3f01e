import { describe, expect, it } from 'vitest';
import { parseUploadEvent } from '../../adapters/contracts/upload-event.ts';
import { imageIdOf } from '../../core/image.ts';

/** As in https://docs.aws.amazon.com/guardduty/latest/ug/monitor-with-eventbridge-s3-malware-protection.html */
const object = {
  bucketName: 'uploads',
  objectKey: 'ann/cat.jpg',
  eTag: 'e1',
  versionId: 'v1' as string | null | undefined,
  s3Throttled: false,
};
const result = { scanResultStatus: 'THREATS_FOUND', threats: [{ name: 'EICAR-Test-File (not a virus)' }] };
const verdict = (changes: Partial<typeof object> = {}, scanResultDetails: object = result) =>
  JSON.stringify({
    version: '0',
    id: '72c7d362-737a-6dce-fc78-9e27a0171419',
    'detail-type': 'GuardDuty Malware Protection Object Scan Result',
    source: 'aws.guardduty',
    account: '000000000000',
    time: '2026-02-28T01:01:01Z',
    region: 'us-east-1',
    resources: ['arn:aws:guardduty:us-east-1:000000000000:malware-protection-plan/b4c7f464ab3a4EXAMPLE'],
    detail: {
      schemaVersion: '1.0',
      scanStatus: 'COMPLETED',
      resourceType: 'S3_OBJECT',
      s3ObjectDetails: { ...object, ...changes },
      scanResultDetails,
    },
  });

describe('GuardDuty’s verdict', () => {
  it('names one version of an image', async () => {
    expect(await parseUploadEvent(verdict(), ['uploads'])).toEqual({
      correlationId: '72c7d362-737a-6dce-fc78-9e27a0171419',
      occurredAt: '2026-02-28T01:01:01Z',
      change: 'infected',
      image: {
        bucket: 'uploads',
        key: 'ann/cat.jpg',
        imageId: await imageIdOf('uploads', 'ann/cat.jpg'),
        versionId: 'v1',
        etag: 'e1',
      },
    });
  });

  it.each([{ versionId: null }, { versionId: undefined }])(
    'about a bucket without versions names the bytes: %j',
    async (changes) => {
      const { image } = await parseUploadEvent(verdict(changes), ['uploads']);
      expect(image).toMatchObject({ versionId: undefined, etag: 'e1' });
    },
  );

  it('about another bucket is refused, and the error names both', async () => {
    await expect(parseUploadEvent(verdict(), ['holiday'])).rejects.toThrow(/forged.*uploads.*holiday/);
  });

  it.each(['NO_THREATS_FOUND', 'UNSUPPORTED', 'ACCESS_DENIED', 'FAILED'])(
    'that is %s is refused: the rule does not send it',
    async (scanResultStatus) => {
      await expect(parseUploadEvent(verdict({}, { scanResultStatus }), ['uploads'])).rejects.toThrow(
        /scanResultStatus/,
      );
    },
  );

  it.each(['objectKey', 'eTag', 'bucketName'])('without %s is refused, and the error names it', async (field) => {
    await expect(parseUploadEvent(verdict({ [field]: undefined }), ['uploads'])).rejects.toThrow(field);
  });
});

it('S3’s event is read as before', async () => {
  const event = {
    ...{ id: 'e', time: '2026-01-01T00:00:00Z', 'detail-type': 'Object Created' },
    detail: {
      bucket: { name: 'uploads' },
      object: { key: 'cat.jpg', size: 1, etag: 'e1', sequencer: '0055AED6DCD90281E5' },
    },
  };
  expect(await parseUploadEvent(JSON.stringify(event), ['uploads'])).toMatchObject({ change: 'created' });
});

it('anything else is refused', async () => {
  await expect(parseUploadEvent('{"detail-type":"Scheduled Event"}', ['uploads'])).rejects.toThrow(
    /not an S3 object event/,
  );
});
