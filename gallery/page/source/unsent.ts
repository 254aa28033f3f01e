/** Files that are lost if the person leaves: the server has not got them yet, and the browser forgets them. */
import type { GalleryEvent, GalleryState } from './gallery-state.ts';
import type { Store } from './store.ts';

function unsentIn({ uploads }: GalleryState): number {
  return uploads.filter(({ step }) => step.kind === 'waiting' || step.kind === 'sending').length;
}

/** Lets the browser ask before it leaves. Only while there is a reason: otherwise it could not keep the page for the way back. */
export function askBeforeLeaving(store: Store<GalleryState, GalleryEvent>, page: EventTarget = window): () => void {
  const ask = (event: Event) => event.preventDefault();
  const stop = () => page.removeEventListener('beforeunload', ask);
  const unsubscribe = store.subscribe(() => {
    if (unsentIn(store.state()) > 0) page.addEventListener('beforeunload', ask);
    else stop();
  });
  return () => {
    unsubscribe();
    stop();
  };
}

/** Such as "3 files"; empty if all are sent. */
export function unsentText(state: GalleryState): string {
  const count = unsentIn(state);
  return count === 0 ? '' : count === 1 ? '1 file' : `${count} files`;
}
