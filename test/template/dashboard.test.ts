import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { metricNamespace, projectName } from '../../core/names.ts';
import { rejectionReasons } from '../../core/outcome.ts';
import { renditionGroups } from '../../core/presets.ts';
import { ofType, templateFor } from '../../scripts/template/template.ts';
import { awsMetrics } from '../support/aws-metrics.ts';
import { captureLog } from '../support/captured-log.ts';
import {
  idsIn,
  idsInFormula,
  type Metric,
  type MetricWidget,
  type Series,
  widgetsOf,
} from '../support/dashboard-widgets.ts';
import { publishEverything, publishedMetrics } from '../support/published-metrics.ts';
import { workflow } from '../support/workflow.ts';

const template = templateFor('prod');
const widgets = widgetsOf(template);
const charts = widgets.filter((widget): widget is MetricWidget => widget.type === 'metric');
const titled = charts.map((chart) => [chart.properties.title, chart.properties] as const);
const isMetric = (series: Series): series is Metric => 'namespace' in series;
const metrics = charts.flatMap(({ properties }) => properties.metrics.filter(isMetric));
const widgetNamed = (title: string) => {
  const found = new Map(titled).get(title);
  if (found === undefined) throw new Error(`The dashboard has no widget "${title}".`);
  return found;
};
const formulas = (title: string) =>
  widgetNamed(title).metrics.flatMap((series) => (isMetric(series) ? [] : [[series.id, series.formula] as const]));

it('the dashboard shows, from top to bottom: service to users, speed, cost', () => {
  const headings = widgets.flatMap(({ y, ...widget }) =>
    widget.type === 'text' ? [{ y, heading: widget.properties.markdown.split('\n')[0] }] : [],
  );
  expect(headings.toSorted((a, b) => a.y - b.y).map(({ heading }) => heading)).toEqual([
    `# ${projectName}-prod`,
    '## Are users being served?',
    '## Where is it slow?',
    '## What does it cost?',
  ]);
});

it('the dashboard refers only to resources that exist', () => {
  for (const id of idsIn(template)) expect([...template.resources.keys()]).toContain(id);
});

it('the dashboard has the region in its name: CloudWatch shares dashboards among all regions of an account', () => {
  const names = ofType(template, 'AWS::CloudWatch::Dashboard').map(([, { Properties }]) => Properties['DashboardName']);
  expect(names).toEqual([{ 'Fn::Sub': '${AWS::StackName}-${AWS::Region}' }]);
});

it('the alarm widget shows the paging alarm first', () => {
  const [shown] = widgets.flatMap((widget) => (widget.type === 'alarm' ? [widget.properties.alarms] : []));
  expect(shown?.[0]).toBe('UsersAffectedAlarm');
  for (const id of shown ?? [])
    expect(template.resources.get(id)?.Type).toMatch(/^AWS::CloudWatch::(Composite)?Alarm$/);
});

it('widgets fit into CloudWatch’s 24 columns and do not overlap', () => {
  const taken = new Set<string>();
  for (const { x, y, width, height } of widgets) {
    expect(x + width).toBeLessThanOrEqual(24);
    for (let column = x; column < x + width; column += 1) {
      for (let row = y; row < y + height; row += 1) {
        const cell = `${column}/${row}`;
        expect(taken.has(cell), cell).toBe(false);
        taken.add(cell);
      }
    }
  }
});

describe('every metric', () => {
  const logged = captureLog();
  let own: readonly string[];
  beforeEach(async () => {
    await publishEverything();
    own = publishedMetrics(logged('log')).map(({ metric, dimensions }) =>
      [metric, ...Object.keys(dimensions).sort(), dimensions['reason']].join(' '),
    );
  });

  it('is published by AWS or by the code with the same dimensions', () => {
    for (const { namespace, name, dimensions } of metrics) {
      const names = Object.keys(dimensions).sort();
      if (namespace === metricNamespace) {
        expect(own).toContain([name, ...names, dimensions['reason']].join(' '));
        expect(dimensions['service']).toBe(`${projectName}-prod`);
      } else {
        expect(awsMetrics[namespace]?.[name], `${namespace} ${name}`).toContainEqual(names);
      }
    }
  });

  it('published by the code is shown', () => {
    const shown = metrics.map(({ name, dimensions }) =>
      [name, ...Object.keys(dimensions).sort(), dimensions['reason']].join(' '),
    );
    for (const metric of own) expect(shown).toContain(metric);
  });

  it('of AWS belongs to a resource of the template', () => {
    for (const { namespace, dimensions } of metrics.filter(({ namespace }) => namespace.startsWith('AWS/'))) {
      for (const id of Object.values(dimensions)) expect(template.resources.has(id), `${namespace} ${id}`).toBe(true);
    }
  });
});

