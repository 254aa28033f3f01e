/** What a change set would do to a stack: read from CloudFormation's answer, judged, and shown. */
import * as z from 'zod';

const target = z.object({
  Attribute: z.string().optional(),
  Name: z.string().optional(),
  Path: z.string().optional(),
  RequiresRecreation: z.enum(['Never', 'Conditionally', 'Always']).optional().catch(undefined),
  BeforeValue: z.string().optional(),
  AfterValue: z.string().optional(),
});

/** As DescribeChangeSet returns it, with `IncludePropertyValues`. */
export const describedChange = z.object({
  ResourceChange: z.object({
    Action: z.enum(['Add', 'Modify', 'Remove', 'Import', 'Dynamic', 'SyncWithActual']),
    LogicalResourceId: z.string(),
    PhysicalResourceId: z.string().optional(),
    ResourceType: z.string(),
    Replacement: z.enum(['True', 'False', 'Conditional']).optional(),
    PolicyAction: z
      .enum(['Delete', 'Retain', 'Snapshot', 'ReplaceAndDelete', 'ReplaceAndRetain', 'ReplaceAndSnapshot'])
      .optional(),
    Details: z.array(z.object({ Target: target.optional() })).default([]),
  }),
});
export type DescribedChange = z.infer<typeof describedChange>;

const effects = ['removed', 'replaced', 'perhaps replaced', 'changed', 'added', 'imported'] as const;
type Effect = (typeof effects)[number];

export interface Change {
  readonly effect: Effect;
  readonly logicalId: string;
  readonly type: string;
  /** What differs: properties, with their values where CloudFormation gives them. */
  readonly properties: readonly string[];
  /** What the stack's users would lose; undefined if the resource holds no data. */
  readonly holds: string | undefined;
  /** Whether the old resource is deleted, rather than kept outside of the stack. */
  readonly deleted: boolean;
}

/** Resource types whose loss a later release cannot undo, and what they hold. */
const data: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'its objects',
  'AWS::DynamoDB::Table': 'its records',
  'AWS::KMS::Key': 'the only key to what it encrypted',
  'AWS::SQS::Queue': 'the messages that wait in it',
  'AWS::Events::EventBus': 'the rules that consumers put on it',
  'AWS::Cognito::UserPool': 'the accounts of its people',
  'AWS::CloudFront::Distribution': 'the address that people know',
};

/** The most drastic changes first. */
export function changesOf(described: readonly DescribedChange[]): Change[] {
  return described
    .map(({ ResourceChange: change }): Change => {
      const effect = effectOf(change);
      return {
        effect,
        logicalId: change.LogicalResourceId,
        type: change.ResourceType,
        properties: effect === 'added' || effect === 'removed' ? [] : propertiesOf(change),
        holds: data[change.ResourceType],
        deleted: change.PolicyAction === undefined || ['Delete', 'ReplaceAndDelete'].includes(change.PolicyAction),
      };
    })
    .sort(
      (one, other) =>
        effects.indexOf(one.effect) - effects.indexOf(other.effect) || one.logicalId.localeCompare(other.logicalId),
    );
}

function effectOf({ Action, Replacement }: DescribedChange['ResourceChange']): Effect {
  switch (Action) {
    case 'Add':
      return 'added';
    case 'Remove':
      return 'removed';
    case 'Import':
      return 'imported';
    // CloudFormation decides while it runs, so it may be any change.
    case 'Dynamic':
      return 'perhaps replaced';
    case 'Modify':
    case 'SyncWithActual':
      if (Replacement === 'True') return 'replaced';
      return Replacement === 'Conditional' ? 'perhaps replaced' : 'changed';
    default:
      return Action satisfies never;
  }
}

const LONGEST_VALUE = 60;

