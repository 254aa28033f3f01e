import { imageAddress, onPlainClick, openImage } from './address.ts';
import { focusCard } from './focus.ts';
import type { Gallery } from './gallery.ts';
import { canBeTriedAgain, type Item, isInProgress, type Stage } from './gallery-state.ts';
import { Icon } from './icons.tsx';
import { RenditionPicture } from './rendition-picture.tsx';
import { savingOf } from './renditions.ts';
import { percentText } from './text.ts';

interface CardProps {
  readonly item: Item;
  readonly gallery: Gallery;
}

/** Wider or narrower pictures are cropped in the grid, so that no row is all one picture. */
const NARROWEST = 0.75;
const WIDEST = 2.2;
/** Of most photographs, until the page knows better. */
const USUAL_RATIO = 3 / 2;
/** Room for a sentence or two. */
const PROBLEM_RATIO = 1.1;

export function PhotographCard({ item, gallery }: CardProps) {
  const { stage, image, upload } = item;
  const openable = image !== undefined && image.renditions.length > 0 && stage.kind !== 'deleting';
  const problem = stage.kind === 'rejected' || stage.kind === 'refused' || stage.kind === 'failed';
  const ratio = problem && !openable ? PROBLEM_RATIO : Math.min(WIDEST, Math.max(NARROWEST, ratioOf(item)));
  const style = { '--ratio': ratio.toFixed(3) };
  return (
    <li class={`card ${stage.kind}`} style={style} data-key={item.key} data-stage={stage.kind}>
      {problem && !openable ? (
        <Trouble item={item} gallery={gallery} />
      ) : (
        <Frame item={item} gallery={gallery} openable={openable} />
      )}
      <div class="caption">
        <span class="name" title={item.name}>
          {item.name}
        </span>
        <span class="state">{captionOf(item)}</span>
        {upload !== undefined && (stage.kind === 'waiting' || stage.kind === 'uploading') && (
          <button
            type="button"
            class="plain cancel"
            aria-label={`Cancel ${item.name}`}
            onClick={({ currentTarget }) => {
              focusNeighbour(currentTarget);
              gallery.uploads.cancel(upload.key);
            }}
          >
            Cancel
          </button>
        )}
      </div>
    </li>
  );
}

function ratioOf({ image, upload }: Item): number {
  const { width, height } = image?.metadata ?? {};
  if (width !== undefined && height !== undefined) return width / height;
  return upload?.preview?.ratio ?? USUAL_RATIO;
}

function Frame({ item, gallery, openable }: CardProps & { readonly openable: boolean }) {
  const { image, upload, stage } = item;
  const picture = (
    <>
      <RenditionPicture
        renditions={image?.renditions ?? []}
        thumbhash={image?.metadata?.thumbhash}
        preview={upload?.preview?.source}
        size="small"
        alt={item.name}
        gallery={gallery}
      />
      {isInProgress(stage) && <Progress stage={stage} />}
    </>
  );
  return openable && image !== undefined ? (
    <a class="frame" href={imageAddress(image.id)} onClick={onPlainClick(() => openImage(image.id))}>
      {picture}
    </a>
  ) : (
    <div class="frame">{picture}</div>
  );
}

function Trouble({ item, gallery }: CardProps) {
  const { stage, image } = item;
  return (
    <div class="frame trouble">
      <Icon name="alert" />
      <p>{troubleText(stage)}</p>
      {stage.kind === 'refused' ? (
        <RefusedActions stage={stage} name={item.name} gallery={gallery} leave={focusNeighbour} />
      ) : (
        image !== undefined && (
          <div class="actions">
            {/* There is no picture to lose, so no question either. */}
            <button
              type="button"
              aria-label={`Remove ${item.name}`}
              onClick={({ currentTarget }) => {
                focusNeighbour(currentTarget);
                void gallery.deleteImage(image);
              }}
            >
              Remove
            </button>
          </div>
        )
      )}
    </div>
  );
}

interface RefusedProps {
  readonly stage: Extract<Stage, { readonly kind: 'refused' }>;
  readonly name: string;
  readonly gallery: Gallery;
  /** Moves the focus from the button, which goes. */
  readonly leave: (button: HTMLElement) => void;
}

export function RefusedActions({ stage, name, gallery, leave }: RefusedProps) {
  return (
    <div class="actions">
      {canBeTriedAgain(stage) && (
        <button
          type="button"
          onClick={({ currentTarget }) => {
            leave(currentTarget);
            gallery.uploads.retry(stage.upload);
          }}
        >
          Try again
        </button>
      )}
      <button
        type="button"
        aria-label={`Dismiss ${name}`}
        onClick={({ currentTarget }) => {
          leave(currentTarget);
          gallery.uploads.cancel(stage.upload);
        }}
      >
        Dismiss
      </button>
    </div>
  );
}

/** Of the card that the element is in: the next one, otherwise the one before. */
function focusNeighbour(element: Element): void {
  const card = element.closest('.card');
  focusCard([card?.nextElementSibling, card?.previousElementSibling]);
}

export function troubleText(stage: Stage): string {
  switch (stage.kind) {
    case 'rejected':
    case 'refused':
      return stage.message;
    case 'failed':
      return 'This photograph could not be processed. The operators have been notified, and it may still be processed later.';
    default:
      return '';
  }
}

/** The steps of an image's way, as segments of a line; then it is ready. They are the states of the API, after those of the upload. */
const steps = ['uploading', 'uploaded', 'described'] as const;

function Progress({ stage }: { readonly stage: Stage }) {
  const reached = stepOf(stage);
  const share = stage.kind === 'uploading' ? stage.share : 0;
  return (
    <div class="progress">
      <span class="label">{progressText(stage)}</span>
      <span class="line" aria-hidden="true">
        {steps.map((step, index) => (
          <span key={step} class={index < reached ? 'done' : index === reached ? 'current' : ''}>
            {step === 'uploading' && index === reached && <i style={{ width: percentText(share) }} />}
          </span>
        ))}
      </span>
    </div>
  );
}

function stepOf(stage: Stage): number {
  if (stage.kind === 'uploaded') return 1;
  if (stage.kind !== 'processing') return 0;
  return stage.step === 'queued' ? 1 : 2;
}

export function progressText(stage: Stage): string {
  switch (stage.kind) {
    case 'waiting':
      return stage.unreachable ? 'Waiting for the connection…' : 'Waiting';
    case 'uploading':
      return `Uploading ${percentText(stage.share)}`;
    case 'uploaded':
      return 'Uploaded';
    case 'processing':
      return stage.step === 'queued' ? 'Uploaded' : 'Described, rendering';
    default:
      return '';
  }
}

function captionOf({ stage, image }: Item): string {
  switch (stage.kind) {
    case 'ready': {
      const saving = savingOf(image?.renditions ?? []);
      return saving && saving.share > 0 ? `${percentText(saving.share)} smaller than JPEG` : 'Ready';
    }
    case 'rejected':
      return 'Rejected';
    case 'refused':
      return image === undefined ? 'Not uploaded' : 'Not replaced';
    case 'failed':
      return 'Failed';
    case 'deleting':
      return 'Deleting…';
    default:
      return '';
  }
}
