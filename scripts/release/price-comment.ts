import { marked } from 'marked';

/** What a pull request changes in the prices that README.md states, which are generated from the template and the presets. */
export function priceComment(before: string, after: string): string {
  const old = new Map(pricesIn(before));
  const now = pricesIn(after);
  const rows = now.map(([what, price]) => {
    const was = old.get(what) ?? '–';
    return `| ${what} | ${was} | ${was === price ? price : `**${price}**`} |`;
  });
  const hour = hourly(now);
  return [
    '## What it costs',
    '',
    '| US$, in us-east-1, before free tiers | before | with this change |',
    '| - | -: | -: |',
    ...rows,
    '',
    `The stack of this pull request costs ${hour === undefined ? 'the same as an idle stage dev' : `about $${hour} an hour`}, plus what is sent through it. It is removed when the pull request is closed, or after three days without a push.`,
  ].join('\n');
}

type Price = readonly [what: string, dollars: string];

function pricesIn(readme: string): Price[] {
  const [, block = ''] = /<!-- generated: prices -->(.*)<!-- end of generated: prices -->/s.exec(readme) ?? [];
  return marked
    .lexer(block)
    .flatMap((token) => (token.type === 'table' ? token.rows : []))
    .map(([what, dollars]: { readonly text: string }[]): Price => [what?.text ?? '', dollars?.text ?? '']);
}

const HOURS_IN_A_MONTH = 730;

function hourly(prices: readonly Price[]): string | undefined {
  const month = Number(prices.find(([what]) => what.startsWith('stage `dev`'))?.[1]);
  return Number.isNaN(month) ? undefined : (month / HOURS_IN_A_MONTH).toFixed(2);
}
