/** Draws the pipeline as a Mermaid flowchart from template.yaml and the workflow: what is not deployed is not drawn. */
import { at, ofType, referredId, statementsOf, type Template, templateFor } from '../template/template.ts';
import { workflow } from '../template/workflow.ts';

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
  readonly dashed?: boolean;
}

const shapes: Readonly<Record<string, (id: string) => string>> = {
  'AWS::S3::Bucket': (id) => `${id}[("S3<br>${id}")]`,
  'AWS::DynamoDB::Table': (id) => `${id}[("DynamoDB<br>${id}")]`,
  'AWS::SQS::Queue': (id) => `${id}[["SQS<br>${id}"]]`,
  'AWS::Events::Rule': (id) => `${id}{{"EventBridge<br>${id}"}}`,
  'AWS::Events::EventBus': (id) => `${id}{{"EventBridge<br>${id}"}}`,
  'AWS::Serverless::Function': (id) => `${id}("Lambda<br>${id.replace(/Function$/, '')}")`,
  'AWS::Serverless::StateMachine': (id) => `${id}[/"Step Functions<br>${id}"\\]`,
};

export function diagram(): string {
  const template = templateFor('prod');
  // Leaves out what watches or guards the pipeline: no image passes through it.
  const path = leadingFrom('UploadBucket', edges(template));
  const passed = new Set(path.flatMap(({ from, to }) => [from, to]));
  const nodes = [...template.resources].flatMap(([id, { Type }]) => (passed.has(id) ? (shapes[Type]?.(id) ?? []) : []));
  const arrows = path.map(({ from, to, label, dashed }) => {
    const arrow = dashed ? '-.->' : '-->';
    return label === undefined ? `${from} ${arrow} ${to}` : `${from} ${arrow}|${label}| ${to}`;
  });
  return ['flowchart TD', ...[...nodes, ...new Set(arrows)].map((line) => `  ${line}`)].join('\n');
}

function leadingFrom(start: string, all: readonly Edge[]): Edge[] {
  const reached = new Set([start]);
  for (const from of reached) for (const edge of all) if (edge.from === from) reached.add(edge.to);
  return all.filter(({ from }) => reached.has(from));
}

function edges(template: Template): Edge[] {
  const reference = (value: Parameters<typeof referredId>[0]) => referredId(value) ?? 'nowhere';
  return [
    ...ofType(template, 'AWS::Events::Rule').flatMap(([rule, { Properties }]): Edge[] => [
      { from: reference(at(Properties['EventPattern'], 'detail', 'bucket', 'name', 0)), to: rule },
      ...[Properties['Targets'] ?? []].flat().flatMap((target): Edge[] => [
        { from: rule, to: reference(at(target, 'Arn')) },
        { from: rule, to: reference(at(target, 'DeadLetterConfig', 'Arn')), label: 'not delivered', dashed: true },
      ]),
    ]),
    ...ofType(template, 'AWS::SQS::Queue').flatMap(([queue, { Properties }]): Edge[] => {
      const deadLetters = at(Properties['RedrivePolicy'], 'deadLetterTargetArn');
      const attempts = at(Properties['RedrivePolicy'], 'maxReceiveCount');
      return deadLetters === undefined
        ? []
        : [{ from: queue, to: reference(deadLetters), label: `${attempts} attempts`, dashed: true }];
    }),
    ...ofType(template, 'AWS::Serverless::Function').flatMap(([id, { Properties }]): Edge[] => {
      const queue = at(Properties['Events'], 'Uploads', 'Properties', 'Queue');
      return queue === undefined ? [] : [{ from: reference(queue), to: id, label: 'batches' }];
    }),
    ...ofType(template, 'AWS::Serverless::Function').flatMap(([id]) => byPermission(template, id)),
    ...workflow.tasks.map(({ definition }): Edge => {
      const [, to = 'nowhere'] = /\$\{(\w+)\}/.exec(JSON.stringify(definition.Arguments)) ?? [];
      return { from: 'ImagePipeline', to };
    }),
  ];
}

/** A function has an arrow to whatever it may write to or start. What it reads shows in how the image reaches it. */
function byPermission(template: Template, id: string): Edge[] {
  const role = template.resources.get(id.replace(/Function$/, 'Role'));
  if (role === undefined) return [];
  return statementsOf(role).flatMap(({ Action, Resource }): Edge[] => {
    const target = referredId(Resource[0])?.replace(/LiveAlias$/, '');
    if (target === undefined || !Action.some((action) => /^(states:Start|dynamodb:Put|s3:Put|s3:Delete)/.test(action)))
      return [];
    return [{ from: id, to: target }];
  });
}
