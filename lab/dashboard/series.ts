import { metricMath } from '../../scripts/template/dashboard/metric-math.ts';
import type { MetricWidget, Series } from '../../scripts/template/dashboard/widgets.ts';
import { valuesOf } from './example-hour.ts';
import { MINUTES } from './example-images.ts';

export interface ShownSeries {
  readonly label: string;
  /** One a period; `undefined` where there is nothing to show. */
  readonly values: readonly (number | undefined)[];
}

/** What a widget shows of the example hour, its metric math done. */
export async function shownSeries({ metrics, stat, period, setPeriodToTimeRange }: MetricWidget['properties']) {
  const minutes = setPeriodToTimeRange ? MINUTES : period / 60;
  const valuesFor = async (series: Series): Promise<readonly (number | undefined)[]> => {
    if (!('formula' in series)) return valuesOf(series, series.stat ?? stat, minutes);
    const inputs = metrics.filter(({ id }) => id !== undefined && idsIn(series.formula).includes(id));
    const known = await Promise.all(
      inputs.map(async (input) => ({ id: input.id ?? '', values: await valuesFor(input) })),
    );
    return Promise.all(
      Array.from({ length: MINUTES / minutes }, (_, index) => {
        const entries = known.map(({ id, values }) => [id, values[index]]).filter(([, value]) => value !== undefined);
        return metricMath(series.formula, Object.fromEntries(entries));
      }),
    );
  };
  const visible = metrics.filter((series) => series.visible !== false);
  return Promise.all(
    visible.map(
      async (series): Promise<ShownSeries> => ({ label: series.label ?? '', values: await valuesFor(series) }),
    ),
  );
}

/** The ids of metrics and expressions that a formula speaks of. */
export function idsIn(formula: string): string[] {
  return formula.match(/\b[a-z]\w*\b/g) ?? [];
}
