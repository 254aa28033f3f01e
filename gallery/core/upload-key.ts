/**
 * The keys of the gallery's uploads: `gallery-<owner>/<random>/<name>`.
 *
 * A key says everything that the gallery must know of an upload, so that it can be rebuilt from events alone. The first folder is
 * the owner, whom the pipeline takes for the sender that it gives a fair share (core/sender.ts). The random part keeps files of
 * one name apart, and makes the addresses of renditions unguessable: the image's id is a hash of the key.
 */

/** Events of other keys in the same bucket are none of the gallery's business. The rules in template.yaml repeat it. */
export const keyPrefix = 'gallery-';

/** The `sub` of a token. Cognito's are UUIDs. */
export const ownerPattern = /^[A-Za-z0-9-]{1,64}$/;

const keyPattern = /^gallery-(?<owner>[A-Za-z0-9-]{1,64})\/[0-9a-f-]{36}\/(?<name>[^/]+)$/;

/** S3 allows 1,024 bytes in all, and a character has up to four. */
const NAME_CHARACTERS = 200;

/** @param random a UUID */
export function uploadKey(owner: string, random: string, fileName: string): string {
  return `${keyPrefix}${owner}/${random}/${shownName(fileName)}`;
}

export function readUploadKey(key: string): { readonly owner: string; readonly name: string } | undefined {
  const { owner, name } = keyPattern.exec(key)?.groups ?? {};
  return owner === undefined || name === undefined ? undefined : { owner, name };
}

/**
 * The last part of a path, without characters that cannot be seen: control characters, and those that reverse the direction of
 * what follows, so that `gpj.exe` would be read as `exe.jpg`. And without `${`, which begins a variable in the key of a form for S3.
 */
function shownName(fileName: string): string {
  const last = fileName.split(/[/\\]/).at(-1) ?? '';
  const visible = last
    .normalize('NFC')
    .replaceAll(/\p{C}/gu, '')
    .replaceAll(/\$+(?=\{)/g, '')
    .trim();
  const short = [...visible].slice(-NAME_CHARACTERS).join('');
  return /^\.*$/.test(short) ? 'image' : short;
}
