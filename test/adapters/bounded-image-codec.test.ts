import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { boundedImageCodec } from '../../adapters/sharp/bounded-image-codec.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { defaultLimits, type Limits } from '../../core/limits.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { excessiveWork } from '../hostile/excessive-work.ts';
import type { Maker } from '../hostile/hostile-file.ts';
import { examplePresets } from '../support/example-presets.ts';
import { openImage } from '../support/open-image.ts';
import { descendantsOf, processes } from '../support/processes.ts';
import { photoHeader } from '../support/stub-image-codec.ts';

/** A decoder cannot take more than its share of time and memory, whatever a file makes it do. */

// Bundled, because Node.js takes ten times as long to start their sources.
const folder = mkdtempSync(join(tmpdir(), 'image-processes-'));
const scripts = { unlimited: join(folder, 'unlimited.js'), misbehaving: join(folder, 'misbehaving.js') };
const fixture = (name: string): Bytes => new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
const onLinux = process.platform === 'linux';
vi.setConfig({ testTimeout: 60_000 });
// Of every format. Small, because here nothing depends on their size.
const presets = examplePresets.map((preset) => ({ ...preset, width: preset.width / 8 }));

function codecWith(script: keyof typeof scripts, seconds: Partial<Limits['seconds']> = {}, megabytes = 1_769) {
  return boundedImageCodec({
    script: scripts[script],
    functionMegabytes: megabytes,
    limits: { ...defaultLimits, seconds: { ...defaultLimits.seconds, ...seconds } },
  });
}

