import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CloudFormationClient, DeleteStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { projectName } from '../../core/names.ts';
import { runAfterRelease } from '../../scripts/release/after-release.ts';
import { openArtifact, packArtifact, parametersFor, stackFor } from '../../scripts/release/artifact.ts';
import { lastResult } from '../../scripts/release/change-set.ts';
import { definitionsIn } from '../../scripts/release/definitions.ts';
import { disposable } from '../../scripts/release/disposable.ts';
import { priceComment } from '../../scripts/release/price-comment.ts';
import { isUnneeded, pullRequestOf, removeStack } from '../../scripts/release/pull-request-stacks.ts';
import {
  assertNotReleasedSince,
  assertReviewed,
  assertSameArtifact,
  readReceipt,
  writeReceipt,
} from '../../scripts/release/receipt.ts';
import { at, parseTemplate } from '../../scripts/template/template.ts';
import { mockClient } from '../support/mock-client.ts';

const now = new Date('2026-11-29T12:00:00Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000);

describe('prod', () => {
  const receipt = { stack: 'dev', artifact: 'a'.repeat(64), commit: '1234567', releasedAt: now.toISOString() };

  it('takes the artifact that dev runs', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'receipt-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    await writeReceipt(directory, receipt);
    expect(() => assertSameArtifact(receipt, receipt.artifact)).not.toThrow();
    expect(await readReceipt(join(directory, 'receipt-dev.json'))).toEqual(receipt);
  });

  it('refuses an artifact that dev does not run', () => {
    expect(() => assertSameArtifact(receipt, 'b'.repeat(64))).toThrow(
      'dev runs another artifact (aaaaaaaaaaaa) than this one (bbbbbbbbbbbb): release this artifact to dev and verify it there first.',
    );
  });

  it('refuses what was verified while something else was released to dev', () => {
    expect(() => assertNotReleasedSince(receipt, receipt.releasedAt)).not.toThrow();
    expect(() => assertNotReleasedSince(receipt, '2026-11-29T12:30:00.000Z')).toThrow(
      'dev was released again at 2026-11-29T12:30:00.000Z, after this artifact',
    );
  });

  it('refuses to go on without a receipt', async () => {
    await expect(readReceipt(join(tmpdir(), 'no-such-receipt.json'))).rejects.toThrow('give --after the receipt');
  });
});

describe('the artifact', () => {
  it('contains the packages of the layers, which SAM CLI only links, and opens to what was packed', async () => {
    const [directory, source] = [mkdtempSync(join(tmpdir(), 'artifact-')), mkdtempSync(join(tmpdir(), 'layer-'))];
    onTestFinished(() => {
      for (const each of [directory, source]) rmSync(each, { recursive: true });
    });
    writeFileSync(join(source, 'index.js'), 'sharp');
    mkdirSync(join(directory, 'build', 'SharpLayer'), { recursive: true });
    symlinkSync(source, join(directory, 'build', 'SharpLayer', 'node_modules'));
    writeFileSync(join(directory, 'samconfig.toml'), '');
    writeFileSync(join(directory, 'release.json'), '{"commit":"1234567"}');

    await packArtifact(directory);
    rmSync(join(source, 'index.js'));
    const { commit, template } = await openArtifact(directory);

    expect(commit).toBe('1234567');
    expect(readFileSync(join(template, '..', 'SharpLayer', 'node_modules', 'index.js'), 'utf8')).toBe('sharp');
  });
});

it('the artifact brings along each workflow and each description of an API that a template names', () => {
  const Include = (Location: string) => ({ 'Fn::Transform': { Name: 'AWS::Include', Parameters: { Location } } });
  const template = {
    Resources: {
      Flow: { Properties: { DefinitionUri: '../flow.asl.json' } },
      Plain: { Properties: { DefinitionS3Location: '../plain.asl.json' } },
      Api: { Properties: { DefinitionBody: Include('../api/openapi.yaml') } },
      Inline: { Properties: { DefinitionBody: { openapi: '3.0.3' } } },
      Policy: { Type: 'AWS::SQS::QueuePolicy' },
    },
  };
  const found = definitionsIn(template);
  expect(found.map(({ path }) => path)).toEqual(['../flow.asl.json', '../plain.asl.json', '../api/openapi.yaml']);
  for (const { path, rename } of found) rename(basename(path));
  expect(template.Resources.Api.Properties.DefinitionBody).toEqual(Include('openapi.yaml'));
  expect(template.Resources.Flow.Properties.DefinitionUri).toBe('flow.asl.json');
});

