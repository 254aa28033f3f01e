/**
 * The address says what is shown, so that links to a photograph work, and the browser's own way back. Opening a photograph is a step
 * that Back undoes; turning to the next one and closing are none.
 */
export const photographsAddress = '#/';
export const insideAddress = '#/inside';
export const imageAddress = (id: string) => `#/image/${id}`;

export type Route =
  | { readonly view: 'photographs'; readonly open: string | undefined }
  | { readonly view: 'inside'; readonly open: undefined };

export function currentRoute(): Route {
  const { hash } = location;
  if (hash === insideAddress) return { view: 'inside', open: undefined };
  return { view: 'photographs', open: /^#\/image\/([0-9a-f]{32})$/.exec(hash)?.[1] };
}

/** The state of an entry of the history that comes after the photographs. */
const AFTER_PHOTOGRAPHS = 'after the photographs';

export function openImage(id: string): void {
  location.hash = imageAddress(id);
  history.replaceState(AFTER_PHOTOGRAPHS, '');
}

export function turnToImage(id: string): void {
  const { state } = history;
  location.replace(imageAddress(id));
  history.replaceState(state, '');
}

export function closeImage(): void {
  if (history.state !== AFTER_PHOTOGRAPHS) {
    location.replace(photographsAddress);
    return;
  }
  // So that closing twice does not go back twice.
  history.replaceState(null, '');
  history.back();
}

/** Instead of following the link, unless the person asks for another tab or window. */
export function onPlainClick(act: () => void) {
  return (event: MouseEvent): void => {
    const { button, metaKey, ctrlKey, shiftKey, altKey } = event;
    if (button !== 0 || metaKey || ctrlKey || shiftKey || altKey) return;
    event.preventDefault();
    act();
  };
}