function propertiesOf({ Details }: DescribedChange['ResourceChange']): string[] {
  const lines = Details.flatMap(({ Target }) => {
    if (Target === undefined) return [];
    const { Attribute, Name, Path, BeforeValue, AfterValue, RequiresRecreation } = Target;
    const name = Path?.replace(/^\/Properties\//, '').replaceAll('/', '.') ?? Name ?? Attribute;
    if (name === undefined) return [];
    const values =
      BeforeValue === undefined && AfterValue === undefined ? '' : `: ${short(BeforeValue)} → ${short(AfterValue)}`;
    const cause =
      RequiresRecreation === 'Always' || RequiresRecreation === 'Conditionally' ? ' (needs replacement)' : '';
    return [`${name}${values}${cause}`];
  });
  return [...new Set(lines)];
}

function short(value = 'none'): string {
  const line = value.replaceAll(/\s+/g, ' ');
  return line.length > LONGEST_VALUE ? `${line.slice(0, LONGEST_VALUE)}…` : line;
}

/**
 * Why this change set must not run: one sentence for each data resource that would be lost. A resource in `allowed` has been
 * looked at by a person.
 */
export function refusalsOf(changes: readonly Change[], allowed: readonly string[] = []): string[] {
  return changes.flatMap(({ effect, logicalId, type, holds, deleted, properties }) => {
    if (holds === undefined || allowed.includes(logicalId)) return [];
    const old = deleted
      ? `CloudFormation would delete it with ${holds}`
      : `the stack would lose it, with ${holds}; CloudFormation would keep it outside of the stack`;
    const cause = properties.length === 0 ? '' : ` because of ${properties.join(', ')}`;
    switch (effect) {
      case 'removed':
        return [
          `${logicalId} (${type}) would be removed: ${old}. ${advice(logicalId, 'Put it back into the template')}`,
        ];
      case 'replaced':
      case 'perhaps replaced': {
        const verb = effect === 'replaced' ? 'would be' : 'might be';
        return [
          `${logicalId} (${type}) ${verb} replaced by an empty one${cause}: ${old}. ${advice(logicalId, 'Take that change back')}`,
        ];
      }
      case 'changed':
      case 'added':
      case 'imported':
        return [];
      default:
        return effect satisfies never;
    }
  });
}

function advice(logicalId: string, undo: string): string {
  return `${undo}, or move the data first and pass --replace ${logicalId}.`;
}

/** Such as "1 replaced, 3 changed". */
export function countsOf(changes: readonly Change[]): string {
  const counts = effects.flatMap((effect) => {
    const count = changes.filter((change) => change.effect === effect).length;
    return count === 0 ? [] : [`${count} ${effect}`];
  });
  return counts.length === 0 ? 'no changes' : counts.join(', ');
}

export const changeColumns = ['Effect', 'Resource', 'Type', 'What differs'] as const;

export function changeRows(changes: readonly Change[]): string[][] {
  return changes.map(({ effect, logicalId, type, properties, holds }) => [
    holds !== undefined && !['changed', 'added', 'imported'].includes(effect)
      ? `${effect.toUpperCase()}, DATA`
      : effect,
    logicalId,
    type,
    properties.join(', '),
  ]);
}

/** For the page of a workflow run, and for a comment on a pull request. */
export function changesAsMarkdown(stack: string, changes: readonly Change[], refusals: readonly string[] = []): string {
  const bold = ({ effect }: Change) => ['removed', 'replaced', 'perhaps replaced'].includes(effect);
  const rows = changeRows(changes).map((cells, index) => {
    const [effect = '', ...rest] = cells.map(escaped);
    const change = changes[index];
    return `| ${change !== undefined && bold(change) ? `**${effect}**` : effect} | ${rest.join(' | ')} |`;
  });
  const table = rows.length === 0 ? [] : ['', `| ${changeColumns.join(' | ')} |`, '| - | - | - | - |', ...rows];
  const stopped =
    refusals.length === 0 ? [] : ['', '**Stopped:**', '', ...refusals.map((line) => `- ${escaped(line)}`)];
  return [`## Changes to ${stack}`, '', `${countsOf(changes)}.`, ...stopped, ...table, ''].join('\n');
}

/** A value from the template must not close the table's cell or add markup. */
function escaped(text: string): string {
  return text.replaceAll(/[|<>[\]`*_\\]/g, (mark) => `\\${mark}`);
}
