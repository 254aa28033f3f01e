import { pageTheme } from '../terminal/page-theme.ts';

export const contactSheetStyle = `
  :root {
    ${pageTheme}
  }
  * { box-sizing: border-box; }
  body { margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 96rem; background: var(--paper); color: var(--ink); }
  header { margin-bottom: 2rem; }
  header p { margin: 0; color: var(--faint); }
  header .name { color: var(--safelight); font-weight: 600; letter-spacing: 0.08em; text-transform: uppercase; font-size: 0.8rem; }
  h1 { margin: 0.1rem 0 0.2rem; font-size: clamp(1.4rem, 3vw, 2rem); font-weight: 600; line-height: 1.2; }
  main { columns: 21rem; column-gap: 1.25rem; }
  article { break-inside: avoid; margin-bottom: 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; overflow: hidden; }
  article > :not(.frame) { margin-inline: 1rem; }
  .frame { aspect-ratio: 4 / 3; display: grid; place-items: center; background: light-dark(#e9e5e0, #0e0d0d); padding: 0.75rem; }
  .frame a { display: contents; }
  .frame img { max-width: 100%; max-height: 100%; width: auto; height: auto; min-height: 0; min-width: 0; object-fit: contain; background-size: 100% 100%; }
  .frame { grid-template: minmax(0, 1fr) / minmax(0, 1fr); }
  .reason { color: var(--safelight); font-size: 1.2rem; font-weight: 600; }
  .caption { display: flex; gap: 0.75rem; align-items: baseline; justify-content: space-between; margin-block: 0.9rem 0.4rem; }
  h2 { margin: 0; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
  .outcome { color: var(--safelight); font-size: 0.8rem; font-weight: 600; }
  .processed .outcome { color: var(--good); }
  .superseded .outcome, .vanished .outcome, .deleted .outcome { color: var(--faint); }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; margin-block: 0.4rem 1rem; }
  dt { color: var(--faint); }
  dd { margin: 0; overflow-wrap: anywhere; }
  .swatch { display: inline-block; width: 0.9em; height: 0.9em; border-radius: 0.2em; vertical-align: -0.1em; border: 1px solid var(--line); }
  .thumbhash { height: 1.6em; width: auto; border-radius: 0.2em; vertical-align: -0.45em; }
  table { width: calc(100% - 2rem); margin-block: 0 1rem; border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.875rem; }
  th { text-align: left; font-weight: 500; color: var(--faint); }
  th, td { padding: 0.25rem 0; border-top: 1px solid var(--line); }
  th:not(:first-child), td:not(:first-child) { text-align: right; padding-left: 0.75rem; }
  details { margin-block: 0 1rem; }
  summary { cursor: pointer; color: var(--faint); }
  .comparison { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: 0.75rem; margin-top: 0.75rem; }
  figure { margin: 0; }
  figure img { width: 100%; height: auto; }
  figcaption { color: var(--faint); font-size: 0.8rem; }
  a { color: inherit; text-decoration-color: var(--faint); text-underline-offset: 0.2em; }
`;
