/** Uploads one file to the bucket with the form of a ticket, and returns the outcome. */
import type { Trouble } from './api.ts';

export type Sent =
  | { readonly kind: 'sent' }
  /** The form works no longer. With another one, the file may. */
  | { readonly kind: 'expired' }
  | Extract<Trouble, { kind: 'unreachable' | 'refused' }>;

export type SendFile = (
  form: { readonly url: string; readonly fields: Readonly<Record<string, string>> },
  file: File,
  signal: AbortSignal,
  progress: (share: number) => void,
) => Promise<Sent>;

export const sendFile: SendFile = ({ url, fields }, file, signal, progress) => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', file);
  return new Promise((resolve) => {
    // fetch() cannot tell how much of a body is sent.
    const request = new XMLHttpRequest();
    request.upload.addEventListener('progress', ({ loaded, total }) => progress(total === 0 ? 0 : loaded / total));
    request.addEventListener('loadend', () => resolve(sentOf(request.status, request.responseText)));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.open('POST', url);
    request.send(form);
  });
};

/** A browser refuses to read a file that was moved or changed on disk since it was chosen. */
export async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/** Codes of S3 for what another attempt may change: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const passing: ReadonlySet<string> = new Set(['RequestTimeout', 'IncompleteBody', 'OperationAborted']);
/** The last one ends with the role's session, which may be earlier than the form says. */
const expired: ReadonlySet<string> = new Set(['RequestTimeTooSkewed', 'ExpiredToken']);

/** By the status, which is 0 without an answer, and by S3's XML. */
export function sentOf(status: number, body: string): Sent {
  if (status >= 200 && status < 300) return { kind: 'sent' };
  const isRefusal = status >= 400 && status < 500 && status !== 408 && status !== 429;
  const code = /<Code>(\w+)<\/Code>/.exec(body)?.[1] ?? '';
  if (!isRefusal || passing.has(code)) return { kind: 'unreachable' };
  if (expired.has(code) || body.includes('Policy expired')) return { kind: 'expired' };
  return { kind: 'refused', message: `The file could not be stored (status ${status}). Try again.` };
}
