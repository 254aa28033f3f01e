import { max, median, min } from 'simple-statistics';

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function summarise(values: readonly number[]): Summary {
  const all = [...values];
  return { median: median(all), least: min(all), most: max(all) };
}

export function showSummary({ median: middle, least, most }: Summary, digits = 0): string {
  return `${middle.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}
