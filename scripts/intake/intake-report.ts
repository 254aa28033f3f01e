import type { IntakeStatus } from '../stack/intake-switch.ts';

const daySeconds = 86_400;

/** What an operator needs to decide: whether intake is open, who paused it, what is waiting, and for how long it is kept. */
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
        ? `open${when}, but its circuit breaker is off: resume switches it on again`
        : `open${when}`;
    case 'Disabled':
      return `paused${when}${breaker === undefined ? '' : breaker === 'on' ? ', by the circuit breaker' : ', by a person'}`;
    default:
      return `changing (${state})`;
  }
}

/** Goes by the age of the oldest message; where that is unknown, by the time of the pause. */
function limitOf({ state, since, waiting, retentionSeconds, oldestSeconds }: IntakeStatus, now: Date): string[] {
  if (state === 'Enabled') return [];
  const keeps = `UploadQueue keeps a message for ${retentionSeconds / daySeconds} days`;
  const end = (from: number) => new Date(from + retentionSeconds * 1000).toISOString();
  if (waiting > 0 && oldestSeconds !== undefined) {
    return [`${keeps}: the oldest is deleted at ${end(now.getTime() - oldestSeconds * 1000)}. Resume before that.`];
  }
  return [
    `${keeps}: the first upload after the pause is deleted at ${end((since ?? now).getTime())}. Resume before that.`,
  ];
}
