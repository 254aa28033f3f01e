import type { Clock } from './clock.ts';

export interface ConcurrencyLimits {
  /** Reserved for the function. */
  readonly most: number;
  /** How many new environments a function may start at once, and then each second. */
  readonly burst: number;
  readonly perSecond: number;
  /** What a new environment works before its first invocation: core-seconds. */
  readonly startSeconds: number;
}

/** What all functions of an account may have at work at once. */
export class Account {
  #left: number;

  constructor(executions: number) {
    this.#left = executions;
  }

  take(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  release(): void {
    this.#left += 1;
  }
}

/** The environments of one function: whoever finds none is throttled. */
export class Concurrency {
  peak = 0;
  throttles = 0;
  readonly #clock: Clock;
  readonly #limits: ConcurrencyLimits;
  readonly #account: Account;
  #busy = 0;
  #environments = 0;
  #tokens: number;
  #refilledAt = 0;

  constructor(clock: Clock, limits: ConcurrencyLimits, account: Account) {
    this.#clock = clock;
    this.#limits = limits;
    this.#account = account;
    this.#tokens = limits.burst;
  }

  /** @returns how long the environment has to start, 0 for a warm one; undefined if there is none */
  take(): number | undefined {
    const isWarm = this.#busy < this.#environments;
    if (this.#busy >= this.#limits.most || !this.#account.take()) return this.#throttle();
    if (!isWarm && !this.#startEnvironment()) {
      this.#account.release();
      return this.#throttle();
    }
    this.#busy += 1;
    this.peak = Math.max(this.peak, this.#busy);
    return isWarm ? 0 : this.#limits.startSeconds;
  }

  release(): void {
    this.#busy -= 1;
    this.#account.release();
  }

  #throttle(): undefined {
    this.throttles += 1;
  }

  #startEnvironment(): boolean {
    const { burst, perSecond } = this.#limits;
    this.#tokens = Math.min(burst, this.#tokens + (this.#clock.now - this.#refilledAt) * perSecond);
    this.#refilledAt = this.#clock.now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    this.#environments += 1;
    return true;
  }
}
