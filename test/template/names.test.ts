import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  environmentPrefix,
  eventSource,
  metricNamespace,
  probePrefix,
  projectName,
  projectTitle,
  releaseCheckPrefix,
  verifyPrefix,
} from '../../core/names.ts';

/** Files that cannot import core/names.ts repeat its names. `npm run rename` changes all of them. */

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const found = (file: string, pattern: RegExp) => [
  ...new Set([...read(file).matchAll(pattern)].map(([, name]) => name)),
];

const withoutComments = (text: string) => text.split('\n').filter((line) => !/^\s*(\/?\*|\/\/|#)/.test(line));

// bootstrap.mjs runs before any package is installed, on a Node.js that may not understand TypeScript. The rename command shows
// examples, and a fork may take one of them as its name.
const exceptions = ['core/names.ts', 'scripts/bootstrap.mjs', 'scripts/rename/', 'test/scripts/rename.test.ts'];

describe('core/names.ts', () => {
  it('is the only code that contains the project’s name', () => {
    const code = globSync('{adapters,core,functions,lab,load-tests,scripts,test}/**/*.{ts,mjs,py,sh}', {
      cwd: new URL('../../', import.meta.url),
      exclude: (path) => basename(path) === 'node_modules',
    }).filter((file) => !exceptions.some((exception) => file.startsWith(exception)));
    const spelled = new RegExp(
      [projectName, projectTitle, environmentPrefix, eventSource]
        .map((name) => `(?<![a-z\\d])${name.replaceAll('.', '\\.')}(?![a-z\\d])`)
        .join('|'),
      'i',
    );
    expect(code.length).toBeGreaterThan(100);
    const lines = code.flatMap((file) => withoutComments(read(file)).map((line) => `${file}: ${line}`));
    expect(lines.filter((line) => spelled.test(line))).toEqual([]);
  });

  it('defines prefixes that start with the project’s name', () => {
    expect([probePrefix, releaseCheckPrefix, verifyPrefix]).toEqual([
      `${projectName}-probe/`,
      `${projectName}-release/`,
      `${projectName}-verify/`,
    ]);
  });
});

describe('template.yaml', () => {
  it('uses the metric namespace in alarms and on the dashboard', () => {
    const alarms = found('template.yaml', /\bNamespace: ([\w/]+)/g).filter((name) => name?.startsWith('AWS/') !== true);
    const dashboard = found('template.yaml', /\["([^"]+)", "\w+", "service"/g);
    expect(alarms).toEqual([metricNamespace]);
    expect(dashboard).toEqual([metricNamespace]);
  });

  it.each([
    [
      'expires the objects of the probe, of release checks and of verifications',
      /\bPrefix: (\S+-(?:probe|release|verify)\/)/g,
      [probePrefix, releaseCheckPrefix, verifyPrefix],
    ],
    [
      'permits the probe and release checks their own objects only',
      /\$\{UploadBucket\.Arn\}\/([\w-]+\/)\*/g,
      [probePrefix, releaseCheckPrefix],
    ],
  ])('%s', (_, pattern, prefixes) => {
    expect(found('template.yaml', pattern)).toEqual(prefixes);
  });

  it('has the title and the event source in its descriptions', () => {
    expect(found('template.yaml', /^Description: >-\n {2}([^:]+):/gm)).toEqual([projectTitle]);
    expect(found('template.yaml', /ImageFailed, source (\S+)\.$/gm)).toEqual([eventSource]);
  });
});

it('the workflow publishes events with the event source', () => {
  expect(found('statemachine/image-pipeline.asl.json', /"Source": "([^"]+)"/g)).toEqual([eventSource]);
});

describe('samconfig.toml', () => {
  it('names a stack for each stage', () => {
    const stacks = ['dev', 'prod', 'local'].map((stage) => `${projectName}-${stage}`);
    expect(found('samconfig.toml', /^stack_name = "(.+)"$/gm)).toEqual(stacks);
  });

  it('tags every stack with the project', () => {
    expect(found('samconfig.toml', /^tags = "project=(\S+)/gm)).toEqual([projectName]);
  });

  it('has stack names short enough for the names of their resources', () => {
    for (const name of found('samconfig.toml', /^stack_name = "(.+)"$/gm)) expect(name?.length).toBeLessThanOrEqual(25);
  });
});

describe('governance/', () => {
  it('covers resources with the project’s tag', () => {
    expect(found('governance/config-rules.yaml', /TagKey: project, TagValue: (\S+) }/g)).toEqual([projectName]);
    expect(found('governance/service-control-policy.yaml', /ResourceTag\/project: (\S+) }/g)).toEqual([projectName]);
    expect(found('governance/budget.yaml', /Default: ([a-z].*)/g)).toContain(projectName);
    expect(found('governance/cost-anomaly.yaml', /Default: ([a-z].*)/g)).toContain(projectName);
  });

  it('covers the names of the stacks’ resources', () => {
    const protectedNames = found('governance/service-control-policy.yaml', /- arn:\S+[:/]([\w-]+)-\*$/gm);
    expect(protectedNames).toEqual([projectName]);
  });
});

it.each(['.gitignore', 'biome.json', 'tsconfig.json', 'scripts/bootstrap.mjs', '.github/workflows/ci.yml'])(
  '%s names the work directory',
  (file) => {
    expect(read(file)).toMatch(new RegExp(`(?<![\\w.])\\.${projectName}\\b`));
  },
);

it('package.json and its lock file have the project’s name', () => {
  const named = z.object({ name: z.string() });
  for (const file of ['package.json', 'package-lock.json'])
    expect(named.parse(JSON.parse(read(file))).name).toBe(projectName);
});
