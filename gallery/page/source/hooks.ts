import { useEffect, useReducer, useState } from 'preact/hooks';
import type { Store } from './store.ts';

export function useStore<State, Event>(store: Store<State, Event>): State {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const state = store.state();
  useEffect(() => {
    const unsubscribe = store.subscribe(() => redraw(undefined));
    // Effects run after the browser has painted, which takes a busy one seconds: the state may have changed since.
    if (store.state() !== state) redraw(undefined);
    return unsubscribe;
  }, [store]);
  return state;
}

export type Route =
  | { readonly view: 'photographs'; readonly open: string | undefined }
  | { readonly view: 'inside'; readonly open: undefined };

export const photographsAddress = '#/';
export const insideAddress = '#/inside';
export const imageAddress = (id: string) => `#/image/${id}`;

/** The address says what is shown, so that the browser's own way back works. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const update = () => setHash(location.hash);
    addEventListener('hashchange', update);
    update();
    return () => removeEventListener('hashchange', update);
  }, []);
  if (hash === insideAddress) return { view: 'inside', open: undefined };
  return { view: 'photographs', open: /^#\/image\/([0-9a-f]{32})$/.exec(hash)?.[1] };
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const update = () => setMatches(list.matches);
    list.addEventListener('change', update);
    update();
    return () => list.removeEventListener('change', update);
  }, [query]);
  return matches;
}
