/** A task of a workflow, as announced by the emulator (emulator/sitecustomize.py), and whether it should fail. */
import * as z from 'zod';
import type { FaultKind } from './fault-kinds.ts';

export const workflowTask = z.strictObject({
  /** The state machine's ARN. */
  machine: z.string(),
  state: z.string(),
  resource: z.string(),
  /** The execution's input, as JSON. */
  input: z.string(),
});
export type WorkflowTask = z.infer<typeof workflowTask>;

interface Fate {
  readonly takesEffect: boolean;
  /** The Step Functions error name; absent if the task succeeds. */
  readonly error?: string;
}

/** `WriteRecord dynamodb:PutItem` */
export function actionOf({ state, resource }: Pick<WorkflowTask, 'state' | 'resource'>): string {
  const [service = '', operation = ''] = partsOf(resource);
  const name = service === 'lambda' ? 'InvokeFunction' : `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`;
  return `${state} ${service}:${name}`;
}

/** States.Runtime ends the workflow, because nothing catches it; the workflow handles the other errors by name. */
export function fateOf({ resource }: WorkflowTask, kind: FaultKind | undefined): Fate {
  if (kind === undefined) return { takesEffect: true };
  const named = errors[z.enum(['lambda', 'dynamodb', 'events']).parse(partsOf(resource)[0])];
  switch (kind) {
    case 'refused':
      return { takesEffect: false, error: named.refused };
    case 'lost':
      return { takesEffect: true, error: 'States.Timeout' };
    case 'throttled':
      return { takesEffect: false, error: named.throttled };
    case 'denied':
      return { takesEffect: false, error: named.denied };
    case 'broken':
      return { takesEffect: false, error: named.broken };
    case 'hangs':
      return { takesEffect: false, error: 'States.Timeout' };
    case 'dies before':
      return { takesEffect: false, error: 'States.Runtime' };
    case 'dies after':
      return { takesEffect: true, error: 'States.Runtime' };
  }
}

const errors = {
  lambda: {
    refused: 'Lambda.SdkClientException',
    throttled: 'Lambda.TooManyRequestsException',
    denied: 'Lambda.AWSLambdaException',
    broken: 'Lambda.ServiceException',
  },
  dynamodb: {
    refused: 'DynamoDB.SdkClientException',
    throttled: 'DynamoDB.ThrottlingException',
    denied: 'DynamoDB.AccessDeniedException',
    broken: 'DynamoDB.InternalServerError',
  },
  events: {
    refused: 'EventBridge.SdkClientException',
    throttled: 'EventBridge.ThrottlingException',
    denied: 'EventBridge.AccessDeniedException',
    broken: 'EventBridge.FailedEntry',
  },
} as const;

/** Service and operation. */
function partsOf(resource: string): string[] {
  return resource.split(':').slice(5);
}