describe('what an application does after its release', () => {
  async function artifactWith(script: string | undefined) {
    const directory = mkdtempSync(join(tmpdir(), 'after-release-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    mkdirSync(join(directory, 'build'));
    for (const [file, content] of [
      ['samconfig.toml', ''],
      ['release.json', '{"commit":"1234567"}'],
    ] as const)
      writeFileSync(join(directory, file), content);
    if (script !== undefined) {
      mkdirSync(join(directory, 'after'));
      writeFileSync(join(directory, 'after', 'after-release.mjs'), script);
    }
    await packArtifact(directory);
    return { directory, artifact: await openArtifact(directory) };
  }

  it('is in the artifact, and gets the name of the stack', async () => {
    const { directory, artifact } = await artifactWith(
      "import { writeFileSync } from 'node:fs'; writeFileSync(new URL('called', import.meta.url), process.argv.slice(2).join(' '));",
    );
    await runAfterRelease(artifact, 'gallery-dev');
    expect(readFileSync(join(directory, 'unpacked', 'after', 'called'), 'utf8')).toBe('--stack gallery-dev');
  });

  it('is nothing, if it brings nothing along', async () => {
    const { artifact } = await artifactWith(undefined);
    expect(artifact.afterRelease).toBeUndefined();
    await expect(runAfterRelease(artifact, 'dev')).resolves.toBeUndefined();
  });

  it('fails the release with its reason, and what to do', async () => {
    const { artifact } = await artifactWith("console.error('no such bucket'); process.exitCode = 1;");
    await expect(runAfterRelease(artifact, 'gallery-dev')).rejects.toThrow(
      /gallery-dev is released, and what follows failed: no such bucket\nRun the release again from its start/,
    );
  });
});

it('a change set is run only with the artifact that it was made for', () => {
  const reviewed = { stack: 'prod', artifact: 'a'.repeat(64), commit: '1234567' };
  expect(() => assertReviewed(reviewed, reviewed.artifact)).not.toThrow();
  expect(() => assertReviewed(reviewed, 'b'.repeat(64))).toThrow(
    'The change set for prod is of another artifact (aaaaaaaaaaaa) than this one (bbbbbbbbbbbb): run changes again.',
  );
});

describe('the parameters of a stage', () => {
  const config =
    "[dev.global.parameters]\nstack_name = 'app-dev'\n[dev.deploy.parameters]\nparameter_overrides = 'Stage=dev KeepLocation=false'";

  it('come with the name of its stack, so no application is released to the stack of another', () => {
    expect(stackFor(config, 'dev')).toBe('app-dev');
    for (const [file, stacks] of Object.entries({ '.': 'dev prod', gallery: 'gallery-dev gallery-prod' })) {
      const path = join(file, 'samconfig.toml');
      if (!existsSync(path)) continue;
      const names = ['dev', 'prod'].map((stage) => stackFor(readFileSync(path, 'utf8'), stage));
      expect(names).toEqual(stacks.split(' ').map((name) => `${projectName}-${name}`));
    }
  });

  it('are those of samconfig.toml, and those of the command line win', () => {
    expect(parametersFor(config, 'dev', ['KeepLocation=true', 'OperatorRoleArn=arn:aws:iam::1:role/a=b'])).toEqual([
      'Stage=dev',
      'KeepLocation=true',
      'OperatorRoleArn=arn:aws:iam::1:role/a=b',
    ]);
  });

  it('are refused for an unknown stage or without a name', () => {
    expect(() => parametersFor(config, 'test', [])).toThrow('has no stage test');
    expect(() => parametersFor(config, 'dev', ['x'])).toThrow('write it as Name=value');
  });
});

it.each([
  ['{"type":"result","status":"changeset_created","changeset_id":"arn:x"}', 'arn:x'],
  ['warning in plain text\n{"type":"result","status":"no_changes","message":"none"}', undefined],
])('reads what sam deploy printed: %s', (output, changeSet) => {
  expect(lastResult(output)?.changeset_id).toBe(changeSet);
});

describe('the stack of a pull request', () => {
  const template = parseTemplate('template.yaml');

  it('keeps nothing when it is deleted', () => {
    const made = disposable(template);
    const kept = JSON.stringify(made).match(
      /"(DeletionPolicy|UpdateReplacePolicy)":"(?!Delete")[^"]*"|DeletionProtection/g,
    );
    expect(kept).toBeNull();
    expect(at(made, 'Resources', 'UploadBucket', 'DeletionPolicy')).toBe('Delete');
  });

  it('is the same as the released one otherwise', () => {
    const without = (value: unknown) =>
      JSON.parse(
        JSON.stringify(value, (name, inner) =>
          ['DeletionPolicy', 'UpdateReplacePolicy', 'DeletionProtectionEnabled'].includes(name) ? undefined : inner,
        ),
      );
    expect(without(disposable(template))).toEqual(without(template));
  });

  it.each([
    [`${projectName}-pr-12`, 12],
    [`${projectName}-prod`, undefined],
    [`${projectName}-dev`, undefined],
    [`${projectName}-pr-`, undefined],
    [`${projectName}-pr-12-more`, undefined],
    ['other-pr-12', undefined],
  ])('%s belongs to pull request %s', (name, number) => {
    expect(pullRequestOf(name)).toBe(number);
  });

  it.each([
    ['whose pull request is open', 1, 1, false],
    ['whose pull request is closed', 2, 1, true],
    ['to which nobody has pushed for three days', 1, 73, true],
  ])('%s: is it swept?', (_, number, hours, expected) => {
    const stack = { name: `${projectName}-pr-${number}`, changedAt: hoursAgo(hours) };
    expect(isUnneeded(stack, { open: [1], idleHours: 72, now })).toBe(expected);
  });

  it('is the only kind that is swept, however old another one is', () => {
    const stack = { name: `${projectName}-prod`, changedAt: hoursAgo(9999) };
    expect(isUnneeded(stack, { open: [], idleHours: 1, now })).toBe(false);
  });

  it('is the only kind that can be removed', async () => {
    const cloudFormation = mockClient(CloudFormationClient);
    const clients = { cloudFormation: new CloudFormationClient(), s3: new S3Client() };
    await expect(removeStack(clients, `${projectName}-prod`, () => undefined)).rejects.toThrow(
      'is not the stack of a pull request',
    );
    expect(cloudFormation.commandCalls(DeleteStackCommand)).toEqual([]);
    expect(cloudFormation.commandCalls(DescribeStacksCommand)).toEqual([]);
  });
});

describe('the comment on a pull request', () => {
  const readme = (dev: string) =>
    `# Title\n<!-- generated: prices -->\n\n| in us-east-1 | US$ |\n| - | -: |\n| a million | 65 |\n| stage \`dev\`, an idle month | ${dev} |\n\n<!-- end of generated: prices -->`;

  it('shows each price before and after, marks what changes, and says what the stack itself costs', () => {
    const comment = priceComment(readme('20'), readme('15'));
    expect(comment).toContain('| a million | 65 | 65 |');
    expect(comment).toContain('| stage `dev`, an idle month | 20 | **15** |');
    expect(comment).toContain('about $0.02 an hour');
  });

  it('reads the prices of the real README.md', () => {
    const own = readFileSync('README.md', 'utf8');
    expect(priceComment(own, own)).toMatch(/about \$0\.0\d an hour/);
  });
});
