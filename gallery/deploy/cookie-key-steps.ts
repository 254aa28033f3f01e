/**
 * The order in which the key that signs cookies is made and replaced, such that no browser ever has a cookie that CloudFront refuses:
 * first CloudFront everywhere accepts the new key, then functions sign with it, and only when no cookie of the old key is left, CloudFront
 * refuses that one. Each step follows from what exists, so a run that stops half-way goes on where it stopped.
 */
import { COOKIE_SECONDS, KEY_SECONDS } from '../adapters/aws/cloudfront-cookies.ts';

const MINUTE = 60_000;
/** CloudFront's changes usually reach all its locations in five minutes. */
export const SPREAD_MILLIS = 15 * MINUTE;
/** A function may sign with the old key for as long as it keeps it, and the cookie lasts for its own time after that. */
export const LAST_COOKIE_MILLIS = (KEY_SECONDS + COOKIE_SECONDS) * 1000 + 5 * MINUTE;

/** Times are in milliseconds; keys are the ids of CloudFront's public keys. */
export interface CookieKeys {
  /** The keys that CloudFront accepts. */
  readonly group: { readonly keys: readonly string[]; readonly changedAt: number } | undefined;
  /** The key with which functions sign. */
  readonly signing: string | undefined;
  /** The key that is to sign next. */
  readonly next: string | undefined;
  /** When the secret last changed. */
  readonly signingSince: number;
  /** This stack's keys in CloudFront. */
  readonly registered: readonly string[];
}

export type Step =
  /** A first key, which signs at once: no page is in use yet. */
  | { readonly step: 'make-first-key' }
  | { readonly step: 'make-group'; readonly key: string }
  /** CloudFront begins to accept the key. */
  | { readonly step: 'accept'; readonly key: string }
  | { readonly step: 'sign-with'; readonly key: string }
  /** CloudFront no longer accepts these keys. */
  | { readonly step: 'remove'; readonly keys: readonly string[] }
  | { readonly step: 'wait'; readonly until: number; readonly why: 'accepting' | 'cookies' }
  /** One key is accepted, and it signs. */
  | { readonly step: 'none' };

export function nextStep({ group, signing, next, signingSince, registered }: CookieKeys, now: number): Step {
  if (signing === undefined) return { step: 'make-first-key' };
  if (group === undefined) return { step: 'make-group', key: signing };
  const missing = [signing, next].find((key) => key !== undefined && !group.keys.includes(key));
  if (missing !== undefined) return { step: 'accept', key: missing };
  const used = new Set([...group.keys, signing, next]);
  const unused = registered.filter((key) => !used.has(key));
  if (unused.length > 0) return { step: 'remove', keys: unused };
  if (next !== undefined) {
    const until = group.changedAt + SPREAD_MILLIS;
    return until > now ? { step: 'wait', until, why: 'accepting' } : { step: 'sign-with', key: next };
  }
  const old = group.keys.filter((key) => key !== signing);
  if (old.length === 0) return { step: 'none' };
  const until = signingSince + LAST_COOKIE_MILLIS;
  return until > now ? { step: 'wait', until, why: 'cookies' } : { step: 'remove', keys: old };
}

export function isChange(step: Step): step is Exclude<Step, { readonly step: 'wait' } | { readonly step: 'none' }> {
  return step.step !== 'wait' && step.step !== 'none';
}
