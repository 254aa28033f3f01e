import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  card,
  cards,
  choose,
  describePage,
  drop,
  expectCards,
  expectPictures,
  photograph,
  steps,
  text,
  toBucket,
} from './page-test.ts';

const twelve = () => Promise.all(Array.from({ length: 12 }, (_, index) => photograph(`photo-${index + 1}.jpg`, index)));

describePage('Uploading', {}, ({ open }) => {
  it('twelve photographs dropped become twelve pictures, in the same order in each window and after a reload', async () => {
    const [page, second] = [await open('ann'), await open('ann')];
    await page.getByRole('heading', { name: 'Drop photographs here' }).waitFor();
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/v1/uploads')) sent.push(request.postDataJSON().name);
    });
    await drop(page, ...(await twelve()));
    await expectCards(page, 'ready', 12);
    // Lists are newest first, so the first file is the last to be sent.
    expect(sent.indexOf('photo-12.jpg')).toBeLessThan(sent.indexOf('photo-1.jpg'));
    await expectPictures(page, 12);
    const order = await cards(page).locator('.name').allTextContents();
    expect([...order].sort()).toEqual(Array.from({ length: 12 }, (_, index) => `photo-${index + 1}.jpg`).sort());
    await expectCards(second, 'ready', 12);
    expect(await cards(second).locator('.name').allTextContents()).toEqual(order);
    await page.getByRole('status').filter({ hasText: '12 ready' }).waitFor();
    await page.reload();
    await expectCards(page, 'ready', 12);
    expect(await cards(page).locator('.name').allTextContents()).toEqual(order);
  });

  it('a file that is no image is rejected with a sentence, and can be removed', async () => {
    const page = await open('ben');
    await choose(page, text('notes.jpg'));
    await expectCards(page, 'rejected', 1);
    expect(await card(page, 'notes.jpg').locator('p').textContent()).toContain("don't recognise this file as an image");
    await page.getByRole('button', { name: 'Remove notes.jpg' }).click();
    await expectCards(page, undefined, 0);
  });

  it('an empty file and one that is too large are refused with a sentence before they are sent', async () => {
    const page = await open('ben');
    await drop(page, { name: 'empty.jpg', mimeType: 'image/jpeg', buffer: Buffer.alloc(0) });
    expect(await card(page, 'empty.jpg').locator('p').textContent()).toBe('The file is empty.');
    await card(page, 'empty.jpg').getByText('Not uploaded').waitFor();
    // To try again cannot help.
    expect(await card(page, 'empty.jpg').getByRole('button').allTextContents()).toEqual(['Dismiss']);
    await page.getByRole('status').filter({ hasText: '1 not uploaded' }).waitFor();
    await page.getByRole('button', { name: 'Dismiss empty.jpg' }).click();
    await page.evaluate((size) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([new Uint8Array(size)], 'huge.jpg', { type: 'image/jpeg' }));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }, 50_000_001);
    await expectCards(page, 'refused', 1);
    expect(await card(page, 'huge.jpg').locator('p').textContent()).toContain('50 MB');
    expect(await card(page, 'huge.jpg').getByRole('button').allTextContents()).toEqual(['Dismiss']);
    await page.getByRole('button', { name: 'Dismiss huge.jpg' }).click();
    await expectCards(page, undefined, 0);
  });

  it('a pasted picture is uploaded', async () => {
    const page = await open('ben');
    const { buffer } = await photograph('pasted.jpg', 3);
    await page.evaluate((base64) => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      data.items.add(new File([bytes], 'pasted.jpg', { type: 'image/jpeg' }));
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    }, buffer.toString('base64'));
    await card(page, 'pasted.jpg').and(cards(page, 'ready')).waitFor();
  });
});

