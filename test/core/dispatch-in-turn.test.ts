import { describe, expect, it, vi } from 'vitest';
import { dispatchInTurn } from '../../core/dispatch-in-turn.ts';
import { probePrefix, releaseCheckPrefix } from '../../core/names.ts';
import type { Pipeline, SendersInProgress } from '../../core/ports.ts';
import { senderOf } from '../../core/sender.ts';
import { exampleGroups } from '../support/example-presets.ts';
import { createdEvent } from '../support/upload-events.ts';

const processed = { outcome: 'processed', bytesOut: 5 } as const;

/** Senders may have so many in progress; none by default. */
function inTurn({ most = 0, run = vi.fn<Pipeline['run']>(async () => processed) } = {}) {
  const counted = new Map<string, number>();
  const count = (sender: string) => counted.get(sender) ?? 0;
  const senders: SendersInProgress = {
    async begin(sender) {
      if (count(sender) >= most) return undefined;
      counted.set(sender, count(sender) + 1);
      return { end: async () => void counted.set(sender, count(sender) - 1) };
    },
  };
  const setAside = vi.fn(async (_: string) => undefined);
  const dispatch = (key: string, from: { setAside?: typeof setAside } = { setAside }) =>
    dispatchInTurn(
      createdEvent({ key }),
      { pipeline: { run }, senders },
      {
        ...{ lastAttempt: false, groups: exampleGroups },
        ...from,
      },
    );
  return { dispatch, setAside, run, counted };
}

describe('an upload whose sender has as many in progress as one sender may', () => {
  it('is set aside, and no workflow runs', async () => {
    const { dispatch, setAside, run } = inTurn();
    expect(await dispatch('ann/cat.jpg')).toEqual({ setAside: true, sender: 'ann' });
    expect(setAside).toHaveBeenCalledExactlyOnceWith('ann');
    expect(run).not.toHaveBeenCalled();
  });

  it('fails if it cannot be set aside, so that it stays in its queue', async () => {
    const { dispatch, setAside } = inTurn();
    setAside.mockRejectedValue(new Error('no permission'));
    await expect(dispatch('ann/cat.jpg')).rejects.toThrow('no permission');
  });

  it('is processed once it comes from the queue of those that wait', async () => {
    const { dispatch } = inTurn();
    expect(await dispatch('ann/cat.jpg', {})).toEqual(processed);
  });

  it('does not hold up the uploads of another sender', async () => {
    const hanging = Promise.withResolvers<typeof processed>();
    const { dispatch } = inTurn({
      most: 1,
      run: vi.fn(({ image }) => (image.key === 'ann/1.jpg' ? hanging.promise : Promise.resolve(processed))),
    });
    const first = dispatch('ann/1.jpg');
    expect(await dispatch('ann/2.jpg')).toEqual({ setAside: true, sender: 'ann' });
    expect(await dispatch('bob/1.jpg')).toEqual(processed);
    hanging.resolve(processed);
    await first;
    expect(await dispatch('ann/3.jpg')).toEqual(processed);
  });
});

it.each<[string, Pipeline['run']]>([
  ['decided', async () => processed],
  ['undecided', () => Promise.reject(new Error('timed out'))],
])('a sender has one less in progress when an upload is %s', async (_, run) => {
  const { dispatch, counted } = inTurn({ most: 1, run: vi.fn(run) });
  await dispatch('ann/cat.jpg').catch(() => undefined);
  expect(counted.get('ann')).toBe(0);
});

describe('the sender', () => {
  it.each([
    ['ann/cat.jpg', 'ann'],
    ['ann/2026/summer/cat.jpg', 'ann'],
    ['Änne Müller/cat.jpg', 'Änne Müller'],
    ['cat.jpg', ''],
    ['/cat.jpg', ''],
    ['/ann/cat.jpg', ''],
    [`${probePrefix.slice(0, -1)}.jpg`, ''],
  ])('of %j is %j', (key, sender) => {
    expect(senderOf(key)).toBe(sender);
  });

  it('is one and the same for all keys without a folder, so that they have a limit, too', async () => {
    const hanging = Promise.withResolvers<typeof processed>();
    const { dispatch } = inTurn({
      most: 1,
      run: vi.fn(({ image }) => (image.key === 'cat.jpg' ? hanging.promise : Promise.resolve(processed))),
    });
    const first = dispatch('cat.jpg');
    expect(await dispatch('/dog.jpg')).toEqual({ setAside: true, sender: '' });
    hanging.resolve(processed);
    await first;
  });

  it.each([probePrefix, releaseCheckPrefix])(
    'if it is the pipeline’s own (%s), has no limit: its images never wait behind those that were set aside',
    async (prefix) => {
      expect(await inTurn().dispatch(`${prefix}1.jpg`)).toEqual(processed);
    },
  );
});
