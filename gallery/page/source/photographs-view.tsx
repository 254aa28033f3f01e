import { useEffect, useRef, useState } from 'preact/hooks';
import { closeImage, currentRoute } from './address.ts';
import { sampleFiles } from './files.ts';
import { focusCard, focusMain } from './focus.ts';
import type { Gallery } from './gallery.ts';
import { canBeTriedAgain, type Image, type Item, isInProgress, itemsOf, type Notice } from './gallery-state.ts';
import { useStore } from './hooks.ts';
import { Icon } from './icons.tsx';
import { PhotographCard } from './photograph-card.tsx';
import { PhotographDialog } from './photograph-dialog.tsx';
import { savingOf } from './renditions.ts';
import { percentText } from './text.ts';

/** Some browsers do not count HEIC among the images. */
const ACCEPTED = 'image/*,.heic,.heif';

interface PhotographsProps {
  readonly gallery: Gallery;
  readonly open: string | undefined;
  readonly samples: readonly string[];
}

export function PhotographsView({ gallery, open, samples }: PhotographsProps) {
  const state = useStore(gallery.images);
  const picker = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);

  const items = itemsOf(state);
  const isEmpty = items.length === 0 && state.cursor !== undefined;
  const shown = items.findIndex(({ image }) => image !== undefined && image.id === open);
  const opened = items[shown];
  const add = (input: HTMLInputElement) => {
    gallery.uploads.add([...(input.files ?? [])]);
    // So that choosing the same file again counts as a change.
    input.value = '';
  };
  const notUploaded = items.filter(({ stage }) => canBeTriedAgain(stage)).length;
  const uploadAgain = () => {
    gallery.uploads.retryAll();
    // The button goes.
    focusMain();
  };

  const isListed = state.cursor !== undefined;
  const isShown = opened !== undefined;
  const lastShown = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (isShown || open === undefined) {
      lastShown.current = open;
      return;
    }
    if (!isListed) return;
    const leave = () => {
      if (currentRoute().open === open) closeImage();
    };
    // What goes while it is shown needs no words: the person has deleted it, here or in another window.
    if (open === lastShown.current) leave();
    else void gallery.findImage(open).then((isFound) => !isFound && leave());
  }, [gallery, open, isShown, isListed]);

  return (
    <>
      <div class="toolbar">
        <div>
          <h1>Photographs</h1>
          <Summary items={items} loaded={state.cursor !== undefined} hasOlder={state.older !== undefined} />
        </div>
        {!isEmpty && (
          <div class="actions">
            {notUploaded > 1 && (
              <button type="button" onClick={uploadAgain}>
                Upload {notUploaded} files again
              </button>
            )}
            <button type="button" class="camera with-touch" onClick={() => camera.current?.click()}>
              <Icon name="camera" />
              <span>Camera</span>
            </button>
            <button type="button" class="primary" onClick={() => picker.current?.click()}>
              <Icon name="add" />
              Add photographs
            </button>
          </div>
        )}
        <input
          ref={picker}
          type="file"
          accept={ACCEPTED}
          multiple
          hidden
          aria-label="Add photographs"
          onChange={({ currentTarget }) => add(currentTarget)}
        />
        <input
          ref={camera}
          type="file"
          accept="image/*"
          capture="environment"
          hidden
          aria-label="Take a photograph"
          onChange={({ currentTarget }) => add(currentTarget)}
        />
      </div>
      <Notices notices={state.notices} gallery={gallery} />
      {isEmpty && (
        <EmptyGallery
          gallery={gallery}
          samples={samples}
          onChoose={() => picker.current?.click()}
          onCamera={() => camera.current?.click()}
        />
      )}
      <ul class="grid" ref={list}>
        {items.map((item) => (
          <PhotographCard key={item.key} item={item} gallery={gallery} />
        ))}
      </ul>
      {state.older !== undefined && (
        <p class="more">
          <button type="button" onClick={() => void gallery.loadOlder()}>
            Show older photographs
          </button>
        </p>
      )}
      {opened?.image !== undefined && (
        <PhotographDialog
          key={opened.key}
          item={opened}
          image={opened.image}
          gallery={gallery}
          before={openable(items.slice(0, shown).toReversed())}
          after={openable(items.slice(shown + 1))}
          onClose={closeImage}
          // Back to where the person was, or next to it, if the photograph is deleted.
          onClosed={() => {
            const cards = [...(list.current?.querySelectorAll<HTMLElement>('.card') ?? [])];
            const keys = [shown, shown + 1, shown - 1].map((index) => items[index]?.key);
            focusCard(keys.map((key) => cards.find(({ dataset }) => dataset['key'] === key)));
          }}
        />
      )}
    </>
  );
}

