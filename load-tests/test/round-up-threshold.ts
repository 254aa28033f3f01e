/** 1,286 → 1,300: how the load tests' thresholds are rounded. */
export function twoDigitsUp(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  // Ignores binary rounding errors: 5,400.000000000001 is 5,400.
  return Math.ceil(Number((value / unit).toPrecision(12))) * unit;
}
