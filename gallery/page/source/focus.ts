/** Where the focus goes when what had it goes. */

export function focusMain(): void {
  document.getElementById('main')?.focus();
}

/** The first of the cards that is there, and has something to focus. */
export function focusCard(cards: readonly (Element | null | undefined)[]): void {
  const focusable = cards
    .map((card) => card?.querySelector<HTMLElement>('a, button'))
    .find((one) => one instanceof HTMLElement);
  if (focusable === undefined) focusMain();
  else focusable.focus();
}
