import { parseUploadEvent } from '../../adapters/contracts/upload-event.ts';
import { backfillOf } from '../../core/backfill.ts';
import { type ErasureRules, type ErasureStep, erasureRules } from '../../core/erase.ts';
import { substituted } from '../support/asl.ts';
import type { StateMachine } from '../support/workflow.ts';
import { type RecordHistory, recordHistory } from './history.ts';
import { type Backfill, type Rerender, rerender } from './repairs.ts';

interface Sabotage {
  readonly what: string;
  readonly workflow?: StateMachine;
  /** How messages are read, if that is what is broken. */
  readonly readEvent?: typeof parseUploadEvent;
  /** How an image is rendered again, if that is what is broken. */
  readonly rerender?: Rerender;
  /** How an image is backfilled, if that is what is broken. */
  readonly backfill?: Backfill;
  /** What an erasure decides, if that is what is broken. */
  readonly erasureRules?: ErasureRules;
  /** How changes of the table become history, if that is what is broken. */
  readonly recordHistory?: RecordHistory;
  /** One of the first histories finds it. */
  readonly quick: boolean;
}

const quick: readonly string[] = [
  'the record is written unconditionally',
  'infection marks are ignored',
  'an infected version keeps its renditions',
  'a superseded version keeps its renditions',
  'a failure counts as a decision',
  'only one group is rendered',
  'failures are not recorded',
  'a file that kills its workers is never decided',
  'a file is rejected when a worker died once',
  'a superseded attempt leaves no note',
];

const deaths =
  '"ErrorEquals":["ImageProcessFailed","Sandbox.Timedout","Runtime.ExitError","Runtime.OutOfMemory","Lambda.Unknown"]';
const renderingRetries =
  '"group":"{% $states.input.group %}"}},"Output":"{% $states.result.Payload %}","TimeoutSeconds":45,"Retry":[';