beforeAll(async () => {
  const entryPoints = Object.keys(scripts).map((name) => `test/support/image-processes/${name}.ts`);
  await build({
    ...{ entryPoints, outdir: folder, absWorkingDir: projectDirectory },
    ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node24', external: ['sharp'] },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(() => void vi.stubEnv('NODE_PATH', join(projectDirectory, 'node_modules')));
// Otherwise, they run until the tests end.
afterEach(() => {
  vi.unstubAllEnvs();
  for (const { id, command } of descendantsOf(process.pid)) {
    if (command.includes(folder)) process.kill(id, 'SIGKILL');
  }
});

it('answers as the codec within it', async () => {
  const bytes = fixture('photos/flowers-iphone5-gps-small.jpg');
  const [inside, outside] = await Promise.all(
    [sharpImageCodec(), codecWith('unlimited')].map((codec) => openImage(codec, bytes)),
  );
  expect(outside?.header).toEqual(inside?.header);
  expect(await outside?.portray()).toEqual(await inside?.portray());
  expect(await outside?.render(presets)).toEqual(await inside?.render(presets));
});

it('passes on every option of a preset, and the upload’s focus', async () => {
  const common = { width: 100, quality: 80 };
  const onePixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
  const watermark = { png: onePixel, corner: 'top-left', share: 0.5, opacity: 0.5 } as const;
  const everyOption: readonly Preset[] = [
    { ...common, name: 'cover', format: 'webp', fit: 'cover', height: 50, focus: 'attention' as const, animated: true },
    { ...common, name: 'centre', format: 'avif', fit: 'cover', height: 50, focus: 'centre' as const },
    { ...common, name: 'pad', format: 'jpeg', fit: 'pad', height: 90, background: '#ff0000', watermark },
    { ...common, name: 'inside', format: 'webp', fit: 'inside', height: 30, effort: 1 },
  ];
  for (const file of ['animation/forever.gif', 'photos/flowers-iphone5-gps-small.jpg']) {
    for (const focus of [undefined, { x: 0.1, y: 0.9 }]) {
      const [inside, outside] = await Promise.all(
        [sharpImageCodec(), codecWith('unlimited')].map(async (codec) =>
          (await openImage(codec, fixture(file))).render(everyOption, focus),
        ),
      );
      expect(outside).toEqual(inside);
    }
  }
});

it('passes on rejections, and keeps two images apart that are open at once', async () => {
  const codec = codecWith('unlimited');
  expect(await codec.open(fixture('formats/drawing.svg'))).toMatchObject({ reason: 'unsupported-format' });
  const [one, other] = await Promise.all(
    ['rocket', 'flowers-iphone5-gps-small'].map((name) => openImage(codec, fixture(`photos/${name}.jpg`))),
  );
  const [first, second, third] = await Promise.all([one?.portray(), other?.portray(), one?.portray()]);
  expect(first).toEqual(third);
  expect(first).not.toEqual(second);
});

describe('a file that the checks overlooked', () => {
  const texts = excessiveWork(20261129, 1).filter(([name]) => name.endsWith('compressed texts.png'));
  const overlooked: readonly Maker[] = [
    ...texts,
    ...['irot-60.avif', 'frames-130.avif', 'x-icc-mpet-35000.png'].map(
      (name): Maker => [name, async () => Buffer.from(fixture(`slow-and-heavy/${name}`))],
    ),
  ];

  it.runIf(onLinux).each(overlooked)('is rejected, and the next image is not affected: %s', async (_, make) => {
    const codec = codecWith('unlimited', { cpuSeconds: 0.5 }, 600);
    const image = await codec.open(new Uint8Array(await make()));
    const outcome = image.outcome === 'open' ? await image.portray() : image;
    expect(outcome).toMatchObject({
      outcome: 'rejected',
      reason: 'too-complex',
      message: expect.stringMatching(/^The file is valid but too complex .* Please export it again/),
    });
    const next = await openImage(codec, fixture('photos/rocket.jpg'));
    expect(await next.render(presets)).toMatchObject({ outcome: 'rendered' });
  });
});

describe('an image process', () => {
  const textOf = (text: string): Bytes => new TextEncoder().encode(text);
  const opens = { outcome: 'open', header: photoHeader };

  it.each([
    ['crashes', 'crash', 'our decoder cannot finish it'],
    ['runs out of memory', 'starve', 'more memory'],
    ['uses up its time', 'loop', 'more than 0.5 seconds'],
  ])('that %s blames the image, and is replaced', async (_, word, sentence) => {
    const codec = codecWith('misbehaving', { cpuSeconds: 0.5 });
    expect(await codec.open(textOf(word))).toMatchObject({
      reason: 'too-complex',
      message: expect.stringContaining(sentence),
    });
    expect(await codec.open(textOf('fine'))).toMatchObject(opens);
  });

  it.each(['crash', 'starve'])('that had other images blames one only in a new process: %s', async (word) => {
    const codec = codecWith('misbehaving');
    await codec.open(textOf('fine'));
    expect(await codec.open(textOf(`${word} later`))).toMatchObject(opens);
    expect(await codec.open(textOf(word))).toMatchObject({ reason: 'too-complex' });
  });

  it.each([
    ['is killed from outside', 'killed', /ended by SIGKILL/],
    ['exits', 'exit', /ended with exit code 3/],
    ['hangs', 'hang', /got only \d\.\d s of CPU time in 1 s/],
    ['gets no CPU time', 'frozen', /got only \d\.\d s of CPU time in 1 s/],
    ['answers what no codec would', 'lie', /impossible answer/],
    ['prepares an answer to the next request', 'prepare', /no proper answer/],
    ['sends more than a worker can hold', 'endless', /no proper answer/],
  ])('that %s leaves the decision to the workflow, and is replaced', async (_, word, message) => {
    const codec = codecWith('misbehaving', { wallSeconds: 1 });
    await expect(codec.open(textOf(word))).rejects.toThrow(
      expect.objectContaining({ name: 'ImageProcessFailed', message: expect.stringMatching(message) }),
    );
    expect(await codec.open(textOf('fine'))).toMatchObject(opens);
  });

  it('that has a bug blames neither the image nor the machine, and is replaced', async () => {
    const codec = codecWith('misbehaving');
    await expect(codec.open(textOf('fail'))).rejects.toThrow(
      expect.objectContaining({ name: 'Error', message: 'a bug' }),
    );
    expect(await codec.open(textOf('fine'))).toMatchObject(opens);
  });

  it('has one time for all requests about an image', async () => {
    const codec = codecWith('misbehaving', { cpuSeconds: 0.5 });
    const image = await openImage(codec, textOf('slow'));
    await image.portray();
    expect(await image.portray()).toMatchObject({ reason: 'too-complex' });
  });

  it('says why it cannot start', async () => {
    const codec = boundedImageCodec({
      script: '/nowhere/image-process.js',
      functionMegabytes: 1_769,
      limits: defaultLimits,
    });
    await expect(codec.open(textOf('fine'))).rejects.toThrow(/could not start.*exit code 1.*Cannot find module/s);
  });

  it('has none of its worker’s credentials', async () => {
    vi.stubEnv('AWS_SESSION_TOKEN', 'secret');
    vi.stubEnv('MALLOC_ARENA_MAX', '2');
    const names = codecWith('misbehaving').open(textOf('environment'));
    await expect(names).rejects.toThrow('MALLOC_ARENA_MAX');
    await expect(names).rejects.not.toThrow(/AWS|SECRET|"HOME"/);
  });

  it('ends with its worker', async () => {
    const worker = `
      import { boundedImageCodec } from ${JSON.stringify(new URL('../../adapters/sharp/bounded-image-codec.ts', import.meta.url))};
      import { defaultLimits } from ${JSON.stringify(new URL('../../core/limits.ts', import.meta.url))};
      const codec = boundedImageCodec({ script: ${JSON.stringify(scripts.misbehaving)}, functionMegabytes: 1769, limits: defaultLimits });
      console.log((await codec.open(new TextEncoder().encode('fine'))).outcome);
    `;
    expect(
      execFileSync(process.execPath, ['--input-type=module-typescript', '--eval', worker], { encoding: 'utf8' }),
    ).toBe('open\n');
    await vi.waitFor(() => expect(processes().filter(({ command }) => command.includes(folder))).toEqual([]), 20_000);
  });
});
