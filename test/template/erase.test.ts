import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { remainders } from '../../core/erase.ts';
import { at, numberAt, type Stage, templateFor } from '../../scripts/template/template.ts';

/** docs/erase.md: what remains of an image, and for how long. */

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
    row: '| `IdempotencyTable`',
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
  {
    what: 'events',
    row: '| `DomainEventArchive`',
    days: numberAt(properties('DomainEventArchive')['RetentionDays']),
  },
  { what: 'logs in dev', row: 'logs of `dispatch-images`', days: logDays('dev') },
])('docs/erase.md states how long $what are kept', ({ row, days }) => {
  const line = page.split('\n').find((text) => text.startsWith('|') && text.includes(row)) ?? '';
  expect(line).toContain(`${days} days`);
});

it('docs/erase.md states the retention of logs in prod', () => {
  expect(page).toContain(`${logDays('prod')} in prod`);
});

it('renditions have no versions, as docs/erase.md says', () => {
  expect(at(properties('RenditionBucket')['VersioningConfiguration'], 'Status')).toBeUndefined();
});

describe('the report of npm run erase', () => {
  const daysOf = (part: string) => remainders.find(({ where }) => where.includes(part))?.days;

  it('states the longest that each place keeps what cannot be removed', () => {
    expect(daysOf('logs of dispatch-images')).toBe(logDays('prod'));
    expect(daysOf('AccessLogBucket')).toBe(
      numberAt(properties('AccessLogBucket')['LifecycleConfiguration'], 'Rules', 0, 'ExpirationInDays'),
    );
    expect(daysOf('DomainEventArchive')).toBe(numberAt(properties('DomainEventArchive')['RetentionDays']));
    expect(daysOf('UndeliveredDomainEventQueue')).toBe(
      numberAt(properties('UndeliveredDomainEventQueue')['MessageRetentionPeriod']) / DAY_SECONDS,
    );
  });

  it('has the same places as docs/erase.md', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('|'));
    for (const { where, days } of remainders) {
      const words = where.match(/\w{6,}/g) ?? [];
      const row = rows.find((line) => words.every((word) => line.includes(word))) ?? '';
      expect(row, where).toContain(`${days} `);
    }
  });
});
