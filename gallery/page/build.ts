/** `node gallery/page/build.ts [folder]`: bundles the page, by default into gallery/page/dist. */
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = (file: string) => new URL(file, import.meta.url).pathname;
const copied = ['index.html', 'icon.svg'] as const;

export interface BuiltFile {
  readonly name: string;
  readonly bytes: number;
  /** With gzip, which every server can do. Brotli is smaller. */
  readonly compressed: number;
}

export async function buildPage(folder = here('dist')): Promise<readonly BuiltFile[]> {
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: { page: here('source/main.tsx') },
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2023',
    jsx: 'automatic',
    jsxImportSource: 'preact',
  });
  await build({
    entryPoints: { page: here('page.css') },
    outdir: folder,
    bundle: true,
    minify: true,
    target: 'es2023',
  });
  for (const name of copied) await copyFile(here(name), join(folder, name));
  return Promise.all(['page.js', 'page.css', ...copied].map((name) => sizeOf(folder, name)));
}

async function sizeOf(folder: string, name: string): Promise<BuiltFile> {
  const content = await readFile(join(folder, name));
  return { name, bytes: content.length, compressed: gzipSync(content).length };
}

if (import.meta.main) {
  for (const { name, bytes, compressed } of await buildPage(process.argv[2])) {
    process.stdout.write(`${name}: ${bytes} bytes, ${compressed} compressed\n`);
  }
}
