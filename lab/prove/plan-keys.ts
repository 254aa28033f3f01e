/** In a process of its own, so that its memory is that of the plan: plans a backfill of as many made-up uploads as its argument says. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageFacts } from '../../core/audit.ts';
import { allPresets } from '../../core/presets.ts';
import { describeWork } from '../../scripts/backfill/backfill-report.ts';
import { findUnrecorded } from '../../scripts/backfill/backfill-stack.ts';
import { gather } from '../../scripts/stack/gather.ts';
import { openNotebook } from '../../scripts/stack/notebook.ts';
import { SyntheticSources } from '../../test/support/in-memory-audit.ts';
import { mockedStack } from '../../test/support/mocked-stack.ts';
import { processedRecord } from '../../test/support/records.ts';
import { peakKilobytes } from '../bench/measure.ts';

/** One in ten has a record. */
const RECORDED = 10;

/** Ids in no order, as they are in a listing by key. */
function upload(index: number): ImageFacts {
  const key = `photos/${String(index).padStart(9, '0')}.jpg`;
  const imageId = createHash('sha256').update(`uploads/${key}`).digest('hex').slice(0, 32);
  const found = { bucket: 'uploads', key, versionId: 'v1', etag: 'e1', size: 9, storedAt: '2026-01-02T03:04:05.000Z' };
  const record = index % RECORDED === 0 ? processedRecord({ imageId, key }) : undefined;
  return { imageId, upload: found, record, renditions: [] };
}

const keys = Number(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'plan-'));
try {
  const path = join(folder, 'notebook.sqlite');
  const notebook = openNotebook(path);
  const sources = new SyntheticSources(keys, upload);
  const run = { stack: mockedStack(), sources, notebook, perSecond: 10, report: () => undefined };
  const startedAt = performance.now();
  await gather(run);
  await findUnrecorded(run);
  const { candidates } = notebook.counts();
  notebook.close();
  process.stdout.write(
    JSON.stringify({
      candidates,
      seconds: Math.round((performance.now() - startedAt) / 1000),
      peakMegabytes: Math.round(peakKilobytes() / 1024),
      fileMegabytes: Math.round(statSync(path).size / 1e6),
      plan: describeWork({ images: candidates, renditions: allPresets.length, perSecond: 10 }),
    }),
  );
} finally {
  rmSync(folder, { recursive: true });
}
