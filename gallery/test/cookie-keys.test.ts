import { createVerify } from 'node:crypto';
import { getSignedCookies } from '@aws-sdk/cloudfront-signer';
import { beforeEach, describe, expect, it } from 'vitest';
import { signingKey } from '../adapters/aws/cloudfront-cookies.ts';
import { describeRest } from '../deploy/cookie-key-report.ts';
import { advance, registerNextKey } from '../deploy/cookie-keys.ts';
import { inMemoryKeys } from './support/in-memory-keys.ts';

/** gallery/deploy/cookie-key-steps.ts: a key is made and replaced without a browser ever having a cookie that CloudFront refuses. */

let keys: ReturnType<typeof inMemoryKeys>;
beforeEach(() => {
  keys = inMemoryKeys();
});
const run = () => advance(keys.store, { now: keys.now });

/** Runs it like an operator: again after what stopped it, and whenever it is due. Looks at what browsers have, in between. */
async function untilDone(): Promise<void> {
  for (let runs = 0; runs < 20; runs += 1) {
    const { step } = await run();
    expect(keys.refusals()).toEqual([]);
    if (step.step === 'none') return;
    keys.pass((step.until - keys.now()) / 60_000);
  }
  throw new Error('It does not end.');
}

describe('the first key', () => {
  it('is accepted by CloudFront, is in the secret, and signs what CloudFront can verify', async () => {
    expect(await run()).toEqual({ group: 'group', step: { step: 'none' } });
    expect(keys.accepted()).toEqual(['K1']);
    const { keyPairId, privateKey } = signingKey.parse(JSON.parse(keys.secretOf('K1')));
    expect(keyPairId).toBe('K1');
    const policy = '{"Statement":[]}';
    const { 'CloudFront-Signature': signature } = getSignedCookies({ policy, keyPairId, privateKey });
    const bytes = Buffer.from(signature.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64');
    const publicKey = keys.publicKeys.get('K1')?.EncodedKey ?? '';
    expect(createVerify('RSA-SHA1').update(policy).verify(publicKey, bytes)).toBe(true);
  });

  it('is made once, however often it is asked for', async () => {
    await run();
    await run();
    expect([...keys.publicKeys.keys()]).toEqual(['K1']);
  });

  it.each([1, 2, 3].flatMap((write) => [[write, 'before'] as const, [write, 'after'] as const]))(
    'is there after a second run if the first one ended at write %i, %s its effect, and leaves no other key',
    async (write, when) => {
      keys.killAt(write, when);
      await expect(run()).rejects.toThrow('killed');
      keys.survive();
      await untilDone();
      expect(keys.accepted()).toEqual([keys.signsWith()]);
      expect([...keys.publicKeys.keys()]).toEqual(keys.accepted());
    },
  );
});

describe('a rotation', () => {
  beforeEach(async () => {
    await run();
    keys.pass(60 * 24);
  });

  it('first lets CloudFront accept the new key, then signs with it, and removes the old one when its last cookie has ended', async () => {
    await registerNextKey(keys.store);
    const accepted = await run();
    expect(accepted.step).toEqual({ step: 'wait', why: 'accepting', until: keys.now() + 15 * 60_000 });
    expect([keys.accepted(), keys.signsWith()]).toEqual([['K1', 'K2'], 'K1']);
    keys.pass(15);
    const signs = await run();
    expect(signs.step).toEqual({ step: 'wait', why: 'cookies', until: keys.now() + 70 * 60_000 });
    expect([keys.accepted(), keys.signsWith()]).toEqual([['K1', 'K2'], 'K2']);
    keys.pass(70);
    expect((await run()).step).toEqual({ step: 'none' });
    expect([keys.accepted(), [...keys.publicKeys.keys()]]).toEqual([['K2'], ['K2']]);
    expect(keys.refusals()).toEqual([]);
  });

  it('does nothing before its time, however often it is run', async () => {
    await registerNextKey(keys.store);
    await run();
    keys.pass(14);
    await run();
    expect(keys.signsWith()).toBe('K1');
    keys.pass(1);
    await run();
    keys.pass(69);
    await run();
    expect(keys.accepted()).toEqual(['K1', 'K2']);
  });

  it.each([1, 2, 3, 4, 5, 6].flatMap((write) => [[write, 'before'] as const, [write, 'after'] as const]))(
    'that ended at write %i, %s its effect, goes on later, and no browser notices',
    async (write, when) => {
      keys.killAt(write, when);
      await expect(registerNextKey(keys.store).then(untilDone)).rejects.toThrow('killed');
      keys.survive();
      keys.pass(60 * 24);
      await untilDone();
      expect(keys.accepted()).toEqual([keys.signsWith()]);
      expect([...keys.publicKeys.keys()]).toEqual(keys.accepted());
    },
  );

  it('leaves the keys of a stack with a similar name alone, and those of the same stack in another region', async () => {
    keys.publicKeys.set('other', { Name: 'gallery-dev-eu-west-1-cookies-2-cookies-1', EncodedKey: '' });
    keys.publicKeys.set('foreign', { Name: 'gallery-dev-eu-west-1-2-cookies-1', EncodedKey: '' });
    keys.publicKeys.set('elsewhere', { Name: 'gallery-dev-us-east-1-cookies-1', EncodedKey: '' });
    await registerNextKey(keys.store);
    await untilDone();
    expect([...keys.publicKeys.keys()]).toEqual(['other', 'foreign', 'elsewhere', 'K2']);
  });

  it('says when it is to be run again', () => {
    const until = Date.UTC(2026, 0, 2, 12, 30);
    expect(describeRest({ step: 'wait', why: 'accepting', until })).toContain(
      'Run this again after 2026-01-02T12:30:00Z',
    );
    expect(describeRest({ step: 'wait', why: 'cookies', until })).toContain('to remove it');
  });
});
