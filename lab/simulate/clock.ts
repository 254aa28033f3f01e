interface Entry {
  readonly at: number;
  /** First come, first served. */
  readonly order: number;
  readonly action: () => void;
}

/** The least first: a binary heap. */
export class Agenda {
  readonly #entries: Entry[] = [];
  #added = 0;

  get first(): number | undefined {
    return this.#entries[0]?.at;
  }

  get length(): number {
    return this.#entries.length;
  }

  add(at: number, action: () => void): void {
    this.#added += 1;
    const entry = { at, order: this.#added, action };
    let place = this.#entries.push(entry) - 1;
    for (
      let parent = (place - 1) >> 1;
      place > 0 && isBefore(entry, this.#entries[parent]);
      parent = (place - 1) >> 1
    ) {
      this.#put(place, this.#entries[parent]);
      place = parent;
    }
    this.#entries[place] = entry;
  }

  take(): Entry | undefined {
    const [top] = this.#entries;
    const last = this.#entries.pop();
    if (last === undefined || top === last) return top;
    let place = 0;
    for (let child = this.#lesserChild(0); isBefore(this.#entries[child], last); child = this.#lesserChild(place)) {
      this.#put(place, this.#entries[child]);
      place = child;
    }
    this.#entries[place] = last;
    return top;
  }

  #lesserChild(place: number): number {
    const left = 2 * place + 1;
    return isBefore(this.#entries[left + 1], this.#entries[left]) ? left + 1 : left;
  }

  #put(place: number, entry: Entry | undefined): void {
    if (entry !== undefined) this.#entries[place] = entry;
  }
}

function isBefore(left: Entry | undefined, right: Entry | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}

/** Simulated time, in seconds: jumps from one event to the next. */
export class Clock {
  now = 0;
  readonly #agenda = new Agenda();

  after(seconds: number, action: () => void): void {
    this.#agenda.add(this.now + seconds, action);
  }

  /** Until nothing is left to happen. */
  run(): void {
    for (let next = this.#agenda.take(); next !== undefined; next = this.#agenda.take()) {
      this.now = next.at;
      next.action();
    }
  }
}
