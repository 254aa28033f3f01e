import type { IntakeStatus } from '../stack/intake-switch.ts';

const daySeconds = 86_400;

/** For the operator: whether intake is open, who paused it, how many uploads are waiting, and how long they are kept. */
export function describeIntake(stack: string, status: IntakeStatus, now: Date): string[] {
  return [
    `Intake of ${stack} is ${stateOf(status)}.`,
    `${status.waiting} ${status.waiting === 1 ? 'upload' : 'uploads'} waiting, ${status.inWork} in progress.`,
    ...limitOf(status, now),
  ];
}

function stateOf({ state, since, breaker }: IntakeStatus): string {
  const when = since === undefined ? '' : ` since ${since.toISOString()}`;
  switch (state) {
    case 'Enabled':
      return breaker === 'off'
        ? `open${when}, but its circuit breaker is off: resume turns it on again`
        : `open${when}`;
    case 'Disabled':
      return `paused${when}${breaker === undefined ? '' : breaker === 'on' ? ', by the circuit breaker' : ', by an operator'}`;
    default:
      return `changing (${state})`;
  }
}

/** Based on the age of the oldest message or, if that is unknown, on the time of the pause. */
function limitOf({ state, since, waiting, retentionSeconds, oldestSeconds }: IntakeStatus, now: Date): string[] {
  if (state === 'Enabled') return [];
  const keeps = `UploadQueue keeps a message for ${retentionSeconds / daySeconds} days`;
  const end = (from: number) => new Date(from + retentionSeconds * 1000).toISOString();
  if (waiting > 0 && oldestSeconds !== undefined) {
    return [
      `${keeps}: the oldest will be deleted at ${end(now.getTime() - oldestSeconds * 1000)}. Resume before that.`,
    ];
  }
  return [
    `${keeps}: the first upload after the pause will be deleted at ${end((since ?? now).getTime())}. Resume before that.`,
  ];
}
