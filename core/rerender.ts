/** Which images a change of presets makes outdated, and how one is rendered again. Decides; reads nothing. */
import { type ImageFacts, isRecordOf, type Repair } from './audit.ts';
import { nextSequencer } from './image.ts';
import type { Preset } from './presets.ts';
import type { ImageRecord } from './record.ts';
import { type Outdated, outdated } from './settings.ts';

/**
 * What the presets would make differently; undefined if nothing. A failed image is never chosen: its dead letter is rendered
 * with the presets of the day when it is redriven.
 *
 * @param only names of presets: others do not matter
 */
export function chosenFor(
  record: ImageRecord,
  presets: readonly Preset[],
  only?: readonly string[],
): Outdated | undefined {
  if (record.outcome !== 'processed') return undefined;
  const { missing, changed, unwanted } = outdated(record, presets);
  const names = [...missing, ...changed, ...unwanted];
  const isChosen = only === undefined ? names.length > 0 : names.some((name) => only.includes(name));
  return isChosen ? { missing, changed, unwanted } : undefined;
}

/**
 * Undefined if there is nothing to do, or if another upload, whose own event is on its way, has replaced the one on record.
 *
 * The place in the order is the next one after the record's. So a later upload, overwrite or deletion wins, whichever arrives
 * first, and asking twice is a repeat.
 */
export function rerenderOf(
  { record, upload }: Pick<ImageFacts, 'record' | 'upload'>,
  presets: readonly Preset[],
  only?: readonly string[],
): Extract<Repair, { repair: 'process' }> | undefined {
  if (record === undefined || upload === undefined || !isRecordOf(record, upload)) return undefined;
  if (chosenFor(record, presets, only) === undefined) return undefined;
  return { repair: 'process', upload, sequencer: nextSequencer(record.sequencer) };
}
