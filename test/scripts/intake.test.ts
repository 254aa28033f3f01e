import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../scripts/intake/intake-options.ts';
import { describeIntake } from '../../scripts/intake/intake-report.ts';
import type { IntakeStatus } from '../../scripts/stack/intake-switch.ts';

const paused: IntakeStatus = {
  state: 'Disabled',
  since: new Date('2026-01-02T00:00:00Z'),
  waiting: 3,
  inWork: 1,
  retentionSeconds: 604_800,
  oldestSeconds: undefined,
  breaker: undefined,
};
const described = (changes: Partial<IntakeStatus>) =>
  describeIntake('images-dev', { ...paused, ...changes }, new Date('2026-01-03T00:00:00Z')).join('\n');

describe('what is said of the intake', () => {
  it.each([
    ['nobody but a person where the breaker is off', { breaker: 'off' }, 'by a person'],
    ['the breaker where it is on', { breaker: 'on' }, 'by the circuit breaker'],
  ] as const)('was paused by %s', (_, changes, words) => {
    expect(described(changes)).toContain(`paused since 2026-01-02T00:00:00.000Z, ${words}`);
  });

  it('is open, and without its breaker if that is off', () => {
    expect(described({ state: 'Enabled', breaker: 'on' })).not.toMatch(/breaker|lost/);
    expect(described({ state: 'Enabled', breaker: 'off' })).toContain('circuit breaker is off');
  });

  it('is on the way while Lambda is at it', () => {
    expect(described({ state: 'Disabling' })).toContain('changing (Disabling)');
  });

  it('tells when the first upload is lost: by the oldest message’s age, else by the pause', () => {
    expect(described({ oldestSeconds: 2 * 86_400 })).toContain('lost at 2026-01-08T00:00:00.000Z');
    expect(described({})).toContain('lost at 2026-01-09T00:00:00.000Z');
  });
});

describe('npm run intake', () => {
  it.each(['pause', 'resume', 'status'] as const)('takes %s and a stack', (action) => {
    expect(parseOptions([action, '--stack', 'x'])).toEqual({ action, stack: 'x', help: false });
  });

  it.each([[[]], [['stop']], [['pause', 'resume']], [['pause', '--now']]])('refuses %j with one sentence', (args) => {
    expect(() => parseOptions(args)).toThrow(/^[^\n]+$/);
  });
});
