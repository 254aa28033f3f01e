import { useEffect, useRef, useState } from 'preact/hooks';
import { imageAddress, onPlainClick, turnToImage } from './address.ts';
import type { Gallery } from './gallery.ts';
import { type Image, type Item, isInProgress } from './gallery-state.ts';
import { Icon } from './icons.tsx';
import { progressText, RefusedActions, troubleText } from './photograph-card.tsx';
import { RenditionPicture } from './rendition-picture.tsx';
import { downloadName, formatName, htmlOf, isCrop, type Saving, savingOf } from './renditions.ts';
import { bytesText, percentText, pixelsText, timeText } from './text.ts';

/** The cookies are SameSite=Strict, and the local origin answers only its own page. */
const PRIVATE =
  'The pictures are private: only people who are signed in to this gallery see them, and other sites cannot show them. To publish a picture, download it.';
const LOCAL = 'The links work only in this gallery, on this machine. To publish a picture, download it.';

interface DialogProps {
  readonly item: Item;
  readonly image: Image;
  readonly gallery: Gallery;
  /** The neighbours. */
  readonly before: Image | undefined;
  readonly after: Image | undefined;
  /** Someone wants it to be closed. */
  readonly onClose: () => void;
  /** It no longer keeps the focus to itself. */
  readonly onClosed: () => void;
}

export function PhotographDialog({ item, image, gallery, before, after, onClose, onClosed }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = useRef<HTMLButtonElement>(null);
  // It is open for as long as it exists, and the address alone decides that. If it closed by itself, someone could ask for it again before
  // the address has changed, and nothing would open it.
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close();
      onClosed();
    };
  }, []);
  const turn = ({ key, altKey, ctrlKey, metaKey }: KeyboardEvent) => {
    // With those, the browser goes back and forward.
    if (altKey || ctrlKey || metaKey) return;
    const next = key === 'ArrowLeft' ? before : key === 'ArrowRight' ? after : undefined;
    if (next !== undefined) turnToImage(next.id);
  };
  const { stage } = item;
  return (
    <dialog
      ref={dialog}
      class="photograph"
      aria-labelledby="photograph-name"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // A browser may close it all the same, at a second Escape. After it is gone, there is nothing to close.
      onClose={() => dialog.current !== null && onClose()}
      onKeyDown={turn}
      onClick={({ target }) => target === dialog.current && onClose()}
    >
      <div class="sheet">
        <div class="view">
          <div class="frame" data-stage={stage.kind}>
            <RenditionPicture
              renditions={image.renditions}
              thumbhash={image.metadata?.thumbhash}
              preview={item.upload?.preview?.source}
              size="large"
              alt={item.name}
              gallery={gallery}
            />
          </div>
          {before !== undefined && <Turn to={before} direction="previous" label="Newer photograph" />}
          {after !== undefined && <Turn to={after} direction="next" label="Older photograph" />}
        </div>
        <div class="details">
          <div class="title">
            <h2 id="photograph-name">{item.name}</h2>
            <button type="button" ref={close} class="plain close" aria-label="Close" onClick={onClose}>
              <Icon name="close" />
            </button>
          </div>
          {isInProgress(stage) && (
            <p class="notice" role="status">
              New version: {progressText(stage)}
            </p>
          )}
          {troubleText(stage) !== '' && (
            <div class="problem">
              <p role="alert">{troubleText(stage)}</p>
              {stage.kind === 'refused' && (
                <RefusedActions stage={stage} name={item.name} gallery={gallery} leave={() => close.current?.focus()} />
              )}
            </div>
          )}
          <Facts image={image} />
          <SavingBars saving={savingOf(image.renditions)} />
          <Actions image={image} gallery={gallery} onDeleted={onClose} />
          <Renditions image={image} />
        </div>
      </div>
    </dialog>
  );
}

interface TurnProps {
  readonly to: Image;
  readonly direction: 'previous' | 'next';
  readonly label: string;
}

function Turn({ to, direction, label }: TurnProps) {
  return (
    <a
      class={`turn ${direction}`}
      href={imageAddress(to.id)}
      aria-label={label}
      onClick={onPlainClick(() => turnToImage(to.id))}
    >
      <Icon name={direction} />
    </a>
  );
}

