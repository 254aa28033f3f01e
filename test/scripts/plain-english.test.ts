import { expect, it } from 'vitest';
import { remarksOn } from '../../scripts/check/plain-english.ts';

const diff = `diff --git a/docs/page.md b/docs/page.md
--- a/docs/page.md
+++ b/docs/page.md
@@ -3 +3,2 @@ Heading
-It rings when somebody is hurt.
+One log line a try, and nobody is hurt.
+One log line per attempt.
@@ -20,0 +22 @@ Heading
+The alarm fires.
`;

it('points out each phrase in added lines, with its location and an alternative', () => {
  expect(remarksOn(diff)).toEqual([
    { file: 'docs/page.md', line: 3, phrase: 'nobody', better: expect.any(String) },
    { file: 'docs/page.md', line: 3, phrase: 'a try', better: 'per …' },
    { file: 'docs/page.md', line: 3, phrase: 'is hurt', better: 'is affected' },
  ]);
});

it('ignores removed lines and plain English', () => {
  expect(remarksOn(diff).some(({ line }) => line > 3)).toBe(false);
});
