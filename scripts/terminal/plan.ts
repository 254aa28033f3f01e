import { print } from './print.ts';

/** What a command would do: what it knows of these, and more. */
interface Plan {
  readonly [name: string]: unknown;
  readonly images?: number;
  /** US dollars. */
  readonly usd?: number;
  readonly minutes?: number;
}

/** Prints what `--dry-run --json` has instead of a result: one line. */
export function printPlan({ usd, ...known }: Plan): void {
  print(JSON.stringify({ dryRun: true, ...known, usd: usd === undefined ? undefined : Number(usd.toFixed(6)) }));
}