function Facts({ image }: { readonly image: Image }) {
  const { metadata, changedAt } = image;
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ['Taken', metadata?.capturedAt && timeText(metadata.capturedAt)],
    ['Camera', metadata?.camera],
    ['Location', locationText(metadata)],
    ['Size', metadata && pixelsText(metadata.width, metadata.height)],
    ['File', metadata && `${metadata.format.toUpperCase()}, ${bytesText(metadata.bytes)}`],
    ['Frames', metadata?.frames !== undefined && metadata.frames > 1 ? String(metadata.frames) : undefined],
    ['Condition', metadata?.damaged === true ? 'Damaged, but almost all of it is readable' : undefined],
    ['Uploaded', timeText(changedAt)],
  ];
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** Only of a pipeline that keeps it. */
function locationText(metadata: object | undefined): string | undefined {
  if (metadata === undefined || !('location' in metadata)) return undefined;
  const { location } = metadata;
  if (typeof location !== 'object' || location === null) return undefined;
  if (!('latitude' in location && 'longitude' in location)) return undefined;
  return `${Number(location.latitude).toFixed(4)}, ${Number(location.longitude).toFixed(4)}`;
}

function SavingBars({ saving }: { readonly saving: Saving | undefined }) {
  if (saving === undefined) return null;
  const { files, share, width, height } = saving;
  const largest = Math.max(...files.map(({ bytes }) => bytes));
  return (
    <section class="saving">
      <h3>{share > 0 ? `${percentText(share)} smaller than JPEG` : 'File size by format'}</h3>
      <p class="hint">
        The same picture at {width} × {height} pixels.
      </p>
      <ul>
        {files.map(({ format, bytes }, index) => (
          <li key={format}>
            <span>{format}</span>
            <span class="track" aria-hidden="true">
              <span
                class={index === 0 ? 'best' : ''}
                style={{ width: `${Math.max(1, (bytes / largest) * 100).toFixed(1)}%` }}
              />
            </span>
            <span class="figure">{bytesText(bytes)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Renditions({ image }: { readonly image: Image }) {
  if (image.renditions.length === 0) return null;
  return (
    <section class="renditions">
      <h3>Download</h3>
      <ul>
        {image.renditions.map((rendition) => {
          const { preset, url, contentType, width, height, bytes, animated } = rendition;
          return (
            <li key={preset}>
              <a href={url} download={downloadName(image.name, rendition)}>
                <Icon name="download" />
                <span>
                  {formatName(contentType)} {width} × {height}
                  {isCrop(rendition, image.renditions) && (width === height ? ', square crop' : ', crop')}
                  {animated === true && ', animated'}
                </span>
                <span class="figure">{bytesText(bytes)}</span>
              </a>
            </li>
          );
        })}
      </ul>
      <p class="hint">Downloads contain no location, camera or other private metadata.</p>
    </section>
  );
}

interface ActionsProps {
  readonly image: Image;
  readonly gallery: Gallery;
  readonly onDeleted: () => void;
}

function Actions({ image, gallery, onDeleted }: ActionsProps) {
  const picker = useRef<HTMLInputElement>(null);
  const shown = useRef<HTMLDetailsElement>(null);
  const [asking, setAsking] = useState(false);
  const [said, setSaid] = useState('');
  const html = htmlOf(image.renditions, image.name, location.origin);

  const copy = (text: string) => {
    // With the sentence that says who can see the pictures.
    if (shown.current !== null) shown.current.open = true;
    void navigator.clipboard.writeText(text).then(
      () => setSaid('HTML copied.'),
      () => setSaid('The browser does not allow copying. Select the HTML below.'),
    );
  };
  const remove = () => {
    onDeleted();
    void gallery.deleteImage(image);
  };
  return (
    <section class="actions-section">
      {asking ? (
        <fieldset class="question">
          <legend>Delete this photograph and all its renditions?</legend>
          <button type="button" class="danger" onClick={remove}>
            Delete
          </button>
          <button type="button" ref={focusOnce} onClick={() => setAsking(false)}>
            Keep
          </button>
        </fieldset>
      ) : (
        <div class="actions">
          {html !== undefined && (
            <button type="button" onClick={() => copy(html)}>
              Copy as HTML
            </button>
          )}
          <button type="button" onClick={() => picker.current?.click()}>
            Replace…
          </button>
          <button type="button" onClick={() => setAsking(true)}>
            Delete…
          </button>
        </div>
      )}
      <p class="said" role="status">
        {said}
      </p>
      {html !== undefined && (
        <details ref={shown}>
          <summary>HTML</summary>
          <p class="hint">{gallery.picturesArePrivate ? PRIVATE : LOCAL}</p>
          <pre>
            <code>{html}</code>
          </pre>
        </details>
      )}
      <input
        ref={picker}
        type="file"
        accept="image/*,.heic,.heif"
        hidden
        aria-label="Replace with another file"
        onChange={({ currentTarget }) => {
          gallery.uploads.add([...(currentTarget.files ?? [])], image.id);
          currentTarget.value = '';
        }}
      />
    </section>
  );
}

const focusOnce = (button: HTMLButtonElement | null) => button?.focus();
