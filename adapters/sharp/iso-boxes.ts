/** Boxes of ISO base media files (ISO 14496-12). Each takes at least eight bytes, so walking them takes linear time. */
export interface Box {
  readonly type: number;
  readonly start: number;
  /** Behind the header. */
  readonly body: number;
  readonly end: number;
}

export function* boxesIn(view: DataView, from: number, to: number): Generator<Box> {
  for (let at = from; at + 8 <= to; ) {
    const short = view.getUint32(at);
    const isLong = short === 1 && at + 16 <= to;
    const length = isLong ? Number(view.getBigUint64(at + 8)) : short;
    const end = short === 0 ? to : Math.min(at + Math.max(length, 8), to);
    yield { type: view.getUint32(at + 4), start: at, body: Math.min(at + (isLong ? 16 : 8), end), end };
    at = end;
  }
}

export function boxType(name: string): number {
  return [...name].reduce((type, character) => type * 256 + character.charCodeAt(0), 0);
}

/** Reads numbers one after another, as many as there are: beyond the end, zeros. */
export class BoxReader {
  readonly view: DataView;
  at: number;
  readonly end: number;

  constructor(view: DataView, from: number, end: number) {
    this.view = view;
    this.at = from;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** Of 0, 1, 2, 4 or 8 bytes. */
  number(length: number): number {
    const at = this.at;
    this.at += length;
    if (this.at > this.end) return 0;
    switch (length) {
      case 1:
        return this.view.getUint8(at);
      case 2:
        return this.view.getUint16(at);
      case 4:
        return this.view.getUint32(at);
      case 8:
        return Number(this.view.getBigUint64(at));
      default:
        return 0;
    }
  }
}
