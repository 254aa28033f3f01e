import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { generate } from 'selfsigned';
import { projectTitle } from '../../core/names.ts';
import { projectDirectory, workDirectory } from '../terminal/project.ts';

/** Paths of PEM files. */
export interface TlsCertificate {
  readonly certificate: string;
  readonly key: string;
}

const days = 24 * 60 * 60 * 1000;
// Apple's limit for trusted certificates.
const validFor = 397 * days;
const renewedBefore = 30 * days;

// The last is the name that containers use for this machine.
const names = ['localhost', '*.localhost', 'host.docker.internal'];

/** Identifies this clone to others that find its emulator on a port. Escaped, because commas separate listed names. */
const thisClone = pathToFileURL(projectDirectory).href.replaceAll(',', '%2C');

/** The folder of the clone that created a certificate, from the certificate's names as Node.js lists them. */
export function cloneNamedBy(listedNames: string | undefined): string | undefined {
  const [, url] = /(?:^|, )URI:"?(file:[^,"]+)/.exec(listedNames ?? '') ?? [];
  return url === undefined ? undefined : fileURLToPath(url);
}

/** A self-signed certificate for this machine's names, which only the emulator's clients trust. */
export async function tlsCertificate(): Promise<TlsCertificate> {
  const directory = join(workDirectory, 'tls');
  const files = { certificate: join(directory, 'certificate.pem'), key: join(directory, 'key.pem') };
  if (await isValidFor(files, renewedBefore)) return files;
  await mkdir(directory, { recursive: true });
  const made = await generate([{ name: 'commonName', value: `${projectTitle} local emulator` }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + validFor),
    extensions: [
      // Clients use it as a certificate authority, and OpenSSL requires it to be marked as one.
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...names.map((value) => ({ type: 2, value }) as const),
          { type: 6, value: thisClone },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  // The key first, so that the pair is complete once the certificate exists.
  await writeWhole(files.key, made.private);
  await writeWhole(files.certificate, made.cert);
  return files;
}

async function isValidFor({ certificate, key }: TlsCertificate, time: number): Promise<boolean> {
  try {
    const [pem] = await Promise.all([readFile(certificate), readFile(key)]);
    const found = new X509Certificate(pem);
    return (
      found.validToDate.getTime() - time > Date.now() &&
      names.every((name) => found.subjectAltName?.includes(`DNS:${name}`)) &&
      // A folder that was moved or copied needs a new certificate.
      cloneNamedBy(found.subjectAltName) === projectDirectory
    );
  } catch {
    return false;
  }
}

/** Writes atomically: readers see the old file or the new one, never part of it. */
async function writeWhole(file: string, text: string): Promise<void> {
  const part = `${file}.${process.pid}`;
  await writeFile(part, text, { mode: 0o600 });
  await rename(part, file);
}