/** The workflow, or the reading of events, broken on purpose, one line at a time. Some history must detect each, or the histories prove nothing. */
export const sabotages: readonly Sabotage[] = [
  sabotage(
    'the record is written unconditionally',
    '"attribute_not_exists(sequencer) OR sequencer < :sequencer OR (sequencer = :sequencer AND (outcome = :failed OR (announced = :no AND outcome <> :kept AND outcome <> :alsoKept AND (attribute_not_exists(reason) OR reason <> :malware) AND (outcome <> :deleted OR outcome = :outcome))))"',
    '"attribute_not_exists(nothing)"',
  ),
  sabotage('a repeat does not finish an unannounced record', '"{% $exists($recorded.outcome) %}"', '"{% false %}"'),
  sabotage('a repeat announces other renditions than the first attempt', ' AND outcome <> :kept', ''),
  sabotage(
    'a repeat does not finish an unannounced deletion',
    '(announced = :no AND outcome',
    '(announced = :failed AND outcome',
  ),
  sabotage(
    'a redrive does not repair a failure',
    'AND (outcome = :failed OR (announced',
    'AND (outcome = :no OR (announced',
  ),
  sabotage(
    'an erased version is overwritten by a repeat',
    'outcome <> :deleted OR outcome = :outcome',
    'announced = :no',
  ),
  sabotage(
    'a failure is written over a decision',
    'sequencer < :sequencer OR (sequencer = :sequencer AND outcome = :failed)',
    'sequencer < :sequencer OR sequencer = :sequencer',
  ),
  sabotage('an erased version leaves no mark', '"Next":"MarkVersionErased"', '"Next":"EraseVersion"'),
  sabotage(
    'erasure marks are ignored',
    '"{% $erased %}","Next":"EraseVersion"},{"Condition":"{% $infected and',
    '"{% false %}","Next":"EraseVersion"},{"Condition":"{% $infected and',
  ),
  sabotage('an infected version leaves no mark', '"Next":"MarkVersionInfected"', '"Next":"WithdrawVersion"'),
  sabotage('infection marks are ignored', "$infected and $decision.outcome != 'rejected'", 'false'),
  sabotage(
    'a verdict replaces the mark of an erasure',
    '"ConditionExpression":"attribute_not_exists(imageId)"',
    '"ConditionExpression":"attribute_not_exists(nothing)"',
  ),
  sabotage(
    'a verdict about an old version withdraws a newer one',
    'version = :version AND (outcome = :processed OR',
    '(outcome = :processed OR',
  ),
  sabotage('a verdict brings back an erased image', '(outcome = :processed OR', '(outcome <> :rejected OR'),
  sabotage(
    'a verdict changes the reason of a rejection',
    '(outcome = :rejected AND reason = :malware AND announced = :no)',
    '(outcome = :rejected AND announced = :no)',
  ),
  sabotage(
    'an unannounced verdict is not finished',
    '(outcome = :rejected AND reason = :malware AND announced = :no)',
    'outcome = :failed',
  ),
  sabotage('an announced verdict starts again', 'reason = :malware AND announced = :no', 'reason = :malware'),
  sabotage(
    'an upload overwrites an unannounced rejection or verdict',
    ' AND outcome <> :alsoKept AND (attribute_not_exists(reason) OR reason <> :malware)',
    '',
  ),
  sabotage(
    'an unannounced verdict is not finished by its own upload',
    `"{% $infected %}","Next":"WithdrawVersion"`,
    `"{% false %}","Next":"WithdrawVersion"`,
  ),
  sabotage(
    'a verdict does not repair a failure',
    'OR outcome = :failed OR (outcome = :rejected',
    'OR (outcome = :rejected',
  ),
  sabotage(
    'an infected version keeps its renditions',
    '"scope":"through","occurredAt"',
    '"scope":"older","occurredAt"',
  ),
  sabotage('a withdrawn version keeps the old list of renditions', 'REMOVE metadata, renditions"', 'REMOVE metadata"'),
  sabotage('the record of a vanished version is not checked', "$decision.outcome = 'vanished' and", 'false and'),
  sabotage('an erased version also removes a newer one', 'version = :version AND (outcome <>', '(outcome <>'),
  sabotage(
    'a superseded version keeps its renditions',
    '"scope":"own"},"Next":"RemoveRenditions"',
    '"scope":"own"},"Next":"Decided"',
  ),
  sabotage(
    'an erased version keeps the renditions of its repair',
    "$change = 'created' and $ownSequencer > $image.sequencer ? $ownSequencer : $image.sequencer",
    '$image.sequencer',
  ),
  sabotage('a repeat removes renditions that the record lists', '"{% $shown %}"', '"{% false %}"'),
  sabotage(
    'a repeat checks the sequencer instead of the listed renditions',
    "$contains($states.result.Item.renditions.L[0].M.key.S, '/' & $image.sequencer & '/') = true",
    '$states.result.Item.sequencer.S = $image.sequencer',
  ),
  sabotage('replaced renditions are not removed', '$replaced or $not', '$not'),
  sabotage('renditions of a rejected file are not removed', "in ['rejected', 'deleted']", "in ['deleted']"),
  sabotage('a winner removes its own renditions', "? 'older' : 'through'", "? 'through' : 'through'"),
  sabotage(
    'versions without renditions to remove are not announced',
    '"Default":"ComposeEvent"},"RemoveRenditions"',
    '"Default":"MarkAnnounced"},"RemoveRenditions"',
  ),
  sabotage('a repeated event has a new id', "& '-' & $decision.outcome", "& '-' & $string($random())"),
  sabotage(
    'a failure counts as a decision',
    '"Next":"WriteFailure"}],"Default":"GiveUp"',
    '"Next":"WriteFailure"}],"Default":"Repeat"',
  ),
  sabotage('the record shows the renditions of one group', '[$answers.renditions]', '[$answers[1].renditions]'),
  sabotage('only one group is rendered', '"group":"{% $states.input.group %}"', '"group":"web"'),
  sabotage(
    'the record has another time than the change',
    '"sequencer":{"S":"{% $image.sequencer %}"},"version":{"S":"{% $version %}"},"occurredAt":{"S":"{% $occurredAt %}"},"recordedAt"',
    '"sequencer":{"S":"{% $image.sequencer %}"},"version":{"S":"{% $version %}"},"occurredAt":{"S":"{% $now() %}"},"recordedAt"',
  ),
  sabotage('failures are not recorded', '$lastAttempt and', 'false and'),
  sabotage(
    'a failure removes the listed renditions',
    'REMOVE reason, expiresAt"',
    'REMOVE reason, expiresAt, renditions"',
  ),
  sabotage(
    'a failure is not announced',
    `"{% $decision.outcome = 'failed' %}","Next":"ComposeEvent"`,
    `"{% $decision.outcome = 'failed' %}","Next":"IsItDecided"`,
  ),
  sabotage('a failed deletion is recorded as failed', "$lastAttempt and $change = 'created'", '$lastAttempt'),
  sabotage(
    'a failure ignores the erasure mark',
    `{% $change = 'created' %}","Next":"LookForMark"`,
    `{% $change = 'created' and $decision.outcome != 'failed' %}","Next":"LookForMark"`,
  ),
  sabotage(
    'a record is marked as announced even if it changed',
    '"sequencer = :sequencer AND outcome = :outcome"',
    '"sequencer = :sequencer"',
  ),
  sabotage(
    'an announced erasure starts again',
    'version = :version AND (outcome <> :deleted OR announced = :no)',
    'version = :version',
  ),
  sabotage(
    'an unannounced erasure is not finished by its own upload',
    "$states.result.Item.outcome.S = 'deleted' and",
    'false and',
  ),
  sabotage('a file that kills its workers is never decided', `[{${deaths},"Next":"RejectRendition"}]`, '[]'),
  sabotage(
    'a file is rejected when a worker died once',
    `${renderingRetries}{${deaths},"IntervalSeconds":1,"BackoffRate":2,"MaxAttempts":1`,
    `${renderingRetries}{${deaths},"IntervalSeconds":1,"BackoffRate":2,"MaxAttempts":0`,
  ),
  sabotage(
    'a file is rejected when Lambda throttles or fails',
    `[{${deaths},"Next":"RejectRendition"}]`,
    '[{"ErrorEquals":["States.ALL"],"Next":"RejectRendition"}]',
  ),
  {
    what: 'a deletion by a lifecycle rule is ordered by the midnight to which S3 dates it',
    readEvent: (body, buckets) => parseUploadEvent(body.replace('Lifecycle Expiration', 'DeleteObject'), buckets),
    quick: true,
  },
  {
    what: 'a re-render outranks later uploads, deletions and verdicts',
    rerender: differently((repair) => ({ ...repair, sequencer: `00FF${repair.sequencer.slice(4)}` })),
    quick: true,
  },
  {
    what: 'a re-render has the place of the version that it renders',
    rerender: (facts, presets) => {
      const sequencer = facts.record?.sequencer ?? '';
      return rerender(facts, presets).map((repair) => ({ ...repair, sequencer }));
    },
    quick: true,
  },
  {
    what: 'a re-render names no version, so that erasures and verdicts do not apply to it',
    rerender: differently((repair) => ({ ...repair, upload: { ...repair.upload, versionId: undefined } })),
    quick: true,
  },
  {
    what: 'a re-render of one version names the upload that has replaced it',
    rerender: ({ record, upload, ...facts }, presets) =>
      record?.outcome === 'processed' && upload !== undefined
        ? rerender({ ...facts, record: { ...record, version: upload.versionId ?? upload.etag }, upload }, presets)
        : [],
    quick: false,
  },
  {
    what: 'old renditions are removed before the new ones are on record',
    rerender: (facts, presets) => {
      const repairs = rerender(facts, presets);
      const { record } = facts;
      return record === undefined || repairs.length === 0
        ? repairs
        : [{ repair: 'remove', sequencer: record.sequencer }, ...repairs];
    },
    quick: true,
  },
  erasure('an erasure leaves one version', {
    erasableVersions: (versions, deletedAt) => erasureRules.erasableVersions(versions, deletedAt).slice(1),
  }),
  erasure('an erasure removes an upload that came after it', { erasableVersions: (versions) => versions }),
  erasure('an erasure makes no tombstone', { deletionOf: () => ({ deletion: 'none' }) }),
  erasure(
    'an erasure takes an upload before the deletion for one after it',
    {
      outcomeOfDeletion: async (record, { above }) =>
        record !== undefined && record.sequencer > above
          ? { outcome: 'deleted', through: record.sequencer }
          : undefined,
    },
    false,
  ),
  erasure('an erasure does not wait for what is in progress', { steps: without('settle') }),
  erasure('an erasure leaves renditions that a worker wrote late', { erasableRenditions: () => [] }, false),
  {
    what: 'a backfill outranks later uploads and deletions',
    backfill: otherwise((repair) => ({ ...repair, sequencer: `00FF${repair.sequencer.slice(4)}` })),
    quick: true,
  },
  {
    what: 'a backfill names no version, so that erasures and verdicts do not apply to it',
    backfill: otherwise((repair) => ({ ...repair, upload: { ...repair.upload, versionId: undefined } })),
    quick: true,
  },
  sabotage(
    'a superseded attempt leaves no note',
    `"{% $scope = 'own' %}","Next":"NoteAttempt"`,
    `"{% $scope = 'own' %}","Next":"Decided"`,
  ),
  {
    what: 'history forgets announcements',
    recordHistory: (changes) => recordHistory(changes).filter(({ event }) => event !== 'announced'),
    quick: true,
  },
  {
    what: 'history forgets the deletions of what was processed',
    recordHistory: (changes) => recordHistory(changes).filter(({ event }) => event !== 'deleted'),
    quick: true,
  },
  {
    what: 'history orders the changes of an image by their sequencers',
    recordHistory: (changes) =>
      recordHistory(changes).map((line) => ({ ...line, order: line.sequencer ?? '', id: line.event })),
    quick: true,
  },
];