/** The next one that has something to show in large. */
function openable(items: readonly Item[]): Image | undefined {
  return items.find(({ image }) => image !== undefined && image.renditions.length > 0)?.image;
}

interface NoticesProps {
  readonly notices: readonly Notice[];
  readonly gallery: Gallery;
}

function Notices({ notices, gallery }: NoticesProps) {
  if (notices.length === 0) return null;
  return (
    <ul class="notices">
      {notices.map(({ id, text }) => (
        <li key={id}>
          <p class="problem" role="alert">
            {text}
          </p>
          <button type="button" onClick={() => gallery.images.dispatch({ kind: 'notice-dismissed', id })}>
            Dismiss
          </button>
        </li>
      ))}
    </ul>
  );
}

interface SummaryProps {
  readonly items: readonly Item[];
  readonly loaded: boolean;
  /** Whether the list goes on. */
  readonly hasOlder: boolean;
}

/** Read out when it changes: not each percent of each upload. */
function Summary({ items, loaded, hasOlder }: SummaryProps) {
  return (
    <p class="summary" role="status">
      {loaded ? summaryText(items, hasOlder) : 'Loading…'}
    </p>
  );
}

function summaryText(items: readonly Item[], hasOlder: boolean): string {
  // Of what is not loaded yet, nothing is in progress.
  const more = hasOlder ? '+' : '';
  const count = (kind: Item['stage']['kind']) => items.filter(({ stage }) => stage.kind === kind).length;
  const working = items.filter(({ stage }) => isInProgress(stage)).length;
  const parts = [
    working > 0 ? `${working} in progress` : '',
    count('ready') > 0 ? `${count('ready')}${more} ready` : '',
    count('refused') > 0 ? `${count('refused')} not uploaded` : '',
    count('rejected') > 0 ? `${count('rejected')}${more} rejected` : '',
    count('failed') > 0 ? `${count('failed')}${more} failed` : '',
    averageSaving(items),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function averageSaving(items: readonly Item[]): string {
  const savings = items.flatMap(({ image }) => savingOf(image?.renditions ?? []) ?? []);
  if (savings.length === 0) return '';
  const jpeg = savings.reduce((sum, { jpeg: bytes }) => sum + bytes, 0);
  const smallest = savings.reduce((sum, { files }) => sum + (files[0]?.bytes ?? 0), 0);
  return smallest < jpeg ? `${percentText(1 - smallest / jpeg)} smaller than JPEG at the same dimensions` : '';
}

interface EmptyProps {
  readonly gallery: Gallery;
  readonly samples: readonly string[];
  readonly onChoose: () => void;
  readonly onCamera: () => void;
}

function EmptyGallery({ gallery, samples, onChoose, onCamera }: EmptyProps) {
  const [problem, setProblem] = useState<string>();
  const useSamples = () =>
    void sampleFiles(samples)
      .then((files) => gallery.uploads.add(files))
      .catch(() => setProblem('The sample photographs could not be loaded. Try again.'));
  return (
    <section class="empty">
      <EmptyPicture />
      <h2 class="with-mouse">Drop photographs here</h2>
      <h2 class="with-touch">Add your photographs</h2>
      <p class="with-mouse">You can also drop whole folders or paste a picture.</p>
      <div class="actions">
        <button type="button" class="primary" onClick={onChoose}>
          Choose photographs
        </button>
        <button type="button" class="camera with-touch" onClick={onCamera}>
          <Icon name="camera" />
          Camera
        </button>
        {samples.length > 0 && (
          <button type="button" onClick={useSamples}>
            Use sample photographs
          </button>
        )}
      </div>
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <p class="hint">
        JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF, BMP and ICO, up to 50 MB each. Only you can see your photographs.
      </p>
    </section>
  );
}

function EmptyPicture() {
  return (
    <svg class="empty-picture" viewBox="0 0 200 120" width="200" height="120" aria-hidden="true">
      <rect class="print back" x="28" y="22" width="84" height="64" rx="4" transform="rotate(-9 70 54)" />
      <rect class="print back" x="92" y="22" width="84" height="64" rx="4" transform="rotate(8 134 54)" />
      <rect class="print" x="54" y="26" width="92" height="70" rx="4" />
      <circle class="sun" cx="122" cy="48" r="8" />
      <path class="hills" d="M58 90 L84 58 L102 78 L114 68 L142 90 Z" />
    </svg>
  );
}
