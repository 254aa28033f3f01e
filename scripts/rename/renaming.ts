/** Replaces the project's names in its files. */
import { createHash } from 'node:crypto';
import { imageIdOf } from '../../core/image.ts';
import type { Names } from './names.ts';

/** By their paths in the project. */
export type Texts = ReadonlyMap<string, string>;

export interface Renaming {
  /** The new text of each file that changes. */
  readonly changed: Texts;
  /** Number of replacements, by file, including hashes that depend on a name. */
  readonly places: ReadonlyMap<string, number>;
}

/** Replaces all names of a text in one pass, so no replacement is replaced again. */
export async function renameAll(texts: Texts, from: Names, to: Names): Promise<Renaming> {
  const imageIds = await renamedImageIds(texts, from, to);
  const changed = new Map<string, string>();
  const places = new Map<string, number>();
  for (const [path, text] of texts) {
    const named = renamed(text, from, to);
    const identified = replaceKeys(named.text, imageIds);
    const signed = replaceKeys(identified.text, checksumsOfMessages(path, text, identified.text));
    if (signed.text === text) continue;
    changed.set(path, signed.text);
    places.set(path, named.places + identified.places + signed.places);
  }
  return { changed, places };
}

interface Replaced {
  readonly text: string;
  readonly places: number;
}

export function renamed(text: string, from: Names, to: Names): Replaced {
  const replacements = patternsOf(from).map((pattern, index) => ({ pattern, by: spellings(to)[index] ?? '' }));
  const all = new RegExp(replacements.map(({ pattern }) => `(${pattern})`).join('|'), 'g');
  let places = 0;
  const result = text.replace(all, (_, ...groups: (string | undefined)[]) => {
    places += 1;
    return replacements.find((_replacement, index) => groups[index] !== undefined)?.by ?? '';
  });
  return { text: result, places };
}

/** In the order of {@link patternsOf}. */
function spellings({ name, title, eventSource, metricNamespace }: Names): readonly string[] {
  return [metricNamespace, metricNamespace, eventSource, title, inEnvironment(name), name];
}

/** The namespace may be spelled like the title, so it is recognised by the text before it. */
function patternsOf(names: Names): readonly string[] {
  const namespace = word(names.metricNamespace);
  return [
    `(?<=[Nn]amespace\\W{1,6})${namespace}`,
    // A metric on a dashboard.
    `(?<=\\[")${namespace}(?=", ")`,
    word(names.eventSource),
    word(names.title),
    word(inEnvironment(names.name)),
    word(names.name),
  ];
}

function word(text: string): string {
  return `(?<![A-Za-z0-9])${text.replaceAll('.', '\\.')}(?![A-Za-z0-9])`;
}

/** Same as environmentPrefix in core/names.ts. */
function inEnvironment(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

/**
 * Files that already use the new name for something else: a later rename could not tell the two apart. Excludes files that
 * explain this command, because they use names as examples.
 */
export function filesWith(name: string, texts: Texts, current: Names): string[] {
  const pattern = new RegExp(word(name), 'i');
  const nothing: Names = { name: '', title: '', eventSource: '', metricNamespace: '' };
  return [...texts]
    .filter(([, text]) => !text.includes('npm run rename') && pattern.test(renamed(text, current, nothing).text))
    .map(([path]) => path);
}

/** Sample events and docs contain ids of images in the local stack, which depend on the bucket's name. */
async function renamedImageIds(texts: Texts, from: Names, to: Names): Promise<ReadonlyMap<string, string>> {
  const bucket = (names: Names) => `${names.name}-local-uploads`;
  const keys = [...texts.values()]
    .filter((text) => text.includes(bucket(from)))
    .flatMap((text) => [...text.matchAll(/\\?"key\\?": ?\\?"([^"\\]+)\\?"/g)].map(([, key = '']) => key));
  const ids = [...new Set(keys)].map(
    async (key): Promise<[string, string]> => [await imageIdOf(bucket(from), key), await imageIdOf(bucket(to), key)],
  );
  return new Map(await Promise.all(ids));
}

/** Each sample SQS message contains an MD5 checksum of its body. */
function checksumsOfMessages(path: string, before: string, after: string): ReadonlyMap<string, string> {
  if (!path.startsWith('events/')) return new Map();
  const bodies = (text: string) =>
    [...text.matchAll(/"body": ("(?:[^"\\]|\\.)*")/g)].map(([, body = '""']) => md5(String(JSON.parse(body))));
  const now = bodies(after);
  return new Map(bodies(before).map((checksum, index) => [checksum, now[index] ?? checksum]));
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function replaceKeys(text: string, replacements: ReadonlyMap<string, string>): Replaced {
  let places = 0;
  const result = text.replace(/\b[0-9a-f]{32}\b/g, (hash) => {
    const replacement = replacements.get(hash) ?? hash;
    if (replacement !== hash) places += 1;
    return replacement;
  });
  return { text: result, places };
}
