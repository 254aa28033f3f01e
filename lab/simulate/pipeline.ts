/**
 * The way of an image as a discrete-event simulation: queue, pollers, dispatchers that wait for all of their batch,
 * workers with their concurrency and their cold starts, the workflow's retries when throttled, and the queue's own until
 * the dead letter.
 */
import { retryDelaySeconds } from '../../core/retry-delay.ts';
import { Clock } from './clock.ts';
import { Account, Concurrency, type ConcurrencyLimits } from './concurrency.ts';
import { OneByOne, Processor } from './processor.ts';
import { randomFrom, spreadBy } from './random.ts';

/** Seconds of one image. */
export interface Work {
  /** Of whoever uploads it, where that is part of the machine. */
  readonly sender: number;
  readonly dispatcher: number;
  readonly metadata: number;
  /** By rendition group. */
  readonly resize: readonly number[];
  /** Of an emulator, which does for one image after the other what an account's services do side by side. */
  readonly services: number;
}

export interface Arrival {
  /** Seconds. */
  readonly at: number;
  readonly work: Work;
}

export interface Setup {
  readonly seed: number;
  /** The earliest first. */
  readonly arrivals: readonly Arrival[];
  readonly batchSize: number;
  /** The event source mapping's: how many batches at the most, at the start, and how many more each second. */
  readonly pollers: { readonly most: number; readonly first: number; readonly perSecond: number };
  /** That all functions may have at work at once: an account's quota. */
  readonly executions: number;
  readonly dispatcher: ConcurrencyLimits;
  readonly metadata: ConcurrencyLimits;
  readonly resize: ConcurrencyLimits;
  /** On what everything runs: the cores of one machine, or Infinity. */
  readonly cores: number;
  /** How much the times of one kind of image differ: sigma of a log-normal distribution. */
  readonly spread: number;
  /** Of what the services work for an image: one in all, or nothing. */
  readonly servicesShares: {
    readonly arrival: number;
    readonly begin: number;
    readonly workers: number;
    readonly end: number;
  };
  /** What the services work for a new environment: core-seconds. */
  readonly servicesStartSeconds: number;
  /** From the answer to an upload until its event is in the queue. */
  readonly deliverySeconds: number;
  /** Of services that wait, in parallel: until the record is written, and from there until the message is deleted. */
  readonly waitSeconds: number;
  readonly endWaitSeconds: number;
  /** From a decision until whoever measures hears of it; nobody else waits for that. */
  readonly lookSeconds: number;
  /** What goes on all the time, whether images come or not: cores. */
  readonly upkeep: { readonly sender: number; readonly services: number };
  /** Of all tries of an image; what fails comes again. */
  readonly failures: number;
  readonly maxReceives: number;
  readonly retryBaseSeconds: number;
}

/** One entry an arrival; undefined for a dead letter. */
export interface Simulated {
  readonly images: readonly { readonly at: number; readonly decidedAt: number | undefined }[];
  /** How many waited, from one change to the next. */
  readonly queue: readonly { readonly at: number; readonly waiting: number }[];
  /** Tries of all images, by the queue's count. */
  readonly receives: number;
  readonly throttles: number;
  readonly peak: { readonly dispatchers: number; readonly metadata: number; readonly resize: number };
}

interface Message {
  readonly index: number;
  readonly work: Work;
  receives: number;
}

/** As in the workflow's Retry of Lambda.TooManyRequestsException. */
export interface ThrottleRetry {
  readonly attempts: number;
  readonly intervalSeconds: number;
  readonly backoffRate: number;
  readonly longestSeconds: number;
}

const UPKEEP_SECONDS = 0.1;

