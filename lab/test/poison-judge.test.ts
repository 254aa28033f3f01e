import { describe, expect, it } from 'vitest';
import { judgePoison, type PoisonRun } from '../prove/poison-judge.ts';

/** Every promise that `npm run lab -- prove chaos --poison` judges can be found broken. */

const waits = (millis: number) => Array.from({ length: 100 }, (_, index) => millis + index);
const good: PoisonRun = {
  calm: waits(1_000),
  flooded: waits(1_200),
  lost: [],
  poison: 100,
  rejected: 100,
  deadLetters: 0,
  minutes: [
    { processed: 90, rejected: 60 },
    { processed: 90, rejected: 40 },
  ],
  probe: 'healthy',
  killed: 100,
};
/** Of each hundred calls, 95 go to the old version first. */
const byTurns = () => {
  let turn = 0;
  return () => {
    turn += 1;
    return (turn % 100) / 100;
  };
};
const broken = async (change: Partial<PoisonRun>, random = byTurns()) =>
  (await judgePoison({ ...good, ...change }, random))
    .filter(({ against }) => against !== undefined)
    .map(({ promise }) => promise.replace(/[:,].*/, ''));

it('given others wait hardly longer, all is decided and no alarm fires, finds nothing', async () => {
  expect(await broken({})).toEqual([]);
});

describe('finds a flood that affects others', () => {
  it.each<[string, Partial<PoisonRun>, string]>([
    ['they wait', { flooded: waits(1_700) }, 'a sender who floods the stack with poison does not delay others'],
    ['an upload of theirs is lost', { lost: ['sender-1/1.png'] }, 'every upload of the others is processed'],
    ['poison becomes a dead letter', { deadLetters: 1 }, 'every upload of the others is processed'],
    ['poison stays undecided', { rejected: 99 }, 'every upload of the others is processed'],
    ['no worker died, which proves nothing', { killed: 0 }, 'every upload of the others is processed'],
    ['the known-good image fails', { probe: 'failed' }, 'the circuit breaker stays closed'],
  ])('if %s', async (_, change, promise) => {
    expect(await broken(change)).toEqual([promise]);
  });

  it('if the new version of a release has more than half of all failed calls', async () => {
    expect(await broken({}, () => 0.99)).toEqual(['a release in progress is not rolled back']);
  });

  it('and says that the alarm fired when most attempts fail, and that the first error would have rolled back', async () => {
    const proofs = await judgePoison(
      { ...good, minutes: [{ attempts: 90, processed: 10 }, { attempts: 90 }] },
      byTurns(),
    );
    const evidence = proofs.map((proof) => proof.evidence).join('\n');
    expect(evidence).toContain('its alarm fired');
    expect(evidence).toContain('would have: yes');
  });
});
