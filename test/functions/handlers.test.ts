import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const MOST_LINES = 25;
const functions = new URL('../../functions/', import.meta.url);

/** A handler wires; what decides belongs in core, what translates in an adapter, where ports make it testable. */
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

describe.each(readdirSync(functions))('the handler of %s', (stem) => {
  const text = readFileSync(new URL(`${stem}/handler.ts`, functions), 'utf8');

  it('decides nothing', () => {
    expect(decisionsIn(ts.createSourceFile('handler.ts', text, ts.ScriptTarget.Latest))).toEqual([]);
  });

  it(`has at most ${MOST_LINES} lines of code beside its imports`, () => {
    const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('import '));
    expect(lines.length).toBeLessThanOrEqual(MOST_LINES);
  });
});
