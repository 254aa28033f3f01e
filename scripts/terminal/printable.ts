/**
 * Text from outside (keys of uploads, messages of queues, errors of services) can contain characters that control the terminal
 * or reorder the text around them. Each is escaped, for example as \u202e, so that the reader sees it.
 */

/** For text within a line. */
export function printable(text: string): string {
  return text.replaceAll(marks, (mark, start: number) => (joinsEmoji(text, start, mark) ? mark : spelledOut(mark)));
}

const marks = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The joiner within one emoji, a family for example, is part of its picture. */
function joinsEmoji(text: string, start: number, mark: string): boolean {
  return (
    mark === '\u200d' &&
    /(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)$/u.test(text.slice(0, start)) &&
    /^\p{Extended_Pictographic}/u.test(text.slice(start + mark.length))
  );
}

/** For whole lines: keeps line breaks. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

function spelledOut(mark: string): string {
  const code = (mark.codePointAt(0) ?? 0).toString(16).padStart(4, '0');
  return code.length > 4 ? `\\u{${code}}` : `\\u${code}`;
}
