import type { IntakeStatus } from '../stack/intake-switch.ts';

const daySeconds = 86_400;

/** What a person who has to decide wants to know: is it open, who closed it, what waits, and how long it may. */
export function describeIntake(stack: string, status: IntakeStatus, now: Date): string[] {
  return [
    `Intake of ${stack} is ${stateOf(status)}.`,
    `${status.waiting} uploads wait, ${status.inWork} are in work.`,
    ...limitOf(status, now),
  ];
}

function stateOf({ state, since, breaker }: IntakeStatus): string {
  const when = since === undefined ? '' : ` since ${since.toISOString()}`;
  switch (state) {
    case 'Enabled':
      return breaker === 'off' ? `open${when}, and its circuit breaker is off: resume puts it on again` : `open${when}`;
    case 'Disabled':
      return `paused${when}${breaker === undefined ? '' : breaker === 'on' ? ', by the circuit breaker' : ', by a person'}`;
    default:
      return `changing (${state})`;
  }
}

/** The age of the oldest message is best; without it, nothing that waits is taken to be older than the pause. */
function limitOf({ state, since, waiting, retentionSeconds, oldestSeconds }: IntakeStatus, now: Date): string[] {
  if (state === 'Enabled') return [];
  const keeps = `UploadQueue keeps a message for ${retentionSeconds / daySeconds} days`;
  const end = (from: number) => new Date(from + retentionSeconds * 1000).toISOString();
  if (waiting > 0 && oldestSeconds !== undefined) {
    return [`${keeps}: the oldest is lost at ${end(now.getTime() - oldestSeconds * 1000)}. Resume before that.`];
  }
  return [`${keeps}: what came first after the pause is lost at ${end((since ?? now).getTime())}. Resume before that.`];
}
