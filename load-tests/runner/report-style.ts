import { pageTheme } from '../../scripts/terminal/page-theme.ts';
import { palette } from '../render-chart.ts';

const chartColours = Object.entries(palette).map(
  ([name, { light, dark }]) => `--chart-${name}: light-dark(${light}, ${dark});`,
);

export const reportStyle = `
  :root {
    ${pageTheme}
    ${chartColours.join(' ')}
  }
  * { box-sizing: border-box; }
  body { margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 3rem; max-width: 80rem; background: var(--paper); color: var(--ink); }
  header p { margin: 0; color: var(--faint); }
  header .name { color: var(--safelight); font-weight: 600; letter-spacing: 0.08em; text-transform: uppercase; font-size: 0.8rem; }
  h1 { display: flex; gap: 0.8rem; align-items: center; margin: 0.1rem 0 0.3rem; font-size: clamp(1.5rem, 3vw, 2.1rem); font-weight: 600; line-height: 1.2; }
  h1 span { padding: 0.15rem 0.7rem; border-radius: 99rem; font-size: 0.95rem; color: var(--card); }
  h1 .passed { background: var(--good); }
  h1 .failed { background: var(--safelight); }
  h2 { margin: 0 0 0.4rem; font-size: 1rem; font-weight: 600; }
  .sum { display: flex; flex-wrap: wrap; gap: 0.5rem 1.2rem; align-items: center; margin: 1.6rem 0 0.8rem; }
  .sum div { display: grid; }
  .sum .equation { display: flex; gap: 1.2rem; align-items: center; }
  .sum b { font-size: 2rem; font-weight: 600; line-height: 1.1; font-variant-numeric: tabular-nums; }
  .sum span { color: var(--faint); }
  .sum i { color: var(--faint); font-size: 1.6rem; font-style: normal; padding-bottom: 1.2rem; }
  .sum .lost { margin-left: auto; text-align: right; }
  .sum .lost + .lost { margin-left: 0; }
  .story { margin: 0 0 1.6rem; max-width: 60rem; font-size: 1.0625rem; }
  .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 1.25rem; margin-bottom: 1.25rem; }
  .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.25rem; }
  article, figure { margin: 0; padding: 1rem 1.1rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; min-width: 0; overflow-x: auto; }
  .wide { grid-column: 1 / -1; }
  figcaption { position: sticky; left: 0; color: var(--faint); font-size: 0.875rem; }
  figcaption h2 { display: inline; color: var(--ink); margin-right: 0.4rem; }
  figure svg { display: block; width: 100%; min-width: 27rem; height: auto; margin-top: 0.5rem; }
  .wide svg { min-width: 60rem; }
  .scrolls { display: none; position: sticky; left: 0; width: fit-content; margin: 0.4rem 0 0; color: var(--safelight); font-size: 0.875rem; }
  @media (max-width: 64rem) { .wide .scrolls { display: block; } }
  @media (max-width: 36rem) { .scrolls { display: block; } }
  table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.875rem; }
  th { font-weight: 500; color: var(--faint); text-align: left; padding-bottom: 0.25rem; }
  td { padding: 0.25rem 0; border-top: 1px solid var(--line); }
  th:not(:first-child), td:not(:first-child) { text-align: right; padding-left: 0.75rem; white-space: nowrap; }
  td:first-child { white-space: nowrap; }
  small { display: block; color: var(--faint); line-height: 1.2; }
  small:empty { display: none; }
  .checks { margin: 0; padding: 0; list-style: none; font-size: 0.875rem; }
  .checks li { padding: 0.25rem 0 0.25rem 1.5rem; border-top: 1px solid var(--line); position: relative; overflow-wrap: anywhere; }
  .checks li::before { position: absolute; left: 0; font-weight: 700; }
  .checks .passed::before { content: '✓'; color: var(--good); }
  .checks .failed::before { content: '✗'; color: var(--safelight); }
  .checks code { display: block; }
  .checks span { display: flex; gap: 0.75rem; align-items: center; justify-content: space-between; color: var(--faint); font-variant-numeric: tabular-nums; }
  .checks i { flex: 0 0 40%; height: 0.35rem; border-radius: 1rem; background: linear-gradient(to right, var(--good) calc(100% * var(--used)), var(--line) 0); }
  .checks .failed i { background: var(--safelight); }
  .checks .failed { color: var(--safelight); }
  code { font: 0.8125rem/1.4 ui-monospace, monospace; }
  footer { margin-top: 1.5rem; color: var(--faint); font-size: 0.8125rem; }
  a { color: inherit; }
  @media (max-width: 40rem) {
    .sum .equation { gap: 0.6rem; }
    .sum b { font-size: 1.4rem; }
    .sum .lost { margin-left: 0; text-align: left; }
    article, figure { padding: 0.8rem; }
    table { font-size: 0.75rem; }
    th:not(:first-child), td:not(:first-child) { padding-left: 0.4rem; }
    td:first-child { white-space: normal; }
  }
`;
