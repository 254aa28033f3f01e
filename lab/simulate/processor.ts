import { Agenda, type Clock } from './clock.ts';

/** Where work is done: core-seconds. */
export interface Workplace {
  run(work: number, done: () => void): void;
}

/**
 * Cores shared by all that run on them: with more runners than cores each gets its fair share. Infinitely many are
 * Lambda, where nobody slows down anybody.
 */
export class Processor implements Workplace {
  readonly #clock: Clock;
  #cores: number;
  readonly #running = new Agenda();
  /** Core-seconds that a runner has had since the beginning. */
  #served = 0;
  #servedAt = 0;
  #schedule = 0;

  constructor(clock: Clock, cores: number) {
    this.#clock = clock;
    this.#cores = cores;
  }

  /** @param work core-seconds */
  run(work: number, done: () => void): void {
    if (this.#cores === Number.POSITIVE_INFINITY) {
      this.#clock.after(work, done);
      return;
    }
    this.#serve();
    this.#running.add(this.#served + work, done);
    this.#awaitNext();
  }

  /**
   * For one process of another session: the kernel gives each session its share of the cores (autogroup, on Linux), so
   * that what needs no more than that is done at once, however many run in the other one.
   */
  apart(): Workplace {
    const cores = Math.min(1, this.#cores / 2);
    return {
      run: (work, done) => {
        this.#take(cores);
        this.#clock.after(work / cores, () => {
          this.#take(-cores);
          done();
        });
      },
    };
  }

  #take(cores: number): void {
    this.#serve();
    this.#cores -= cores;
    this.#awaitNext();
  }

  #serve(): void {
    this.#served += (this.#clock.now - this.#servedAt) * this.#share();
    this.#servedAt = this.#clock.now;
  }

  #share(): number {
    return Math.min(1, this.#cores / Math.max(1, this.#running.length));
  }

  #awaitNext(): void {
    this.#schedule += 1;
    const schedule = this.#schedule;
    const next = this.#running.first;
    if (next === undefined) return;
    this.#clock.after(Math.max(0, next - this.#served) / this.#share(), () => {
      // Whoever came or went since has made a new appointment.
      if (schedule !== this.#schedule) return;
      this.#serve();
      const finished = this.#running.take();
      this.#awaitNext();
      finished?.action();
    });
  }
}

/** Takes one piece of work after the other, such as a Python process with its one lock. */
export class OneByOne {
  readonly #processor: Workplace;
  readonly #waiting: { readonly work: number; readonly done: () => void }[] = [];
  #head = 0;
  #busy = false;

  constructor(processor: Workplace) {
    this.#processor = processor;
  }

  run(work: number, done: () => void): void {
    if (work === 0) {
      done();
      return;
    }
    this.#waiting.push({ work, done });
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const next = this.#waiting[this.#head];
    this.#busy = next !== undefined;
    if (next === undefined) return;
    this.#head += 1;
    this.#processor.run(next.work, () => {
      this.#next();
      next.done();
    });
  }
}
