import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { at, parameterDefault, type Template } from '../../scripts/template/template.ts';

/** Parses the dashboard in template.yaml. Fields that CloudWatch would ignore or reject are errors here. */

const place = { x: z.int(), y: z.int(), width: z.int(), height: z.int() };
const options = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z]\w*$/)
    .optional(),
  label: z.string().optional(),
  stat: z.string().optional(),
  visible: z.literal(false).optional(),
});
export interface Metric extends z.infer<typeof options> {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}
const metric = z
  .tuple([z.string(), z.string()], z.union([z.string(), options]))
  .transform(([namespace, name, ...rest], context): Metric => {
    const [last = {}] = rest.slice(-1);
    const texts = rest.filter((item) => typeof item === 'string');
    const given = typeof last === 'string' ? {} : last;
    if (texts.length % 2 === 1 || rest.length - texts.length > 1) {
      context.addIssue(`${namespace} ${name}: dimensions come in pairs of name and value, options last`);
    }
    const pairs = texts.flatMap((text, index) => (index % 2 === 0 ? [[text, texts[index + 1] ?? '']] : []));
    return { namespace, name, dimensions: Object.fromEntries(pairs), ...given };
  });
const expression = z
  .tuple([options.omit({ stat: true }).extend({ expression: z.string() })])
  .transform(([{ expression: formula, ...rest }]) => ({ formula, ...rest }));
export type Series = Metric | z.infer<typeof expression>;

const horizontal = z.array(z.strictObject({ label: z.string(), value: z.number() }));
const widget = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), ...place, properties: z.strictObject({ markdown: z.string() }) }),
  z.strictObject({
    type: z.literal('alarm'),
    ...place,
    properties: z.strictObject({ title: z.string(), alarms: z.array(z.string()) }),
  }),
  z.strictObject({
    type: z.literal('metric'),
    ...place,
    properties: z.strictObject({
      title: z.string(),
      region: z.string(),
      view: z.enum(['timeSeries', 'singleValue']),
      stacked: z.boolean().default(false),
      stat: z.string().default('Average'),
      period: z.int(),
      setPeriodToTimeRange: z.boolean().default(false),
      annotations: z.strictObject({ horizontal }).default({ horizontal: [] }),
      metrics: z.array(z.union([expression, metric])),
    }),
  }),
]);
export type Widget = z.infer<typeof widget>;
export type MetricWidget = Extract<Widget, { type: 'metric' }>;

// The value of a variable may itself contain references.
const variable = z.union([
  z.string(),
  z.number(),
  z.object({ 'Fn::Sub': z.string() }).transform((sub) => sub['Fn::Sub']),
]);
const substituted = z.tuple([z.string(), z.record(z.string(), variable)]);

const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::Region': 'us-east-1',
  'AWS::StackName': `${projectName}-prod`,
};

/** Substitutes logical ids where CloudFormation substitutes names and ARNs. */
export function widgetsOf(template: Template): Widget[] {
  const [text, variables] = bodyOf(template);
  const values = { ...pseudoParameters, ...variables };
  const resolved = (part: string): string =>
    part.replaceAll(reference, (_, name: string) =>
      name in values ? resolved(String(values[name])) : (parameterDefault(name) ?? name),
    );
  const dashboard = z.strictObject({ periodOverride: z.literal('inherit'), widgets: z.array(widget) });
  return dashboard.parse(JSON.parse(resolved(text))).widgets;
}

/** Every logical id that the dashboard refers to. */
export function idsIn(template: Template): string[] {
  const [text, variables] = bodyOf(template);
  const texts = [text, ...Object.values(variables).map(String)];
  const names = texts.flatMap((part) => [...part.matchAll(reference)].map(([, name = '']) => name));
  return names.filter((name) => ![pseudoParameters[name], variables[name], parameterDefault(name)].some(Boolean));
}

/** The ids of metrics and expressions that a formula uses. */
export function idsInFormula(formula: string): string[] {
  return formula.match(/\b[a-z]\w*\b/g) ?? [];
}

const reference = /\$\{([\w:]+)(?:\.\w+)?\}/g;

function bodyOf({ resources }: Template): z.infer<typeof substituted> {
  return substituted.parse(at(resources.get('PipelineDashboard')?.Properties['DashboardBody'], 'Fn::Sub'));
}
