import { expect, it } from 'vitest';
import { everyKind } from '../../test/faults/crash-points.ts';
import { casesOf } from '../prove/crash-point-cases.ts';

/** The plan of `npm run lab -- prove crash-points`. */

const read = { stem: 'ResizeImage', action: 's3:GetObject' };
const write = { stem: 'ImagePipeline', action: 'WriteRecord dynamodb:PutItem' };
const points = [
  { ...read, story: 'uploaded' },
  { ...read, story: 'replaced' },
  { ...write, story: 'uploaded' },
];
const cases = casesOf(points, 1);

it.each([read, write])('$stem $action fails in every way, once and permanently', (call) => {
  const ways = cases.filter(({ action }) => action === call.action).map(({ kind, lasting }) => `${kind} ${lasting}`);
  expect(ways.sort()).toEqual(everyKind.flatMap((kind) => [`${kind} false`, `${kind} true`]).sort());
});

it('each fault is injected in every scenario that makes the call', () => {
  const drawn = new Set(cases.map(({ stem, action, story }) => JSON.stringify({ stem, action, story })));
  expect(drawn).toEqual(new Set(points.map((point) => JSON.stringify(point))));
});
