/** Findings, for people and for programs. */
import { type Finding, type FindingKind, findingKinds, type Repair } from '../../core/audit.ts';
import type { Confirmed } from '../stack/notebook.ts';
import { imagePrice, shownPrice } from '../stack/prices.ts';

const titles: Readonly<Record<FindingKind, string>> = {
  'no-record': 'uploads without a record',
  'no-upload': 'records without an upload',
  failed: 'images whose processing failed',
  unannounced: 'records that were not announced',
  'missing-rendition': 'renditions that are missing',
  'wrong-rendition': 'renditions with another size, content type or cache header',
  orphan: 'renditions on no record',
  outdated: 'images made with other presets',
};

export function describeKinds(kinds: ReadonlyMap<FindingKind, number>): string[] {
  return findingKinds.flatMap((kind) => {
    const count = kinds.get(kind) ?? 0;
    return count === 0 ? [] : [`${String(count).padStart(8)}  ${titles[kind]}`];
  });
}

export function describeFinding(finding: Finding): string {
  switch (finding.kind) {
    case 'no-record':
      return 'the upload has no record, or that of an earlier version';
    case 'no-upload':
      return 'the record shows an upload that is gone';
    case 'failed':
      return 'five attempts failed; see npm run redrive -- --list first';
    case 'unannounced':
      return 'consumers were not told';
    case 'missing-rendition':
      return `${finding.key} is missing`;
    case 'wrong-rendition':
      return `${finding.key}: ${finding.property} should be ${finding.expected} and is ${finding.found}`;
    case 'orphan':
      return `${finding.key} is on no record`;
    case 'outdated':
      return [
        ...(finding.missing.length > 0 ? [`without ${finding.missing.join(', ')}`] : []),
        ...(finding.changed.length > 0 ? [`other settings: ${finding.changed.join(', ')}`] : []),
        ...(finding.unwanted.length > 0 ? [`no longer wanted: ${finding.unwanted.join(', ')}`] : []),
      ].join('; ');
    default:
      return finding satisfies never;
  }
}

/** For each finding, a row: the image and what is wrong. */
export function rowsOf({ imageId, address, findings }: Confirmed): string[][] {
  return findings.map((finding) => [address?.key ?? imageId, describeFinding(finding)]);
}

export interface Work {
  readonly processed: number;
  readonly deleted: number;
  readonly removed: number;
  /** Images that need a person. */
  readonly byHand: number;
}

export function workOf(confirmed: Iterable<Confirmed>): Work {
  const work = { processed: 0, deleted: 0, removed: 0, byHand: 0 };
  const field = { process: 'processed', delete: 'deleted', remove: 'removed' } as const satisfies Record<
    Repair['repair'],
    keyof Work
  >;
  for (const { repairs } of confirmed) {
    if (repairs.length === 0) work.byHand += 1;
    for (const { repair } of repairs) work[field[repair]] += 1;
  }
  return work;
}

export function planRepair({ processed, deleted, removed }: Work, renditions: number, perSecond: number) {
  return {
    usd: (processed + deleted) * imagePrice(renditions),
    minutes: Math.ceil((processed + deleted + removed) / perSecond / 60),
  };
}

/** What a repair does and costs. */
export function describeWork(work: Work, renditions: number, perSecond: number): string {
  const { processed, deleted, removed, byHand } = work;
  const { usd, minutes } = planRepair(work, renditions, perSecond);
  const price = shownPrice(usd);
  return (
    `To repair: process ${processed} uploads again, delete ${deleted} images, remove the renditions of ${removed} versions. ` +
    `${price.replace(/^./, (letter) => letter.toUpperCase())}, ${minutes} minutes at ${perSecond} images per second.` +
    (byHand > 0 ? ` ${byHand} images need a person: files of another kind in the rendition bucket.` : '')
  );
}