describe.each(titled)('%s', (_, { metrics: series }) => {
  it('calculates only with its own metrics, and has no unused ones', () => {
    const ids = series.flatMap(({ id }) => id ?? []);
    const used = series.flatMap((one) => (isMetric(one) ? [] : idsInFormula(one.formula)));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of used) expect(ids).toContain(id);
    for (const { id, visible } of series) if (visible === false) expect(used).toContain(id);
  });

  it('has a label for each line', () => {
    for (const { label, visible } of series) if (visible !== false) expect(label).toBeTruthy();
  });
});

it('the dashboard shows every rejection reason', () => {
  const reasons = widgetNamed('Rejected uploads by reason').metrics.flatMap((series) =>
    isMetric(series) ? (series.dimensions['reason'] ?? []) : [],
  );
  expect(reasons).toEqual([...rejectionReasons]);
});

/** The functions that images pass through, without those that watch the pipeline. */
const steps = ofType(template, 'AWS::Serverless::Function').filter(
  ([id]) => id === 'DispatchImagesFunction' || workflow.tasks.some(({ functionId }) => functionId === id),
);

/** The function of the metric with this id in a widget. */
function functionOf(title: string, metricId: string | undefined): unknown {
  return widgetNamed(title)
    .metrics.filter(isMetric)
    .find(({ id }) => id === metricId)?.dimensions['FunctionName'];
}

it.each(steps)('the dashboard compares the concurrency of %s with its reserve', (id, { Properties }) => {
  const title = 'Concurrency (% of reserved)';
  const reserved = formulas(title)
    .map(([, formula]) => /^100 \* (\w+) \/ (\d+)$/.exec(formula) ?? [])
    .filter(([, metricId]) => functionOf(title, metricId) === id)
    .map(([, , share]) => Number(share));
  expect(
    reserved,
    `template.yaml, dashboard, "${title}": add a line that divides the ConcurrentExecutions of ${id} by what is reserved for it.`,
  ).toEqual([Properties['ReservedConcurrentExecutions']]);
});

describe('the cost', () => {
  const perThousand = new Map(formulas('US$ per 1,000 images'));
  const perHour = new Map(formulas('US$ per hour by service'));

  it('is the same sum per thousand images and per hour', () => {
    const parts = ['lambda', 'states', 's3', 'dynamodb', 'messages', 'logs'];
    for (const part of parts) expect(perHour.get(part), part).toBe(perThousand.get(part));
    expect(perThousand.get(undefined)).toBe(`1000 * (${parts.join(' + ')}) / processed`);
  });

  it.each(steps)('of Lambda uses the duration and the memory size of %s', (id, { Properties }) => {
    const weights = [...(perThousand.get('lambda') ?? '').matchAll(/(\d+) \* FILL\((d\d), 0\)/g)]
      .filter(([, , metricId]) => functionOf('US$ per 1,000 images', metricId) === id)
      .map(([, memory]) => Number(memory));
    expect(
      weights,
      `template.yaml, CostMetrics, "id": "lambda": add ${String(Properties['MemorySize'])} * FILL(…, 0) with the Duration of ${id}.`,
    ).toEqual([Properties['MemorySize']]);
  });

  it('of S3 includes one PUT per preset', () => {
    const presets = renditionGroups.flatMap((group) => group.presets);
    const counted = /^\d+ \* FILL\(processed, 0\)/.exec(perThousand.get('s3') ?? '')?.[0];
    const needed = `${presets.length} * FILL(processed, 0)`;
    expect(counted, `template.yaml, CostMetrics, "id": "s3": write ${needed}, one PUT for each preset.`).toBe(needed);
  });

  it('uses the prices in docs/observability.md, and no others', () => {
    const page = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8');
    const documented = page.matchAll(/^\|[^|]*\| `(0\.\d+)` \|/gm);
    const used = [...perThousand.values()].flatMap((formula) => formula.match(/\b0\.\d+\b/g) ?? []);
    expect(new Set(used)).toEqual(new Set([...documented].map(([, price]) => price)));
  });
});
