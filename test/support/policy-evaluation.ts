import * as z from 'zod';
import type { Json } from '../../scripts/template/template.ts';

/**
 * Decides a request as AWS does: which statements of a policy apply to it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export interface PolicyRequest {
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the request, by lower-case name; a key that the request does not have is absent. */
  readonly context: Readonly<Record<string, string>>;
}

const list = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementSchema = z.strictObject({
  Sid: z.string(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.unknown().optional(),
  Action: list.optional(),
  NotAction: list.optional(),
  Resource: list.optional(),
  Condition: z.record(z.string(), z.record(z.string(), list)).default({}),
});
type Statement = z.infer<typeof statementSchema>;

/** The statements that deny the request, by Sid. */
export function denialsOf(policyStatements: Json | undefined, request: PolicyRequest): string[] {
  return z
    .array(statementSchema)
    .parse(plain(policyStatements ?? []))
    .filter((statement) => statement.Effect === 'Deny' && applies(statement, request))
    .map(({ Sid }) => Sid);
}

/** `!GetAtt UploadBucket.Arn` and the like as the plain text that requests of tests use: UploadBucket.Arn. */
function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const [[name = '', argument = null] = [], ...others] = Object.entries(value);
  if (others.length === 0 && ['Ref', 'Fn::GetAtt', 'Fn::Sub'].includes(name) && typeof argument === 'string') {
    return argument.replaceAll(/\$\{([\w.:]+)\}/g, '$1');
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function applies({ Action, NotAction, Resource = ['*'], Condition }: Statement, request: PolicyRequest): boolean {
  const names = (patterns: readonly string[] = []) => patterns.some((pattern) => like(pattern, request.action, 'i'));
  return (
    (NotAction === undefined ? names(Action) : !names(NotAction)) &&
    Resource.some((pattern) => like(pattern, request.resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, request.context[key.toLowerCase()], values)),
    )
  );
}

/** A negated operator holds for a key that the request does not have. */
function holds(operator: string, actual: string | undefined, values: readonly string[]): boolean {
  const any = (matches: (value: string) => boolean) => actual !== undefined && values.some(matches);
  const equals = (value: string) => value === actual;
  const isLike = (value: string) => actual !== undefined && like(value, actual);
  switch (operator) {
    case 'StringEquals':
    case 'Bool':
      return any(equals);
    case 'BoolIfExists':
      return actual === undefined || any(equals);
    case 'StringNotEquals':
      return !any(equals);
    case 'StringLike':
    case 'ArnEquals':
    case 'ArnLike':
      return any(isLike);
    case 'StringNotLike':
    case 'ArnNotEquals':
    case 'ArnNotLike':
      return !any(isLike);
    case 'Null':
      return values.some((value) => (value === 'true') === (actual === undefined));
    default:
      throw new Error(`test/support/policy-evaluation.ts does not know the operator ${operator}: add it.`);
  }
}

function like(pattern: string, text: string, flags = ''): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, flags).test(text);
}