export function simulate(setup: Setup, throttleRetry: ThrottleRetry): Simulated {
  const clock = new Clock();
  const random = randomFrom(setup.seed);
  const processor = new Processor(clock, setup.cores);
  // A Node process and a Python process with its one lock.
  const sender = new OneByOne(processor.apart());
  const services = new OneByOne(processor);
  const account = new Account(setup.executions);
  const dispatchers = new Concurrency(clock, setup.dispatcher, account);
  const metadata = new Concurrency(clock, setup.metadata, account);
  const resize = new Concurrency(clock, setup.resize, account);
  const queue = new Queue();
  const depths: { at: number; waiting: number }[] = [];
  const decidedAt: (number | undefined)[] = setup.arrivals.map(() => undefined);
  const { arrival, begin, workers, end } = setup.servicesShares;
  let open = setup.arrivals.length;
  let receives = 0;
  let batches = 0;

  const spread = (seconds: number) => seconds * spreadBy(setup.spread, random);

  const enqueue = (message: Message) => {
    queue.add(message);
    poll();
  };

  const poll = () => {
    const { most, first, perSecond } = setup.pollers;
    while (queue.length > 0 && batches < Math.min(most, Math.floor(first + perSecond * clock.now))) {
      const start = dispatchers.take();
      if (start === undefined) break;
      batches += 1;
      const batch = queue.take(setup.batchSize);
      services.run(start === 0 ? 0 : setup.servicesStartSeconds, () => processor.run(start, () => dispatch(batch)));
    }
    depths.push({ at: clock.now, waiting: queue.length });
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
        batches -= 1;
        dispatchers.release();
        poll();
      });
    }
  };

  const work = (message: Message, done: (succeeded: boolean) => void) => {
    const cost = message.work;
    processor.run(spread(cost.dispatcher), () => {
      services.run(spread(cost.services * begin), () => {
        const tasks = [
          { pool: metadata, seconds: cost.metadata },
          ...cost.resize.map((seconds) => ({ pool: resize, seconds })),
        ];
        let left = tasks.length;
        let succeeded = random() >= setup.failures;
        for (const { pool, seconds } of tasks) {
          const task = { pool, seconds: spread(seconds), services: spread((cost.services * workers) / tasks.length) };
          invoke(task, 0, (went) => {
            succeeded &&= went;
            left -= 1;
            if (left === 0) decide(message, succeeded, done);
          });
        }
      });
    });
  };

  const invoke = (
    task: { readonly pool: Concurrency; readonly seconds: number; readonly services: number },
    retries: number,
    done: (succeeded: boolean) => void,
  ) => {
    const start = task.pool.take();
    if (start !== undefined) {
      services.run(task.services + (start === 0 ? 0 : setup.servicesStartSeconds), () => {
        processor.run(start + task.seconds, () => {
          task.pool.release();
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
    clock.after(random() * longest, () => invoke(task, retries + 1, done));
  };

  const decide = (message: Message, succeeded: boolean, done: (succeeded: boolean) => void) => {
    clock.after(setup.waitSeconds, () => {
      if (succeeded) {
        decidedAt[message.index] = clock.now + setup.lookSeconds;
        open -= 1;
      }
      clock.after(setup.endWaitSeconds, () => services.run(spread(message.work.services * end), () => done(succeeded)));
    });
  };

  const comeAgain = (message: Message) => {
    if (message.receives >= setup.maxReceives) {
      open -= 1;
      return;
    }
    const { retryBaseSeconds: baseSeconds } = setup;
    const delay = retryDelaySeconds(message.receives, { baseSeconds, lastAttempt: false, random: random() });
    clock.after(delay, () => enqueue(message));
  };

  const send = (index: number) => {
    const next = setup.arrivals[index];
    if (next === undefined) return;
    clock.after(next.at - clock.now, () => {
      const message = { index, work: next.work, receives: 0 };
      sender.run(spread(next.work.sender), () =>
        services.run(spread(next.work.services * arrival), () =>
          clock.after(spread(setup.deliverySeconds), () => enqueue(message)),
        ),
      );
      send(index + 1);
    });
  };
  const untilDone = (seconds: number, action: () => void): void => {
    if (open === 0) return;
    action();
    clock.after(seconds, () => untilDone(seconds, action));
  };
  send(0);
  // More pollers come with time, not only when something happens.
  if (setup.pollers.perSecond > 0) untilDone(1, poll);
  if (setup.upkeep.sender + setup.upkeep.services > 0) {
    untilDone(UPKEEP_SECONDS, () => {
      sender.run(setup.upkeep.sender * UPKEEP_SECONDS, () => undefined);
      services.run(setup.upkeep.services * UPKEEP_SECONDS, () => undefined);
    });
  }
  clock.run();

  return {
    images: setup.arrivals.map(({ at }, index) => ({ at, decidedAt: decidedAt[index] })),
    queue: depths,
    receives,
    throttles: metadata.throttles + resize.throttles,
    peak: { dispatchers: dispatchers.peak, metadata: metadata.peak, resize: resize.peak },
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
