import { imagePipeline, type StateMachine } from './state-machine.ts';

interface Sabotage {
  readonly what: string;
  readonly workflow: StateMachine;
  /** Among the first histories there is one that finds it. */
  readonly quick: boolean;
}

const quick: readonly string[] = [
  'the record is written whatever is there',
  'who loses keeps what it rendered',
  'a failure counts as a decision',
  'only one group is rendered',
  'no failure is put on record',
];

/** The workflow broken on purpose, one line at a time. Each has to be found by some history, or the histories prove nothing. */
export const sabotages: readonly Sabotage[] = [
  sabotage(
    'the record is written whatever is there',
    '"attribute_not_exists(sequencer) OR sequencer < :sequencer OR (sequencer = :sequencer AND (outcome = :failed OR (announced = :no AND (outcome <> :deleted OR outcome = :outcome))))"',
    '"attribute_not_exists(nothing)"',
  ),
  sabotage('a repeat does not finish what died unannounced', '(announced = :no AND (', '(announced = :failed AND ('),
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
  sabotage('nobody looks for marks', "$change = 'created' and $exists($image.versionId)", 'false'),
  sabotage(
    'a version that vanished is not looked for in the record',
    "$decision.outcome = 'vanished' and",
    'false and',
  ),
  sabotage('an erased version takes a newer one with it', 'version = :version AND (', '('),
  sabotage(
    'who loses keeps what it rendered',
    '"scope":"own"},"Next":"RemoveRenditions"',
    '"scope":"own"},"Next":"Decided"',
  ),
  sabotage('a repeat removes what it rendered, though it is shown', '"{% $shown %}"', '"{% false %}"'),
  sabotage(
    'a repeat believes the sequencer, whatever is shown',
    "$contains($states.result.Item.renditions.L[0].M.key.S, '/' & $image.sequencer & '/') = true",
    '$states.result.Item.sequencer.S = $image.sequencer',
  ),
  sabotage('what was replaced is not removed', '$replaced or $decision.outcome', '$decision.outcome'),
  sabotage('what was rendered of a rejected file is not removed', "in ['rejected', 'deleted']", "in ['deleted']"),
  sabotage('a winner removes its own renditions', "? 'older' : 'through'", "? 'through' : 'through'"),
  sabotage(
    'what needs no tidying is not announced',
    '"Default":"Announce"},"RemoveRenditions"',
    '"Default":"MarkAnnounced"},"RemoveRenditions"',
  ),
  sabotage('a repeated event has an id of its own', "& '-' & $decision.outcome", "& '-' & $string($random())"),
  sabotage(
    'a failure counts as a decision',
    '"Next":"WriteFailure"}],"Default":"GiveUp"',
    '"Next":"WriteFailure"}],"Default":"Repeat"',
  ),
  sabotage('only one group is rendered', '"group":"{% $states.input.group %}"', '"group":"web"'),
  sabotage(
    'the record bears another time than the change',
    "'occurredAt': $occurredAt, 'recordedAt'",
    "'occurredAt': $now(), 'recordedAt'",
  ),
  sabotage('no failure is put on record', '$lastAttempt and', 'false and'),
  sabotage('a failure takes away what is shown', 'REMOVE reason, expiresAt"', 'REMOVE reason, expiresAt, renditions"'),
  sabotage(
    'a failure is not announced',
    `"{% $decision.outcome = 'failed' %}","Next":"Announce"`,
    `"{% $decision.outcome = 'failed' %}","Next":"IsItDecided"`,
  ),
  sabotage('a failed deletion is put on record as failed', "$lastAttempt and $change = 'created'", '$lastAttempt'),
  sabotage(
    'a failure does not look for the mark',
    "$change = 'created' and $exists($image.versionId)",
    "$change = 'created' and $decision.outcome != 'failed' and $exists($image.versionId)",
  ),
  sabotage(
    'a record is marked as announced whatever has become of it',
    '"sequencer = :sequencer AND outcome = :outcome"',
    '"sequencer = :sequencer"',
  ),
  sabotage(
    'an announced erasure begins again',
    'version = :version AND (outcome <> :deleted OR announced = :no)',
    'version = :version',
  ),
  sabotage(
    'an erasure that died unannounced is not finished by its own upload',
    '$states.result.Item.announced.BOOL = false',
    'false',
  ),
];

function sabotage(what: string, line: string, broken: string): Sabotage {
  const workflow = imagePipeline((text) => {
    if (text.split(line).length !== 2) throw new Error(`The workflow has not exactly one ${line}`);
    return text.replace(line, () => broken);
  });
  return { what, workflow, quick: quick.includes(what) };
}
