/** `npm run page` in gallery/: bundles the page into gallery/page/dist. `-- FOLDER` names another folder. */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';

const here = (file: string) => new URL(file, import.meta.url).pathname;

export interface BuiltFile {
  readonly name: string;
  readonly bytes: number;
  /** With gzip, which every server can do. Brotli is smaller. */
  readonly compressed: number;
  /** Its name contains a hash of its content, so caches may keep it forever. */
  readonly hashed: boolean;
}

export async function buildPage(folder = here('dist')): Promise<readonly BuiltFile[]> {
  await mkdir(folder, { recursive: true });
  const options: BuildOptions = { outdir: folder, entryNames: '[name]-[hash]', bundle: true, minify: true };
  const script = await bundled({
    ...options,
    entryPoints: { page: here('source/main.tsx') },
    format: 'esm',
    target: 'es2023',
    jsx: 'automatic',
    jsxImportSource: 'preact',
  });
  const style = await bundled({ ...options, entryPoints: { page: here('page.css') }, target: 'es2023' });
  const document = await readFile(here('index.html'), 'utf8');
  await writeFile(join(folder, 'index.html'), document.replace('page.js', script).replace('page.css', style));
  await copyFile(here('icon.svg'), join(folder, 'icon.svg'));
  await removeEarlier(folder, [script, style]);
  return Promise.all([
    ...[script, style].map((name) => describe(folder, name, true)),
    ...['index.html', 'icon.svg'].map((name) => describe(folder, name, false)),
  ]);
}

/** Last, so that a server of this folder always has what its document names. */
async function removeEarlier(folder: string, current: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    const isEarlier = /^page-[A-Z0-9]{8}\.(js|css)$/.test(name) && !current.includes(name);
    if (isEarlier) await rm(join(folder, name), { force: true });
  }
}

/** @returns the name of the one file that it writes */
async function bundled(options: BuildOptions): Promise<string> {
  const { metafile } = await build({ ...options, metafile: true });
  return Object.keys(metafile?.outputs ?? {})
    .map((path) => basename(path))
    .join();
}

async function describe(folder: string, name: string, hashed: boolean): Promise<BuiltFile> {
  const content = await readFile(join(folder, name));
  return { name, bytes: content.length, compressed: gzipSync(content).length, hashed };
}

if (import.meta.main) {
  for (const { name, bytes, compressed } of await buildPage(process.argv[2])) {
    process.stdout.write(`${name}: ${bytes} bytes, ${compressed} compressed\n`);
  }
}
