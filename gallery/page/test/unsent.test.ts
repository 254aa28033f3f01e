import { expect, it } from 'vitest';
import { emptyGallery, reduceGallery, type UploadStep } from '../source/gallery-state.ts';
import { createStore } from '../source/store.ts';
import { askBeforeLeaving, unsentText } from '../source/unsent.ts';

function openPage() {
  const store = createStore(reduceGallery, emptyGallery);
  const page = new EventTarget();
  const stop = askBeforeLeaving(store, page);
  return {
    stop,
    text: () => unsentText(store.state()),
    add: (...keys: readonly string[]) =>
      store.dispatch({
        kind: 'uploads-added',
        uploads: keys.map((key) => ({ key, name: key, bytes: 1, replaces: undefined })),
        now: 0,
      }),
    step: (key: string, step: UploadStep) => store.dispatch({ kind: 'upload-stepped', key, step }),
    asks: () => !page.dispatchEvent(new Event('beforeunload', { cancelable: true })),
  };
}

it('the browser asks before it leaves a page with files that are not sent yet, and only then', () => {
  const { add, step, asks } = openPage();
  expect(asks()).toBe(false);
  add('one', 'two');
  expect(asks()).toBe(true);
  step('one', { kind: 'sending', share: 0.5 });
  step('two', { kind: 'refused', message: 'No.' });
  expect(asks()).toBe(true);
  step('one', { kind: 'stored' });
  expect(asks()).toBe(false);
});

it('the browser does not ask once the person has signed out', () => {
  const { add, stop, step, asks } = openPage();
  add('one');
  stop();
  step('one', { kind: 'waiting', unreachable: true });
  expect(asks()).toBe(false);
});

it('a sentence can say how many they are', () => {
  const { add, step, text } = openPage();
  expect(text()).toBe('');
  add('one', 'two');
  expect(text()).toBe('2 files');
  step('two', { kind: 'stored' });
  expect(text()).toBe('1 file');
});