describePage('Sending', {}, ({ open }) => {
  it('again after a lost answer makes no second photograph', async () => {
    const page = await open('ann');
    await page.route(
      '**/uploads',
      async (route) => {
        if (route.request().url().endsWith('/v1/uploads')) return route.fallback();
        await route.fetch();
        await route.abort('connectionreset');
      },
      { times: 2 },
    );
    await choose(page, await photograph('once.jpg', 1));
    await expectCards(page, 'ready', 1);
    await page.reload();
    await expectCards(page, 'ready', 1);
    expect(await cards(page).count()).toBe(1);
  });

  it('goes on when the gallery answers again', async () => {
    const page = await open('ben');
    await page.route('**/uploads', (route) => route.abort('connectionrefused'));
    await choose(page, await photograph('left.jpg', 1), await photograph('right.jpg', 2));
    for (const name of ['left.jpg', 'right.jpg'])
      await card(page, name).getByText('Waiting for the connection…').waitFor();
    await page.unroute('**/uploads');
    await expectCards(page, 'ready', 2);
  });

  it('of all files that were not sent is one action', async () => {
    const page = await open('ben');
    await page.route(toBucket, (route) => route.fulfill({ status: 403 }));
    await choose(page, await photograph('one.jpg', 3), await photograph('two.jpg', 4));
    await expectCards(page, 'refused', 2);
    await page.getByRole('status').filter({ hasText: '2 ready · 2 not uploaded' }).waitFor();
    await card(page, 'one.jpg').getByText('The file could not be stored (status 403). Try again.').waitFor();
    await card(page, 'one.jpg').getByText('Not uploaded').waitFor();
    expect(await page.getByText(/rejected/i).count()).toBe(0);
    await page.unroute(toBucket);
    await page.getByRole('button', { name: 'Upload 2 files again' }).click();
    await expectCards(page, 'ready', 4);
  });

  it('a file that was moved after it was chosen ends with a sentence', async () => {
    const page = await open('ben');
    const folder = await mkdtemp(join(tmpdir(), 'gallery-file-'));
    const path = join(folder, 'moved.jpg');
    await writeFile(path, (await photograph('moved.jpg', 5)).buffer);
    await page.route('**/v1/uploads', (route) => route.abort('connectionrefused'));
    await page.locator('input[type=file][multiple]').setInputFiles(path);
    await card(page, 'moved.jpg').getByText('Waiting for the connection…').waitFor();
    await rm(folder, { recursive: true });
    await card(page, 'moved.jpg').getByText('It may have been moved or changed').waitFor();
  });
});

describePage('Files that are dropped', {}, ({ open }) => {
  it('on the inside view are uploaded, and the view stays', async () => {
    const page = await open('ann');
    await page.getByRole('link', { name: 'Inside' }).click();
    await page.getByRole('heading', { name: 'Inside' }).waitFor();
    expect(await drop(page, await photograph('dropped.jpg', 1))).toEqual({ opensFile: false });
    await page.getByText('dropped.jpg').first().waitFor();
    await page.getByRole('heading', { name: 'Inside' }).waitFor();
    await page.getByRole('link', { name: 'Photographs' }).first().click();
    await expectCards(page, 'ready', 1);
  });

  it('before the person is signed in are not opened instead of the page, and a sentence says what to do', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Continue as ben' }).waitFor();
    expect(await drop(page, await photograph('early.jpg', 2))).toEqual({ opensFile: false });
    await page.getByRole('alert').getByText('Sign in first. Then drop your photographs again.').waitFor();
    await page.getByRole('button', { name: 'Continue as ben' }).click();
    await page.getByRole('heading', { name: 'Photographs', exact: true }).waitFor();
    await drop(page, await photograph('now.jpg', 3));
    await expectCards(page, 'ready', 1);
  });
});

describePage('Leaving before all files are sent', {}, ({ open }) => {
  it('is a question of the browser, and one at signing out', async () => {
    const page = await open('ann');
    const questions: string[] = [];
    const answers = ['dismiss', 'dismiss', 'accept'] as const;
    page.on('dialog', async (dialog) => {
      const answer = answers[questions.length] ?? 'accept';
      questions.push(`${dialog.type()} ${dialog.message()}`.trim());
      await dialog[answer]();
    });
    await page.route('**/v1/uploads', (route) => route.abort('connectionrefused'));
    // A browser asks only on pages that people have used.
    await page.getByRole('heading', { name: 'Photographs', exact: true }).click();
    await choose(page, await photograph('one.jpg', 1), await photograph('two.jpg', 2));
    await expectCards(page, 'waiting', 2);
    await page.close({ runBeforeUnload: true });
    await expect.poll(() => questions).toEqual(['beforeunload']);
    const signOut = page.getByRole('button', { name: 'Sign out' });
    await signOut.click();
    await expectCards(page, 'waiting', 2);
    await signOut.click();
    await page.getByRole('button', { name: 'Continue as ann' }).waitFor();
    const question = 'confirm Sign out and stop the upload of 2 files?';
    expect(questions).toEqual(['beforeunload', question, question]);
    await page.reload();
    await page.getByRole('button', { name: 'Continue as ann' }).waitFor();
    expect(questions).toHaveLength(3);
  });
});

