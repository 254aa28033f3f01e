import jsonata from 'jsonata';

// The CloudWatch functions that the dashboard uses. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
const functions = {
  FILL: (value: number | undefined, filler: number) => value ?? filler,
  IF: (condition: boolean | number, then: number, otherwise: number) => (condition ? then : otherwise),
};

/** Evaluates a metric math expression at one point in time, as JSONata: only function names differ, by a `$`. */
export async function metricMath(formula: string, values: Readonly<Record<string, number>>): Promise<number> {
  const source = formula.replaceAll(/\b([A-Z_]+)\(/g, '$$$1(');
  const result: unknown = await jsonata(source).evaluate(values, functions);
  if (typeof result !== 'number') throw new Error(`${formula} is not a number: ${JSON.stringify(result)}.`);
  return result;
}
