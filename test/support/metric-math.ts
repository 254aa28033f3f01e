import jsonata from 'jsonata';

// The CloudWatch functions that alarms and the dashboard use, and DIFF below. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
const functions = {
  FILL: (value: number | undefined, filler: number) => value ?? filler,
  IF: (condition: boolean | number, then: number, otherwise: number) => (condition ? then : otherwise),
};

/** A value for each period, oldest first; undefined where there is no data. */
export type Series = readonly (number | undefined)[];

/** Evaluates a metric math expression at one point in time, as JSONata: only function names differ, by a `$`. */
export async function metricMath(formula: string, values: Readonly<Record<string, number>>): Promise<number> {
  const result = await evaluate(formula, values);
  if (typeof result !== 'number') throw new Error(`${formula} is not a number: ${JSON.stringify(result)}.`);
  return result;
}

/** Evaluates a metric math expression for each period. */
export async function metricMathSeries(formula: string, series: Readonly<Record<string, Series>>): Promise<Series> {
  const [before, argument, after] = differenceIn(formula);
  if (argument !== undefined) {
    const inner = await metricMathSeries(argument, series);
    // No result for the first value, or next to a gap.
    const differences = inner.map((value, index) => {
      const previous = inner[index - 1];
      return value === undefined || previous === undefined ? undefined : value - previous;
    });
    const name = `difference${Object.keys(series).length}`;
    return await metricMathSeries(`${before}${name}${after}`, { ...series, [name]: differences });
  }
  const length = Math.max(...Object.values(series).map((values) => values.length));
  const periods = Array.from({ length }, (_, index) =>
    Object.fromEntries(Object.entries(series).map(([name, values]) => [name, values[index]])),
  );
  const results = await Promise.all(periods.map((values) => evaluate(formula, values)));
  return results.map((result) => (typeof result === 'number' ? result : undefined));
}

/** The text before the first DIFF(…), its argument, and the text after it. */
function differenceIn(formula: string): [before: string, argument: string | undefined, after: string] {
  const start = formula.indexOf('DIFF(');
  if (start < 0) return [formula, undefined, ''];
  const open = start + 'DIFF'.length;
  let depth = 0;
  const close = [...formula].findIndex((letter, index) => {
    if (index >= open && letter === '(') depth += 1;
    if (index >= open && letter === ')') depth -= 1;
    return index > open && depth === 0;
  });
  return [formula.slice(0, start), formula.slice(open + 1, close), formula.slice(close + 1)];
}

const compiled = new Map<string, ReturnType<typeof jsonata>>();

async function evaluate(formula: string, values: Readonly<Record<string, number | undefined>>): Promise<unknown> {
  const source = formula.replaceAll(/\b([A-Z_]+)\(/g, '$$$1(');
  const expression = compiled.get(source) ?? jsonata(source);
  compiled.set(source, expression);
  return await expression.evaluate(values, functions);
}
