import { isDeepStrictEqual } from 'node:util';
import { type Json, parseTemplateText } from '../../scripts/template/template.ts';

/** Changes one file of the project so that a practice is gone. A change that no longer applies is an error. */

/** A property's name or an item's index; or an item, identified by some of its properties or, if a string, by its value. */
type Step = string | number | Readonly<Record<string, string>>;

/** In the parsed template, workflow or lock file, so the layout of its text does not matter. */
type DocumentChange = {
  readonly file: string;
  readonly path: readonly Step[];
} & (
  | { readonly value: Json }
  | { readonly remove: true }
  /** Part of the string at that path. */
  | { readonly from: string; readonly to: string }
);

/** In the text of code, every time it occurs. */
interface TextChange {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
export type Change = DocumentChange | TextChange;

/** The text of the change's file after the change. */
export function takeAway(text: string, change: Change): string {
  if (!('path' in change)) return replaced(text, change, change.file);
  return write(changed(read(change.file, text), change.path, change));
}

/** The same document as `takeAway` writes it. */
export function rewritten(text: string, { file }: DocumentChange): string {
  return write(read(file, text));
}

// Most changes are to the same template, and no document is changed in place.
const documents = new Map<string, Json>();

function read(file: string, text: string): Json {
  const document = documents.get(text) ?? (file.endsWith('.json') ? JSON.parse(text) : parseTemplateText(text));
  documents.set(text, document);
  return document;
}

/** JSON is YAML, too. */
function write(document: Json): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

function changed(value: Json, [step, ...rest]: readonly Step[], change: DocumentChange): Json {
  if (step === undefined) return newValue(value, change);
  const isRemoved = rest.length === 0 && 'remove' in change;
  if (Array.isArray(value)) {
    const index = typeof step === 'number' ? step : value.findIndex((item) => isItem(item, step));
    const item = value[index];
    if (item === undefined) throw missing(step, change);
    return isRemoved ? value.toSpliced(index, 1) : value.with(index, changed(item, rest, change));
  }
  if (typeof value !== 'object' || value === null || typeof step !== 'string') throw missing(step, change);
  const { [step]: property, ...others } = value;
  if (property === undefined) throw missing(step, change);
  return isRemoved ? others : { ...value, [step]: changed(property, rest, change) };
}

function isItem(item: Json, wanted: string | Readonly<Record<string, string>>): boolean {
  if (typeof wanted === 'string' || typeof item !== 'object' || item === null || Array.isArray(item))
    return item === wanted;
  return Object.entries(wanted).every(([name, value]) => item[name] === value);
}

function newValue(value: Json, change: DocumentChange): Json {
  const where = placeOf(change);
  if ('from' in change) return replaced(value, change, where);
  if ('remove' in change) throw new Error(`${where}: an empty path removes nothing.`);
  if (isDeepStrictEqual(value, change.value)) throw new Error(`${where} already has the value to set.`);
  return change.value;
}

function replaced(text: Json, { from, to }: Pick<TextChange, 'from' | 'to'>, where: string): string {
  if (typeof text !== 'string' || !text.includes(from) || from === to)
    throw new Error(`${where} does not contain the text to replace: ${from}`);
  return text.replaceAll(from, to);
}

function missing(step: Step, change: DocumentChange): Error {
  return new Error(`${placeOf(change)}: ${JSON.stringify(step)} does not exist.`);
}

function placeOf({ file, path }: DocumentChange): string {
  return `${file} at ${path.map((step) => JSON.stringify(step)).join(', ')}`;
}
