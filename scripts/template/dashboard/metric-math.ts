import jsonata from 'jsonata';

// CloudWatch's functions that the dashboard uses. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
const functions = {
  FILL: (value: number | undefined, filler: number) => value ?? filler,
  IF: (condition: boolean | number, then: number, otherwise: number) => (condition ? then : otherwise),
};

/** A metric math expression at one point of time. Its arithmetic is also JSONata's, but for the functions' `$`. */
export async function metricMath(formula: string, values: Readonly<Record<string, number>>): Promise<number> {
  const source = formula.replaceAll(/\b([A-Z_]+)\(/g, '$$$1(');
  const result: unknown = await jsonata(source).evaluate(values, functions);
  if (typeof result !== 'number') throw new Error(`${formula} is no number: ${JSON.stringify(result)}.`);
  return result;
}
