/**
 * The way of an image as a discrete-event simulation: queue, pollers, dispatchers that wait for all of their batch,
 * workers with their concurrency, the workflow's retries when throttled, and the queue's own until the dead letter.
 */
import { retryDelaySeconds } from '../../core/dispatch-images.ts';
import { percentile } from '../bench/measure.ts';
import { Clock } from './clock.ts';
import { Concurrency, type ConcurrencyLimits } from './concurrency.ts';
import { OneByOne, Processor } from './processor.ts';
import { randomFrom, spreadBy } from './random.ts';

/** Seconds of one image. */
interface Work {
  readonly dispatcher: number;
  readonly metadata: number;
  /** By rendition group. */
  readonly resize: readonly number[];
}

export interface Setup {
  readonly seed: number;
  /** Images a second, evenly, and for how long. */
  readonly rate: number;
  readonly seconds: number;
  readonly batchSize: number;
  /** The event source mapping's: how many batches at the most, at the start, and how many more each second. */
  readonly pollers: { readonly most: number; readonly first: number; readonly perSecond: number };
  readonly metadata: ConcurrencyLimits;
  readonly resize: ConcurrencyLimits;
  /** On what everything runs: the cores of one machine, or Infinity. */
  readonly cores: number;
  /** What an image costs in each worker; one of these by chance. */
  readonly works: readonly Work[];
  /** How much the times of one kind of image differ: sigma of a log-normal distribution. */
  readonly spread: number;
  /** Beside the workers: of services that wait (in parallel), and of an emulator that works (one by one). */
  readonly services: {
    /** Until the record is written, and from there until the message is deleted. */
    readonly waitSeconds: number;
    readonly endWaitSeconds: number;
    readonly arrival: number;
    readonly begin: number;
    readonly worker: number;
    readonly end: number;
  };
  /** Of all tries of an image; what fails comes again. */
  readonly failures: number;
  readonly maxReceives: number;
  readonly retryBaseSeconds: number;
}

export interface Outcome {
  readonly images: number;
  readonly decided: number;
  readonly dead: number;
  /** Tries of all images, by the queue's count. */
  readonly receives: number;
  /** Images a second, from the first upload to the last decision. */
  readonly throughput: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
  readonly longestQueue: number;
  readonly queueAtEndOfLoad: number;
  readonly drainSeconds: number;
  readonly throttles: number;
  readonly peak: { readonly dispatchers: number; readonly metadata: number; readonly resize: number };
}

interface Message {
  readonly sentAt: number;
  receives: number;
}

/** As in the workflow's Retry of Lambda.TooManyRequestsException. */
export interface ThrottleRetry {
  readonly attempts: number;
  readonly intervalSeconds: number;
  readonly backoffRate: number;
  readonly longestSeconds: number;
}