describePage('A browser that is slow to paint', {}, ({ open }) => {
  it('shows what arrived before it painted', async () => {
    const page = await open('ann');
    await choose(page, await photograph('early.jpg', 4));
    await expectCards(page, 'ready', 1);
    await page.addInitScript(() => {
      const later = window.setTimeout;
      const slowly = (callback: TimerHandler, delay = 0) => later(callback, Math.max(delay, 2_000));
      Object.assign(window, { setTimeout: slowly, requestAnimationFrame: slowly });
    });
    await page.reload();
    await expectCards(page, 'ready', 1);
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
  });
});

describePage('Someone without photographs at hand', {}, ({ open }) => {
  it('can use the samples, of which one is no photograph', async () => {
    const page = await open('ann');
    await page.getByRole('button', { name: 'Use sample photographs' }).click();
    await expectCards(page, 'ready', 6);
    await expectCards(page, 'rejected', 1);
  });
});

const { pause, finish } = steps();
describePage('A slow pipeline', { pause }, ({ open }) => {
  it('shows each step of an image, and its ThumbHash as soon as it is described', async () => {
    const [page, second] = [await open('ann'), await open('ann')];
    await choose(page, await photograph('slow.jpg', 2));
    await card(page, 'slow.jpg').getByText('Uploaded').waitFor();
    finish();
    await card(page, 'slow.jpg').getByText('Described, rendering').waitFor();
    // This window has never had the file.
    await card(second, 'slow.jpg').getByText('Described, rendering').waitFor();
    await card(second, 'slow.jpg').locator('img.placeholder').waitFor();
    finish();
    await expectCards(page, 'ready', 1);
    await expectPictures(page, 1);
  });

  it('shows inside how many photographs wait, and how many are worked on', async () => {
    const page = await open('ben');
    const value = (name: string) => page.locator('.gauges > div').filter({ hasText: name }).locator('.value');
    const values = async () => [
      await value('Waiting in the queue').textContent(),
      await value('Being processed').textContent(),
    ];
    const three = ['one.jpg', 'two.jpg', 'three.jpg'];
    await choose(page, ...(await Promise.all(three.map((name, index) => photograph(name, index)))));
    await page.getByRole('link', { name: 'Inside' }).click();
    // It has two workers.
    await expect.poll(values).toEqual(['1', '2']);
    for (const _ of [...three, ...three]) finish();
    await expect.poll(values).toEqual(['0', '0']);
  });
});