function erasure(what: string, broken: Partial<ErasureRules>, isQuick = true): Sabotage {
  return { what, erasureRules: { ...erasureRules, ...broken }, quick: isQuick };
}

function without(...steps: readonly ErasureStep[]): readonly ErasureStep[] {
  return erasureRules.steps.filter((step) => !steps.includes(step));
}

type Process = NonNullable<ReturnType<Backfill>>;

function otherwise(change: (repair: Process) => Process): Backfill {
  return (facts, sequencerAt) => {
    const repair = backfillOf(facts, sequencerAt);
    return repair && change(repair);
  };
}

function differently(
  change: (repair: Extract<ReturnType<Rerender>[number], { repair: 'process' }>) => ReturnType<Rerender>[number],
): Rerender {
  return (facts, presets) =>
    rerender(facts, presets).map((repair) => (repair.repair === 'process' ? change(repair) : repair));
}

function sabotage(what: string, line: string, broken: string): Sabotage {
  const workflow = substituted('image-pipeline', {
    values: { AnnounceDescriptions: 'true' },
    change(text) {
      if (text.split(line).length !== 2) throw new Error(`The workflow must contain this exactly once: ${line}`);
      return text.replace(line, () => broken);
    },
  });
  return { what, workflow, quick: quick.includes(what) };
}
