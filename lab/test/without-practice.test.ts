import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isTitled, provedPractices, removals } from '../prove/practices.ts';
import { type Change, takeAway } from '../prove/take-away.ts';

/** `npm run lab -- prove practices` removes each practice and expects its tests to fail. This checks that it still can. */

it('every practice has a change that removes it, and there are no other changes', () => {
  const practices = provedPractices().map(({ practice }) => practice);
  expect(Object.keys(removals).sort()).toEqual(practices.sort());
});

it.each(Object.entries(removals))('%s: the change that removes it applies', (_, change) => {
  const text = readFileSync(new URL(`../../${change.file}`, import.meta.url), 'utf8');
  expect(() => takeAway(text, change)).not.toThrow();
});

it.each([
  ['%s is rejected', 'a.jpg is rejected', true],
  ['$what is rejected', 'a.jpg is rejected', true],
  [`leads to \${next}`, 'leads to GiveUp', true],
  [`leads to \${next}`, 'it leads to GiveUp', false],
  ['costs $5 (at most)', 'costs $5 (at most)', true],
])('“%s” on the page names the test “%s”: %s', (wanted, title, names) => {
  expect(isTitled({ title }, wanted)).toBe(names);
});

it('documents that are rewritten for the proof are changed by path, because their text is another one then', () => {
  const changes = Object.entries(removals);
  const documents = new Set(changes.flatMap(([, change]) => ('path' in change ? change.file : [])));
  const byText = changes.filter(([, change]) => !('path' in change) && documents.has(change.file));
  expect(byText.map(([practice]) => practice)).toEqual([]);
});

describe('in a template', () => {
  const template = `
    Queue: # of uploads
      Rules: [{ Id: old, Days: 1 }, { Id: new, Days: !Ref Days }]
      Actions: [put, get]
      Rule: 7 days
  `;
  const unchanged = {
    Rules: [
      { Id: 'old', Days: 1 },
      { Id: 'new', Days: { Ref: 'Days' } },
    ],
    Actions: ['put', 'get'],
    Rule: '7 days',
  };
  const file = 'template.yaml';

  it.each<[what: string, change: Change, after: object]>([
    [
      'changes the value of an item that is found by its properties',
      { file, path: ['Queue', 'Rules', { Id: 'new' }, 'Days'], value: 2 },
      { ...unchanged, Rules: [unchanged.Rules[0], { Id: 'new', Days: 2 }] },
    ],
    ['removes an item', { file, path: ['Queue', 'Actions', 'put'], remove: true }, { ...unchanged, Actions: ['get'] }],
    [
      'removes a property',
      { file, path: ['Queue', 'Rules', 0, 'Days'], remove: true },
      { ...unchanged, Rules: [{ Id: 'old' }, unchanged.Rules[1]] },
    ],
    [
      'replaces part of a string',
      { file, path: ['Queue', 'Rule'], from: '7', to: '8' },
      { ...unchanged, Rule: '8 days' },
    ],
  ])('%s', (_, change, after) => {
    expect(JSON.parse(takeAway(template, change))).toEqual({ Queue: after });
  });

  it.each<[what: string, change: Change, message: string]>([
    ['a missing property', { file, path: ['Queue', 'Days'], value: 1 }, '"Days" does not exist'],
    ['a missing item', { file, path: ['Queue', 'Rules', { Id: 'b' }], remove: true }, '{"Id":"b"} does not exist'],
    ['a path through a number', { file, path: ['Queue', 'Rules', 0, 'Days', 'x'], value: 1 }, '"x" does not exist'],
    ['a value that is already set', { file, path: ['Queue', 'Rules', 0, 'Days'], value: 1 }, 'already has the value'],
    [
      'a missing text',
      { file, path: ['Queue', 'Rule'], from: '9', to: '8' },
      'does not contain the text to replace: 9',
    ],
  ])('refuses %s', (_, change, message) => {
    expect(() => takeAway(template, change)).toThrow(message);
  });
});

it('in code, replaces every occurrence of a text, and refuses one that does not occur', () => {
  const file = 'core/limits.ts';
  expect(takeAway('a = 1; b = 1;', { file, from: '= 1', to: '= 2' })).toBe('a = 2; b = 2;');
  expect(() => takeAway('a = 3;', { file, from: '= 1', to: '= 2' })).toThrow('core/limits.ts does not contain');
});
