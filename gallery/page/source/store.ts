/** Holds one value, and tells whoever subscribes when it changes. */
export interface Store<State, Event> {
  readonly state: () => State;
  readonly dispatch: (event: Event) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

export function createStore<State, Event>(
  reduce: (state: State, event: Event) => State,
  initial: State,
): Store<State, Event> {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    state: () => state,
    dispatch: (event) => {
      const before = state;
      state = reduce(state, event);
      if (state !== before) for (const listener of [...listeners]) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
