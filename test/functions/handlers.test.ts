import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

// Excludes settings and imports, which grow with the environment and the number of parts.
const MAX_LINES = 20;
const functions = new URL('../../functions/', import.meta.url);

/** A handler only wires. Decisions belong in core and translation in adapters, where ports make them testable. */
const decisions: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.IfStatement, 'if'],
  [ts.SyntaxKind.TryStatement, 'try'],
  [ts.SyntaxKind.SwitchStatement, 'switch'],
  [ts.SyntaxKind.ConditionalExpression, '?:'],
  [ts.SyntaxKind.ForStatement, 'for'],
  [ts.SyntaxKind.ForOfStatement, 'for…of'],
  [ts.SyntaxKind.ForInStatement, 'for…in'],
  [ts.SyntaxKind.WhileStatement, 'while'],
  [ts.SyntaxKind.DoStatement, 'do'],
]);

function decisionsIn(node: ts.Node): string[] {
  const own = decisions.get(node.kind);
  const inner: string[] = [];
  node.forEachChild((child) => {
    inner.push(...decisionsIn(child));
  });
  return own === undefined ? inner : [own, ...inner];
}

describe.each(readdirSync(functions))('handler of %s', (stem) => {
  const text = readFileSync(new URL(`${stem}/handler.ts`, functions), 'utf8');

  it('contains no branches, loops or try', () => {
    expect(decisionsIn(ts.createSourceFile('handler.ts', text, ts.ScriptTarget.Latest))).toEqual([]);
  });

  it(`has at most ${MAX_LINES} lines of code besides imports and settings`, () => {
    const wiring = text.replace(/^const env = readEnvironment\(\{.*?\}\);$/ms, '');
    const lines = wiring.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('import '));
    expect(lines.length).toBeLessThanOrEqual(MAX_LINES);
  });
});