describePage('One photograph', {}, ({ open }) => {
  it('shows its metadata, what it saves, and its downloads', async () => {
    const page = await open('ann');
    await choose(page, await photograph('beach.jpg', 5, { Make: 'Leica', Model: 'M6' }));
    await card(page, 'beach.jpg').getByRole('link').click();
    const dialog = page.getByRole('dialog', { name: 'beach.jpg' });
    await dialog.getByText('480 × 320').first().waitFor();
    await dialog.getByText('Leica M6').waitFor();
    await dialog.getByRole('heading', { name: /smaller than JPEG|File size by format/ }).waitFor();
    const download = dialog.getByRole('link', { name: /AVIF 480 × 320/ });
    expect(await download.getAttribute('download')).toBe('beach-avif-1280.avif');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  });

  it('can be copied as HTML', async () => {
    const page = await open('ann', { permissions: ['clipboard-read', 'clipboard-write'] });
    await card(page, 'beach.jpg').getByRole('link').click();
    await page.getByRole('button', { name: 'Copy as HTML' }).click();
    await page.getByText('HTML copied.').waitFor();
    await page.getByText('The links work only in this gallery, on this machine.').waitFor();
    expect(await page.getByText('private:').count()).toBe(0);
    const html = await page.evaluate(() => navigator.clipboard.readText());
    expect(html).toMatch(/^<picture>\n {2}<source type="image\/avif"/);
    expect(html).toContain('alt="beach.jpg"');
  });

  it('can be replaced, and is then the newest', async () => {
    const page = await open('ann');
    await choose(page, await photograph('second.jpg', 9));
    await expectCards(page, 'ready', 2);
    await card(page, 'beach.jpg').getByRole('link').click();
    const picture = page.getByRole('dialog').locator('picture img');
    const before = await picture.getAttribute('src');
    await page.getByLabel('Replace with another file').setInputFiles(await photograph('other.jpg', 11));
    await expect.poll(() => picture.getAttribute('src')).not.toBe(before);
    await page.keyboard.press('Escape');
    await expectCards(page, 'ready', 2);
    const order = await cards(page).locator('.name').allTextContents();
    expect(order).toEqual(['beach.jpg', 'second.jpg']);
    await page.reload();
    await expectCards(page, 'ready', 2);
    expect(await cards(page).locator('.name').allTextContents()).toEqual(order);
  });

  it('with a file that is not stored can be tried again', async () => {
    const page = await open('ann');
    await card(page, 'beach.jpg').getByRole('link').click();
    const dialog = page.getByRole('dialog');
    await page.route(toBucket, (route) => route.fulfill({ status: 403 }));
    await page.getByLabel('Replace with another file').setInputFiles(await photograph('other.jpg', 7));
    await dialog.getByRole('alert').getByText('could not be stored').waitFor();
    await page.unroute(toBucket);
    await dialog.getByRole('button', { name: 'Try again' }).click();
    await dialog.getByRole('alert').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await expectCards(page, 'ready', 2);
  });

  it('with a file that cannot be sent stays as it is, and the problem can be dismissed', async () => {
    const page = await open('ann');
    await card(page, 'beach.jpg').getByRole('link').click();
    const dialog = page.getByRole('dialog');
    const replaceByHugeFile = () =>
      page.getByLabel('Replace with another file').evaluate((input: HTMLInputElement, size) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(size)], 'huge.jpg', { type: 'image/jpeg' }));
        input.files = data.files;
        input.dispatchEvent(new Event('change', { bubbles: true }));
      }, 50_000_001);
    await replaceByHugeFile();
    await dialog.getByRole('alert').getByText('50 MB').waitFor();
    await page.keyboard.press('Escape');
    await card(page, 'beach.jpg').getByText('Not replaced').waitFor();
    await page.getByRole('status').filter({ hasText: '1 ready · 1 not uploaded' }).waitFor();
    await card(page, 'beach.jpg').getByRole('link').click();
    await dialog.getByRole('button', { name: 'Dismiss beach.jpg' }).click();
    await dialog.getByRole('alert').waitFor({ state: 'detached' });
    expect(await dialog.getByRole('button', { name: 'Close' }).evaluate((one) => one.matches(':focus'))).toBe(true);
    await page.keyboard.press('Escape');
    await expectCards(page, 'ready', 2);
  });

  it('is deleted only after a question', async () => {
    const page = await open('ann');
    await card(page, 'beach.jpg').getByRole('link').click();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Keep' }).click();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await expectCards(page, undefined, 1);
    await page.reload();
    await expectCards(page, undefined, 1);
  });
});

describePage('Script in a name or in metadata', {}, ({ open }) => {
  it('is shown as text', async () => {
    const page = await open('ann');
    const script = '<img src=x onerror="document.title=1">.jpg';
    await choose(page, await photograph(script, 1, { Make: '<script>document.title=2</script>', Model: 'x' }));
    await expectCards(page, 'ready', 1);
    expect(await cards(page).locator('.name').textContent()).toBe(script);
    await cards(page).getByRole('link').click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('heading', { level: 2 }).textContent()).toBe(script);
    await dialog.getByText('<script>document.title=2').waitFor();
    expect(await page.title()).toBe('Darkroom');
  });
});
