import { expect, it } from 'vitest';
import { type RejectionReason, rejectionReasons } from '../../core/outcome.ts';
import type { UploadResult } from '../../scripts/stack/send-uploads.ts';
import { sheetPage } from '../../scripts/start/contact-sheet.ts';

const rejectedUpload = (reason: RejectionReason): UploadResult => ({
  ...{ file: '/a/notes.txt', key: 'notes.txt', bytes: 7, took: 300, outcome: 'rejected' },
  record: {
    ...{ imageId: 'notes.txt', bucket: 'uploads', key: 'notes.txt', version: 'v', sequencer: '1', correlationId: 'c' },
    ...{ occurredAt: '2026-01-01T12:00:00Z', recordedAt: '2026-01-01T12:00:01Z', announced: true },
    ...{ outcome: 'rejected', reason, message: 'A sentence for the uploader.' },
  },
});

it.each(rejectionReasons)('a file rejected as %s has a headline in words, and the code once', (reason) => {
  const page = sheetPage([rejectedUpload(reason)], new Map(), '/sheet', new Date());

  const [, headline = ''] = /<span class="reason">(.*?)<\/span>/.exec(page) ?? [];
  expect(headline).toMatch(/^[A-Z][a-z]+( [a-z]+)+$/);
  expect(page).toContain(`<p>A sentence for the uploader. (${reason})</p>`);
  expect(page.split(reason === 'empty' ? '(empty)' : reason)).toHaveLength(2);
});
