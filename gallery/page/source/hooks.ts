import { useEffect, useReducer, useState } from 'preact/hooks';
import { currentRoute, type Route } from './address.ts';
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

export function useRoute(): Route {
  const [route, setRoute] = useState(currentRoute);
  useEffect(() => {
    const update = () => setRoute(currentRoute());
    addEventListener('hashchange', update);
    update();
    return () => removeEventListener('hashchange', update);
  }, []);
  return route;
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
