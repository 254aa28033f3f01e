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
// Apple's limit for a certificate that is to be trusted.
const validFor = 397 * days;
const renewedBefore = 30 * days;

// The last is what a container calls the machine that it runs on.
const names = ['localhost', '*.localhost', 'host.docker.internal'];

/** Tells another clone whose emulator it has found on a port. A comma would end the name where names are listed. */
const thisClone = pathToFileURL(projectDirectory).href.replaceAll(',', '%2C');

/** The folder of the clone that made a certificate, from its names as Node.js lists them. */
export function cloneNamedBy(listedNames: string | undefined): string | undefined {
  const [, url] = /(?:^|, )URI:"?(file:[^,"]+)/.exec(listedNames ?? '') ?? [];
  return url === undefined ? undefined : fileURLToPath(url);
}

/** A certificate for this machine's own names, made by this machine and trusted by the emulator's clients only. */
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
      // Clients take it as their only authority, and OpenSSL wants a certificate authority to say that it is one.
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
  // The key first: a pair is complete as soon as its certificate is there.
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
      // A folder that was moved or copied gets a certificate of its own.
      cloneNamedBy(found.subjectAltName) === projectDirectory
    );
  } catch {
    return false;
  }
}

/** Readers see the old file or the new one, never a part. */
async function writeWhole(file: string, text: string): Promise<void> {
  const part = `${file}.${process.pid}`;
  await writeFile(part, text, { mode: 0o600 });
  await rename(part, file);
}
