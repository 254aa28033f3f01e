import { expect, it } from 'vitest';
import { numberAt, ofType, type Stage, stages, templateFor } from '../../scripts/template/template.ts';

/** Application Auto Scaling "does not interpret insufficient data as low utilization": it never scales in without data points. */
const canGrow = (stage: Stage): boolean =>
  ofType(templateFor(stage, { ProvisionConcurrency: 'true' }), 'AWS::ApplicationAutoScaling::ScalableTarget').some(
    ([, { Properties }]) => numberAt(Properties['MaxCapacity']) > numberAt(Properties['MinCapacity']),
  );

it.each(stages)(
  'stage %s runs the probe wherever warm workers can become more: without data, they never become fewer',
  (stage) => {
    const probe = templateFor(stage).resources.get('ProbeSchedule')?.Properties['State'];
    expect(probe === 'ENABLED' || !canGrow(stage)).toBe(true);
  },
);
