// jimp and @napi-rs/image: a line of JSON in, a line of JSON out (line-worker.ts).
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { ChromaSubsampling, FastResizeFilter, Transformer } from '@napi-rs/image';
import { Jimp, JimpMime } from 'jimp';

const require = createRequire(import.meta.url);

const peers = {
  jimp: async (photo, renditions) => {
    const picture = await Jimp.read(photo);
    for (const { width, height, quality, file } of renditions) {
      // Its default averages. Its bicubic and bilinear modes only sample, and no quality number compensates for that.
      const small = picture.clone().resize({ w: width, h: height });
      writeFileSync(file, await small.getBuffer(JimpMime.jpeg, { quality }));
    }
  },
  '@napi-rs/image': async (photo, renditions) => {
    const bytes = readFileSync(photo);
    for (const { format, width, height, quality, file } of renditions) {
      const picture = new Transformer(bytes).rotate().fastResize({ width, height, filter: FastResizeFilter.Lanczos3 });
      writeFileSync(file, await encode(picture, format, quality));
    }
  },
};

function encode(picture, format, quality) {
  // rav1e's fastest setting, as ours is libaom's. Its WebP has only a quality setting.
  const avif = { quality, speed: 10, threads: 1, chromaSubsampling: ChromaSubsampling.Yuv420 };
  return { webp: () => picture.webp(quality), jpeg: () => picture.jpeg(quality), avif: () => picture.avif(avif) }[
    format
  ]();
}

for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, peer, photo, renditions } = JSON.parse(line);
  const reply = what === 'versions' ? versions() : await measured(() => peers[peer](photo, renditions));
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

function versions() {
  const { dependencies } = require('./package.json');
  return Object.fromEntries(Object.keys(peers).map((name) => [name, dependencies[name]]));
}

async function measured(work) {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work();
  const wall = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpu: (user + system) / 1000, wall };
}
