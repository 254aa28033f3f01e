/** Finds phrases in newly written text that a native speaker would put differently. It warns and never fails. */

interface Pattern {
  readonly found: RegExp;
  readonly better: string;
}

export interface Remark {
  readonly file: string;
  readonly line: number;
  readonly phrase: string;
  readonly better: string;
}

const patterns: readonly Pattern[] = [
  {
    found: /\b(nobody|somebody|anybody|everybody|whoever)\b/i,
    better: 'name the person: the uploader, the operator, no user',
  },
  { found: /\bof (its|their) own(?=[,.;:)]|$)/i, better: 'its own …, a separate …' },
  { found: /\bbeside\b/i, better: 'next to, alongside, in parallel with' },
  { found: /\b(anew|meanwhile)\b/i, better: 'again, in the meantime' },
  { found: /\bin work\b/i, better: 'in progress' },
  { found: /\bfor good\b/i, better: 'permanently' },
  { found: /\bwhat (becomes?|became|came) of\b/i, better: 'the result, the outcome' },
  { found: /\bwhat is left\b/i, better: 'the rest, what remains' },
  { found: /\ba (try|attempt|port|Lambda|second|million)(?=[,.;:)]|$)/i, better: 'per …' },
  { found: /\ba (preset|function|step|rendition|group) more\b/i, better: 'each additional …' },
  { found: /\b(is|are|was|were) hurt\b/i, better: 'is affected' },
  { found: /\bbears?\b/i, better: 'has, carries' },
  { found: /\b(speaks?|spoke) of\b/i, better: 'refers to, is about' },
  { found: /\bmend(s|ed|ing)?\b/i, better: 'fix, repair' },
  { found: /\b(dearer|as dear)\b/i, better: 'more expensive, costs … times as much' },
  { found: /\bbinds first\b/i, better: 'is the limit you reach first' },
  { found: /\brings?\b/i, better: 'fires (of an alarm)' },
  { found: /\btold of\b/i, better: 'announced, reported' },
  { found: /\bat the (most|least)\b/i, better: 'at most, at least' },
  { found: /\bgives? back\b/i, better: 'return, restore' },
  { found: /\bthe way of an? (image|upload)\b/i, better: 'the path of an image' },
];

/** @param diff the output of `git diff --unified=0`; only added lines are checked. */
export function remarksOn(diff: string): Remark[] {
  const remarks: Remark[] = [];
  let file = '';
  let line = 0;
  for (const text of diff.split('\n')) {
    const start = /^@@ -\S+ \+(\d+)/.exec(text)?.[1];
    if (text.startsWith('+++ ')) file = text.slice('+++ b/'.length);
    else if (start !== undefined) line = Number(start);
    else if (text.startsWith('+')) {
      remarks.push(...remarksOnLine(text.slice(1), file, line));
      line += 1;
    }
  }
  return remarks;
}

function remarksOnLine(text: string, file: string, line: number): Remark[] {
  return patterns.flatMap(({ found, better }) => {
    const phrase = found.exec(text)?.[0];
    return phrase === undefined ? [] : [{ file, line, phrase, better }];
  });
}
