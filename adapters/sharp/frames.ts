/** Messages with bytes over a pipe: four bytes of length, then the message as V8 serializes it. */
import { deserialize, serialize } from 'node:v8';

const LENGTH_BYTES = 4;

export function framed(message: unknown): Uint8Array {
  const body = serialize(message);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(body.byteLength);
  return Buffer.concat([length, body]);
}

/**
 * Reads no further than the message that is asked for, so that a sender cannot fill this process's memory.
 *
 * @throws {Error} for a message of more than `mostBytes`
 */
export async function* messagesOf(pipe: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<unknown, undefined> {
  let waiting: Buffer[] = [];
  let arrived = 0;
  let needed = LENGTH_BYTES;
  let isLength = true;
  for await (const chunk of pipe) {
    waiting.push(chunk);
    arrived += chunk.byteLength;
    while (arrived >= needed) {
      const all = Buffer.concat(waiting, arrived);
      const part = all.subarray(0, needed);
      waiting = [all.subarray(needed)];
      arrived -= needed;
      if (isLength) {
        needed = part.readUInt32BE();
        if (needed > mostBytes) throw new Error(`A message of ${needed} bytes is longer than ${mostBytes}.`);
      } else {
        needed = LENGTH_BYTES;
        yield deserialize(part);
      }
      isLength = !isLength;
    }
  }
  return undefined;
}
