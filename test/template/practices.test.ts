import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPractices } from '../../scripts/template/practices.ts';
import { stages, templateFor } from '../../scripts/template/template.ts';

/** docs/practices.md says of each practice where it is and which test fails without it. Here it is held to that. */

const projectFile = (path: string) => new URL(`../../${path}`, import.meta.url);
const practices = readPractices();
const withEverything = { SigningProfileVersionArn: 'arn:aws:signer:us-east-1:111122223333:/signing-profiles/any/1' };
const logicalIds = new Set(stages.flatMap((stage) => [...templateFor(stage, withEverything).resources.keys()]));
const isPath = (text: string) => /^[\w.-]+(\/|\.\w+$)/.test(text);

describe.each(practices)('$practice', ({ where, why, tests }) => {
  it('is where the table says', () => {
    expect(where).not.toEqual([]);
    for (const name of where) {
      expect(isPath(name) ? existsSync(projectFile(name)) : logicalIds.has(name), name).toBe(true);
    }
  });

  it('gives its reason', () => {
    expect(why.length).toBeGreaterThan(20);
  });

  it('names tests that exist', () => {
    expect(tests).not.toEqual([]);
    for (const { file, titles } of tests) {
      expect(existsSync(projectFile(file)), file).toBe(true);
      expect(titles, file).not.toEqual([]);
      const source = readFileSync(projectFile(file), 'utf8');
      // Whole: `npm run prove -- practices` looks for no other.
      const isTitle = (title: string) => ["'", '"', '`'].some((quote) => source.includes(quote + title + quote));
      expect(titles.filter((title) => !isTitle(title))).toEqual([]);
    }
  });
});