export function simulate(setup: Setup, throttleRetry: ThrottleRetry): Outcome {
  const clock = new Clock();
  const random = randomFrom(setup.seed);
  const processor = new Processor(clock, setup.cores);
  const services = new OneByOne(processor);
  const metadata = new Concurrency(clock, setup.metadata);
  const resize = new Concurrency(clock, setup.resize);
  const queue = new Queue();
  const waits: number[] = [];
  const images = Math.round(setup.rate * setup.seconds);
  let lastDecision = 0;
  let dead = 0;
  let receives = 0;
  let dispatchers = 0;
  let mostDispatchers = 0;
  let longestQueue = 0;
  let queueAtEndOfLoad = 0;

  const spread = (seconds: number) => seconds * spreadBy(setup.spread, random);

  const arrive = (message: Message) => {
    services.run(spread(setup.services.arrival), () => {
      queue.add(message);
      poll();
    });
  };

  const poll = () => {
    const { most, first, perSecond } = setup.pollers;
    while (queue.length > 0 && dispatchers < Math.min(most, Math.floor(first + perSecond * clock.now))) {
      dispatchers += 1;
      mostDispatchers = Math.max(mostDispatchers, dispatchers);
      dispatch(queue.take(setup.batchSize));
    }
    longestQueue = Math.max(longestQueue, queue.length);
  };

  const dispatch = (batch: readonly Message[]) => {
    let left = batch.length;
    for (const message of batch) {
      message.receives += 1;
      receives += 1;
      work(message, (succeeded) => {
        if (!succeeded) comeAgain(message);
        left -= 1;
        if (left > 0) return;
        dispatchers -= 1;
        poll();
      });
    }
  };

  const work = (message: Message, done: (succeeded: boolean) => void) => {
    const cost = setup.works[Math.floor(random() * setup.works.length)];
    if (cost === undefined) throw new Error('A simulation needs at least one kind of work.');
    processor.run(spread(cost.dispatcher), () => {
      services.run(spread(setup.services.begin), () => {
        const tasks = [
          { pool: metadata, seconds: cost.metadata },
          ...cost.resize.map((seconds) => ({ pool: resize, seconds })),
        ];
        let left = tasks.length;
        let succeeded = random() >= setup.failures;
        for (const { pool, seconds } of tasks) {
          invoke(pool, spread(seconds), 0, (went) => {
            succeeded &&= went;
            left -= 1;
            if (left === 0) decide(message, succeeded, done);
          });
        }
      });
    });
  };

  const invoke = (pool: Concurrency, seconds: number, retries: number, done: (succeeded: boolean) => void) => {
    if (pool.take()) {
      services.run(spread(setup.services.worker), () => {
        processor.run(seconds, () => {
          pool.release();
          done(true);
        });
      });
      return;
    }
    if (retries === throttleRetry.attempts) {
      done(false);
      return;
    }
    const { intervalSeconds, backoffRate, longestSeconds } = throttleRetry;
    const longest = Math.min(longestSeconds, intervalSeconds * backoffRate ** retries);
    clock.after(random() * longest, () => invoke(pool, seconds, retries + 1, done));
  };

  const decide = (message: Message, succeeded: boolean, done: (succeeded: boolean) => void) => {
    clock.after(setup.services.waitSeconds, () => {
      if (succeeded) {
        waits.push(clock.now - message.sentAt);
        lastDecision = clock.now;
      }
      clock.after(setup.services.endWaitSeconds, () => services.run(spread(setup.services.end), () => done(succeeded)));
    });
  };

  const comeAgain = (message: Message) => {
    if (message.receives >= setup.maxReceives) {
      dead += 1;
      return;
    }
    const { retryBaseSeconds: baseSeconds } = setup;
    const delay = retryDelaySeconds(message.receives, { baseSeconds, lastTry: false, random: random() });
    clock.after(delay, () => {
      queue.add(message);
      poll();
    });
  };

  const send = (sent: number) => {
    arrive({ sentAt: clock.now, receives: 0 });
    if (sent + 1 < images) clock.after(1 / setup.rate, () => send(sent + 1));
    else queueAtEndOfLoad = queue.length;
  };
  // More pollers come with time, not only when something happens.
  const lookAgain = () => {
    poll();
    if (queue.length > 0 || clock.now < setup.seconds) clock.after(1, lookAgain);
  };
  send(0);
  if (setup.pollers.perSecond > 0) lookAgain();
  clock.run();

  return {
    images,
    decided: waits.length,
    dead,
    receives,
    throughput: waits.length / lastDecision,
    p50Seconds: percentile(waits, 50),
    p95Seconds: percentile(waits, 95),
    longestQueue,
    queueAtEndOfLoad,
    drainSeconds: Math.max(0, lastDecision - (images - 1) / setup.rate),
    throttles: metadata.throttles + resize.throttles,
    peak: { dispatchers: mostDispatchers, metadata: metadata.peak, resize: resize.peak },
  };
}

/** First in, first out; without moving all others when one leaves. */
class Queue {
  #messages: Message[] = [];
  #head = 0;

  get length(): number {
    return this.#messages.length - this.#head;
  }

  add(message: Message): void {
    this.#messages.push(message);
  }

  take(most: number): Message[] {
    const taken = this.#messages.slice(this.#head, this.#head + most);
    this.#head += taken.length;
    if (this.#head > 10_000) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }
}
