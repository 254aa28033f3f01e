import type { Clock } from './clock.ts';

export interface ConcurrencyLimits {
  /** Reserved, or what the account has left. */
  readonly most: number;
  /** How many new environments a function may start at once, and then each second. */
  readonly burst: number;
  readonly perSecond: number;
}

/** The environments of one function: whoever finds none is throttled. */
export class Concurrency {
  peak = 0;
  throttles = 0;
  readonly #clock: Clock;
  readonly #limits: ConcurrencyLimits;
  #busy = 0;
  #environments = 0;
  #tokens: number;
  #refilledAt = 0;

  constructor(clock: Clock, limits: ConcurrencyLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#tokens = limits.burst;
  }

  take(): boolean {
    if (this.#busy < this.#limits.most && (this.#busy < this.#environments || this.#startEnvironment())) {
      this.#busy += 1;
      this.peak = Math.max(this.peak, this.#busy);
      return true;
    }
    this.throttles += 1;
    return false;
  }

  release(): void {
    this.#busy -= 1;
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
