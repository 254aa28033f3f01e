/** Waits until every upload that was on its way has an outcome. */
import pWaitFor from 'p-wait-for';
import { intakeStatus } from '../stack/intake-switch.ts';
import type { Stack } from '../stack/stack.ts';
import { Failure } from '../terminal/failure.ts';

// Five attempts take a quarter of an hour where RetryBaseSeconds is 60.
const patienceMillis = 3_600_000;

// EventBridge delivers within seconds, and a workflow ends within 280.
const MINUTES_IN_AN_ACCOUNT = 10;

/** How long an upload may be on its way before it is in a queue, and after it has left it. */
export function minutesOnTheWay({ emulated }: Pick<Stack, 'emulated'>): number {
  return emulated ? 0 : MINUTES_IN_AN_ACCOUNT;
}

/**
 * @param since uploads from before this time are waited for
 * @param minutes at least this long after it: EventBridge may still deliver, and workflows may still be running
 */
export async function settled(stack: Stack, since: Date, minutes: number, report: (progress: string) => void) {
  const earliest = since.getTime() + minutes * 60_000;
  const isSettled = async () => {
    const { state, waiting, inWork, oldestSeconds } = await intakeStatus(stack);
    if (state === 'Disabled')
      throw new Failure(
        `Intake of ${stack.name} is paused, so uploads without a record only wait. Resume it first: npm run intake -- resume`,
      );
    const isYounger = oldestSeconds !== undefined && Date.now() - oldestSeconds * 1000 > since.getTime();
    report(`${waiting} uploads waiting, ${inWork} in progress`);
    return Date.now() >= earliest && (waiting + inWork === 0 || isYounger);
  };
  const message = new Failure(
    'Earlier uploads still have no outcome after an hour: see docs/runbooks/dispatch-images.md, then run this again. It goes on where it stopped.',
  );
  await pWaitFor(isSettled, {
    interval: stack.emulated ? 300 : 5_000,
    timeout: { milliseconds: patienceMillis + minutes * 60_000, message },
  });
}
