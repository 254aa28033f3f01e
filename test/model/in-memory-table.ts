import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { TaskError } from '../support/asl.ts';

/**
 * ImageTable in memory: evaluates the expressions that the workflow uses and throws for any other. test/pipeline compares it
 * with the emulator's DynamoDB. (Libraries that evaluate such expressions are servers, or do not export it.)
 */

export type Item = Readonly<Record<string, AttributeValue>>;

export interface Write {
  readonly ConditionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeValue>> | undefined;
}

export class InMemoryTable {
  readonly items = new Map<string, Item>();
  /** What its stream delivers, in order. */
  readonly writes: { readonly before: Item | undefined; readonly after: Item }[] = [];

  get(key: Item): Item | undefined {
    return this.items.get(idOf(key));
  }

  /** @returns the item before the write */
  put(item: Item, write: Write = {}): Item | undefined {
    const before = this.items.get(idOf(item));
    check(write, before);
    this.#write(before, item);
    return before;
  }

  /** @returns the item after the write */
  update(key: Item, write: Write & { readonly UpdateExpression: string }): Item {
    const before = this.items.get(idOf(key));
    check(write, before);
    const after = updated(write, before ?? key);
    this.#write(before, after);
    return after;
  }

  #write(before: Item | undefined, after: Item): void {
    this.items.set(idOf(after), after);
    this.writes.push({ before, after });
  }
}

function idOf(item: Item): string {
  const id = item['imageId']?.S;
  if (id === undefined) throw new TaskError('DynamoDB.ValidationException', 'The item has no imageId.');
  return id;
}

function check(write: Write, before: Item | undefined): void {
  if (write.ConditionExpression === undefined) return;
  const tokens = write.ConditionExpression.match(/<>|<=|>=|[()=<>]|[\w#:]+/g) ?? [];
  const [holds, ...left] = anyOf(tokens, write, before ?? {});
  if (left.length > 0) throw unknown(write.ConditionExpression);
  if (!holds) {
    throw new TaskError('DynamoDB.ConditionalCheckFailedException', 'The conditional request failed');
  }
}

// Each parses from the first token, and returns the value and the remaining tokens.
type Parsed = [holds: boolean, ...left: string[]];

function anyOf(tokens: readonly string[], write: Write, item: Item): Parsed {
  const [first, ...left] = allOf(tokens, write, item);
  if (left[0] !== 'OR') return [first, ...left];
  const [second, ...rest] = anyOf(left.slice(1), write, item);
  return [first || second, ...rest];
}

function allOf(tokens: readonly string[], write: Write, item: Item): Parsed {
  const [first, ...left] = one(tokens, write, item);
  if (left[0] !== 'AND') return [first, ...left];
  const [second, ...rest] = allOf(left.slice(1), write, item);
  return [first && second, ...rest];
}

function one(tokens: readonly string[], write: Write, item: Item): Parsed {
  const [first = '', second = '', third = '', fourth, ...left] = tokens;
  if (first === '(') {
    const [holds, ...rest] = anyOf(tokens.slice(1), write, item);
    if (rest[0] !== ')') throw unknown(tokens.join(' '));
    return [holds, ...rest.slice(1)];
  }
  if (first === 'attribute_not_exists' && second === '(' && fourth === ')') {
    return [item[nameOf(third, write)] === undefined, ...left];
  }
  return [compare(item[nameOf(first, write)], second, given(third, write)), ...tokens.slice(3)];
}

/** Values of different types are never equal or less; strings compare by their bytes. */
function compare(left: AttributeValue | undefined, operator: string, right: AttributeValue): boolean {
  const equal = left !== undefined && JSON.stringify(left) === JSON.stringify(right);
  switch (operator) {
    case '=':
      return equal;
    case '<>':
      return !equal;
    case '<':
      if (left?.N !== undefined && right.N !== undefined) return Number(left.N) < Number(right.N);
      return (
        left?.S !== undefined && right.S !== undefined && Buffer.compare(Buffer.from(left.S), Buffer.from(right.S)) < 0
      );
    default:
      throw unknown(operator);
  }
}

function updated(write: Write & { readonly UpdateExpression: string }, item: Item): Item {
  const [, assignments, removals] = /^SET (.+?)(?: REMOVE (.+))?$/.exec(write.UpdateExpression) ?? [];
  if (assignments === undefined) throw unknown(write.UpdateExpression);
  const set = assignments.split(', ').map((assignment): [string, AttributeValue] => {
    const [name = '', value = '', ...rest] = assignment.split(' = ');
    if (rest.length > 0) throw unknown(assignment);
    return [nameOf(name, write), given(value, write)];
  });
  const removed = removals?.split(', ').map((name) => nameOf(name, write)) ?? [];
  const kept = Object.entries(item).filter(([name]) => !removed.includes(name));
  return Object.fromEntries([...kept, ...set]);
}

function nameOf(token: string, { ExpressionAttributeNames = {} }: Write): string {
  const name = token.startsWith('#') ? ExpressionAttributeNames[token] : token;
  if (name === undefined || !/^[a-zA-Z]+$/.test(name)) throw unknown(token);
  return name;
}

function given(token: string, { ExpressionAttributeValues = {} }: Write): AttributeValue {
  const value = ExpressionAttributeValues[token];
  if (value === undefined) throw unknown(token);
  return value;
}

function unknown(what: string): Error {
  return new Error(`InMemoryTable does not support "${what}". Add it, and compare it with DynamoDB in test/pipeline.`);
}
