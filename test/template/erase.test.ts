import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { imageIdOf } from '../../core/image.ts';
import { at, numberAt, type Stage, templateFor } from '../../scripts/template/template.ts';

/** docs/erase.md: what remains of an image, and until when. */

const page = readFileSync(new URL('../../docs/erase.md', import.meta.url), 'utf8');
const properties = (id: string, stage: Stage = 'prod') => {
  const found = templateFor(stage).resources.get(id)?.Properties;
  if (found === undefined) throw new Error(`template.yaml has no ${id}.`);
  return found;
};
const DAY_SECONDS = 86_400;
const logDays = (stage: Stage) => numberAt(properties('DispatchImagesLogGroup', stage)['RetentionInDays']);

it.each([
  {
    what: 'older versions',
    row: 'UploadBucket`, older versions',
    days: numberAt(
      properties('UploadBucket')['LifecycleConfiguration'],
      ...['Rules', 0, 'NoncurrentVersionExpiration', 'NoncurrentDays'],
    ),
  },
  {
    what: 'access logs',
    row: 'AccessLogBucket',
    days: numberAt(properties('AccessLogBucket')['LifecycleConfiguration'], 'Rules', 0, 'ExpirationInDays'),
  },
  {
    what: 'decisions',
    row: 'IdempotencyTable',
    days:
      numberAt(properties('DispatchImagesFunction')['Environment'], 'Variables', 'IDEMPOTENCY_SECONDS') / DAY_SECONDS,
  },
  {
    what: 'messages',
    row: '| `UploadQueue`, `OverflowQueue`',
    days: numberAt(properties('UploadQueue')['MessageRetentionPeriod']) / DAY_SECONDS,
  },
  {
    what: 'dead letters',
    row: '| `UploadDeadLetterQueue`',
    days: numberAt(properties('UploadDeadLetterQueue')['MessageRetentionPeriod']) / DAY_SECONDS,
  },
  { what: 'logs in dev', row: 'logs of `dispatch-images`', days: logDays('dev') },
])('names how long $what are kept, as the template says', ({ row, days }) => {
  const line = page.split('\n').find((text) => text.startsWith('|') && text.includes(row)) ?? '';
  expect(line).toContain(`${days} days`);
});

it('names the retention of logs in prod', () => {
  expect(page).toContain(`${logDays('prod')} in prod`);
});

it('keeps no versions of renditions, as the page says', () => {
  expect(at(properties('RenditionBucket')['VersioningConfiguration'], 'Status')).toBeUndefined();
});

it('finds an image’s id as the pipeline does', async () => {
  expect(page).toContain(`id=$(printf '%s' "$uploads/$key" | sha256sum | cut -c 1-32)`);
  const hash = createHash('sha256').update('uploads/holiday/cat.jpg').digest('hex');
  expect(await imageIdOf('uploads', 'holiday/cat.jpg')).toBe(hash.slice(0, 32));
});
