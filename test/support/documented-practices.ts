import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTemplate, stages, templateFor } from '../../scripts/template/template.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { readPractices } from './practices.ts';

const pipeline = {
  template: 'template.yaml',
  parameters: { SigningProfileVersionArn: 'arn:aws:signer:us-east-1:111122223333:/signing-profiles/any/1' },
};
const isPath = (text: string) => /^[\w.-]+(\/|\.\w+$)/.test(text);
const inProject = (path: string) => join(projectDirectory, path);

/**
 * Checks each practice of a page: where it is, its reason, and the tests that fail without it.
 *
 * @param application whose logical ids the page names, with the parameters that add what is optional
 */
export function describePractices(
  page: string,
  {
    template,
    parameters,
  }: { readonly template: string; readonly parameters: Readonly<Record<string, string>> } = pipeline,
): void {
  const source = readTemplate(template);
  const logicalIds = new Set(stages.flatMap((stage) => [...templateFor(stage, parameters, source).resources.keys()]));
  describe.each(readPractices(page))('$practice', ({ where, why, tests }) => {
    it('is where the page says', () => {
      expect(where).not.toEqual([]);
      for (const name of where) {
        expect(isPath(name) ? existsSync(inProject(name)) : logicalIds.has(name), name).toBe(true);
      }
    });

    it('has a reason', () => {
      expect(why.length).toBeGreaterThan(20);
    });

    it('names tests that exist', () => {
      expect(tests).not.toEqual([]);
      for (const { file, titles } of tests) {
        expect(existsSync(inProject(file)), file).toBe(true);
        expect(titles, file).not.toEqual([]);
        const source = readFileSync(inProject(file), 'utf8');
        // The whole title: `npm run lab -- prove practices` looks for no other.
        const isTitle = (title: string) => ["'", '"', '`'].some((quote) => source.includes(quote + title + quote));
        expect(titles.filter((title) => !isTitle(title))).toEqual([]);
      }
    });
  });
}
