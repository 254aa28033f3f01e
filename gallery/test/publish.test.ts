import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DescribeChangeSetCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateInvalidationCommand } from '@aws-sdk/client-cloudfront';
import {
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { namedStack } from '../../scripts/stack/stack.ts';
import { at, readTemplate } from '../../scripts/template/template.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import type { Step } from '../../scripts/terminal/progress.ts';
import { mockClient } from '../../test/support/mock-client.ts';
import { parametersCommand, sharedNames } from '../deploy/parameters.ts';
import { prepareRelease } from '../deploy/prepare-release.ts';
import { publishCommand } from '../deploy/publish.ts';
import { carryOut, planPublication } from '../deploy/publish-gallery.ts';
import { publishPage } from '../deploy/publish-page.ts';
import { addPersonCommand, describePlan } from '../deploy/publish-report.ts';
import { rotateKeyCommand } from '../deploy/rotate-key.ts';
import { inMemoryKeys } from './support/in-memory-keys.ts';

const gallery = readTemplate('gallery/template.yaml');
const pipeline = readTemplate('template.yaml');
const distribution = 'arn:aws:cloudfront::111122223333:distribution/E1ABC';
const outputsOf: Readonly<Record<string, string>> = {
  ...{ PageAddress: 'https://d1.cloudfront.net/', PageBucketName: 'page', DistributionArn: distribution },
  ...{ PageClientId: 'client', UserPoolId: 'pool', ApiId: 'api' },
  ...{ CookieKeySecretName: 'secret', CookieKeyGroupName: 'gallery-dev-eu-west-1' },
  SignInAddress: 'https://sign-in.example',
};
const quietly: Step = (_, work) => work(() => undefined);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gallery-publish-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What the account has: parameters by stack, and the bucket of the page. */
let parameters: Record<'gallery-dev' | 'pipeline-dev', Record<string, string>>;
let bucket: Map<string, PutObjectCommandInput>;
let keys: ReturnType<typeof inMemoryKeys>;
/** Of both stacks. */
let status: string;
/** What has been changed, in order. */
let done: string[];
/** The next of these changes fails once. */
let failing: string | undefined;

const s3 = mockClient(S3Client);
const cloudFormation = mockClient(CloudFormationClient);
beforeEach(() => {
  const names = (source: typeof gallery) =>
    Object.entries(source.Parameters).map(([name, { Default }]) => [name, Default]);
  parameters = {
    'gallery-dev': { ...Object.fromEntries(names(gallery)), RenditionBucketName: 'renditions' },
    'pipeline-dev': Object.fromEntries(names(pipeline)),
  };
  [bucket, done, failing, status] = [new Map(), [], undefined, 'UPDATE_COMPLETE'];
  keys = inMemoryKeys();
  const change = (what: string) => {
    if (failing !== undefined && what.startsWith(failing)) {
      failing = undefined;
      throw new Error(`${what} fails`);
    }
    done.push(what);
  };
  const isStack = (name: unknown): name is keyof typeof parameters => typeof name === 'string' && name in parameters;
  cloudFormation.reset();
  cloudFormation.on(DescribeStacksCommand).callsFake(({ StackName }) => {
    if (!isStack(StackName)) throw new Error(`Stack with id ${StackName} does not exist`);
    const pairs = Object.entries(parameters[StackName]);
    return {
      Stacks: [
        {
          ...{ StackName, StackStatus: status },
          Parameters: pairs.map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue })),
          Outputs:
            StackName === 'gallery-dev'
              ? Object.entries(outputsOf).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue }))
              : [],
        },
      ],
    };
  });
  cloudFormation.on(DescribeStackResourcesCommand).callsFake(({ PhysicalResourceId }) => {
    if (PhysicalResourceId === 'renditions') return { StackResources: [{ StackName: 'pipeline-dev' }] };
    throw Object.assign(new Error(`Stack for ${PhysicalResourceId} does not exist`), { name: 'ValidationError' });
  });
  cloudFormation.on(CreateChangeSetCommand).callsFake(({ StackName, Parameters }) => {
    const changed = Parameters.filter(({ UsePreviousValue }: { UsePreviousValue?: true }) => UsePreviousValue !== true);
    for (const { ParameterKey, ParameterValue } of changed) {
      change(`${StackName} ${ParameterKey}=${ParameterValue}`);
      if (isStack(StackName)) parameters[StackName][ParameterKey] = ParameterValue;
    }
    return {};
  });
  cloudFormation.on(DescribeChangeSetCommand).resolves({ Status: 'CREATE_COMPLETE' });
  cloudFormation.on(ExecuteChangeSetCommand).resolves({});
  s3.reset();
  s3.on(GetObjectCommand).callsFake(({ Key }) => {
    const found = bucket.get(Key);
    if (found === undefined) throw new NoSuchKey({ message: 'none', $metadata: {} });
    return { Body: { transformToString: async () => String(found.Body) } };
  });
  s3.on(PutObjectCommand).callsFake((input: PutObjectCommandInput) => {
    change(`put ${input.Key}`);
    bucket.set(String(input.Key), input);
    return {};
  });
  keys.cloudFront.on(CreateInvalidationCommand).callsFake(({ DistributionId, InvalidationBatch }) => {
    change(`invalidate ${DistributionId} ${InvalidationBatch.Paths.Items.join(' ')}`);
    return { Invalidation: { Id: 'I1' } };
  });
});

const open = (name: string) => namedStack({ name, emulated: false, clientConfig: { region: 'eu-west-1' } });
const planned = (name = 'gallery-dev') => planPublication(name, { open, s3: new S3Client({}), ...keys.store }, folder);
async function publishAll(): Promise<readonly string[]> {
  done = [];
  await carryOut(await planned(), quietly);
  return done.map((what) => what.replace(/-[A-Z0-9]{8}\./, '-HASH.'));
}

describe('publishing', () => {
  it('finishes a new deployment: the key, both stacks, and last the page, of which the document comes last', async () => {
    expect(await publishAll()).toEqual([
      'gallery-dev CookieKeyGroupId=group',
      'pipeline-dev AnnounceDescriptions=true',
      `pipeline-dev RenditionReaderDistributionArn=${distribution}`,
      'pipeline-dev UploadPageOrigin=https://d1.cloudfront.net',
      ...['page-HASH.js', 'page-HASH.css', 'icon.svg', 'config.json', 'index.html'].map((name) => `put ${name}`),
      'invalidate E1ABC /icon.svg /config.json / /index.html',
      'put published.json',
    ]);
    expect(keys.accepted()).toEqual([keys.signsWith()]);
    const names = [...keys.publicKeys.values()].map(({ Name }) => Name);
    expect(names).toEqual([expect.stringMatching(/^gallery-dev-eu-west-1-cookies-\d+$/)]);
  });

  it.each([
    ['update', /did not change CookieKeyGroupId of gallery-dev.*describe-stack-events --stack-name gallery-dev/],
    ['change set', /did not change CookieKeyGroupId of gallery-dev.*describe-change-set --stack-name gallery-dev/],
  ])('says where the reason is if CloudFormation fails with the %s, and publishes no page', async (what, message) => {
    if (what === 'update') status = 'UPDATE_ROLLBACK_COMPLETE';
    else cloudFormation.on(DescribeChangeSetCommand).resolves({ Status: 'FAILED' });
    await expect(publishAll()).rejects.toThrow(message);
    expect(bucket.size).toBe(0);
  });

  it('does nothing the second time, and says so before', async () => {
    await publishAll();
    expect(describePlan((await planned()).plan)).toEqual([
      'Key for cookies: is there',
      'Renditions: are served',
      'pipeline-dev: is connected',
      'Page: is published',
    ]);
    expect(await publishAll()).toEqual([]);
  });

  it('uploads and invalidates only what has changed', async () => {
    await publishAll();
    const published = JSON.parse(String(bucket.get('published.json')?.Body));
    bucket.set('published.json', {
      ...{ Bucket: '', Key: '' },
      Body: JSON.stringify({ ...published, 'icon.svg': 'old' }),
    });
    expect(await publishAll()).toEqual(['put icon.svg', 'invalidate E1ABC /icon.svg', 'put published.json']);
  });

  it.each([
    ['gallery-dev CookieKeyGroupId', 'the stack of the gallery'],
    ['pipeline-dev', 'the stack of the pipeline'],
    ['put page', 'an upload'],
    ['put index.html', 'the upload of the document'],
    ['invalidate', 'the invalidation'],
    ['put published.json', 'the record'],
  ])('goes on after an error in %s, %s, and invalidates what it has uploaded', async (what) => {
    failing = what;
    await expect(publishAll()).rejects.toThrow('fails');
    const again = await publishAll();
    expect(again.at(-1)).toBe('put published.json');
    expect(again).toContain('invalidate E1ABC /icon.svg /config.json / /index.html');
    expect(parameters['gallery-dev']['CookieKeyGroupId']).toBe('group');
    expect(parameters['pipeline-dev']['UploadPageOrigin']).toBe('https://d1.cloudfront.net');
    expect([...keys.publicKeys.keys()]).toHaveLength(1);
  });

  it('lets caches keep forever what has a hash in its name, and browsers ask each time for the rest', async () => {
    await publishAll();
    bucket.delete('published.json');
    expect(bucket.size).toBe(5);
    for (const [name, { CacheControl, ContentType }] of bucket) {
      const hashed = /-[A-Z0-9]{8}\.(js|css)$/.test(name);
      expect([name, CacheControl]).toEqual([
        name,
        hashed ? 'public, max-age=31536000, immutable' : 'public, max-age=0, s-maxage=31536000, must-revalidate',
      ]);
      expect(ContentType).toMatch(/^(text\/(html|css|javascript); charset=utf-8|image\/svg\+xml|application\/json)$/);
    }
  });
});

it('a release publishes the page that was built with it, makes no key and changes no stack', async () => {
  const artifact = await mkdtemp(join(tmpdir(), 'gallery-release-'));
  onTestFinished(() => rm(artifact, { recursive: true }));
  await prepareRelease(artifact);
  await publishPage('gallery-dev', artifact);
  expect(done.map((what) => what.replace(/-[A-Z0-9]{8}\./, '-HASH.'))).toEqual([
    ...['page-HASH.js', 'page-HASH.css', 'icon.svg', 'config.json', 'index.html'].map((name) => `put ${name}`),
    'invalidate E1ABC /icon.svg /config.json / /index.html',
    'put published.json',
  ]);
  expect(keys.publicKeys.size).toBe(0);
  expect(existsSync(join(artifact, 'after-release.mjs'))).toBe(true);

  done = [];
  await publishPage('gallery-dev', artifact);
  expect(done).toEqual([]);
});

describe('it is refused, before anything changes,', () => {
  const refused = async (message: RegExp, name?: string) => {
    await expect(planned(name)).rejects.toThrow(message);
    expect([done, keys.publicKeys.size]).toEqual([[], 0]);
  };

  it('if another distribution reads the renditions', async () => {
    parameters['pipeline-dev']['RenditionReaderDistributionArn'] = 'arn:aws:cloudfront::111122223333:distribution/E9';
    await refused(/distribution\/E9, which is not gallery-dev.*serving\.md/);
  });

  it('if the pipeline’s stack is older than these parameters', async () => {
    delete parameters['pipeline-dev']['UploadPageOrigin'];
    await refused(/no parameter UploadPageOrigin: deploy the pipeline’s current template/);
  });

  it('if no stack here has the rendition bucket', async () => {
    parameters['gallery-dev']['RenditionBucketName'] = 'elsewhere';
    await refused(/No stack in this account and region has the bucket elsewhere/);
  });

  it('if the stack is not a gallery', async () => {
    await refused(/pipeline-dev has no output PageAddress.*check --stack/, 'pipeline-dev');
  });

  it('if there is no such stack', async () => {
    await refused(/There is no stack gallery-prod: check --stack/, 'gallery-prod');
  });
});

it('every output that the commands read is one of the template, and every parameter that they print, too', () => {
  const { SignInAddress, PageAddress, ...others } = outputsOf;
  expect(Object.keys(gallery.Outputs)).toEqual(
    expect.arrayContaining(Object.keys({ SignInAddress, PageAddress, ...others })),
  );
  expect(Object.keys(gallery.Parameters)).toEqual(expect.arrayContaining([...sharedNames]));
  expect(Object.keys(pipeline.Outputs)).toEqual(expect.arrayContaining([...sharedNames]));
});

it('README.md adds a person with the command that publish prints, and with an address to recover a password with', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8').replaceAll(/ \\\n\s+/g, ' ');
  expect(readme).toContain(addPersonCommand('…', 'person@example.com'));
  expect(addPersonCommand('pool', 'ann@example.com')).toContain(
    'Name=email,Value=ann@example.com Name=email_verified,Value=true',
  );
  const pool = gallery.Resources['UserPool']?.Properties ?? {};
  expect(pool['UsernameAttributes']).toEqual(['email']);
  expect(at(pool, 'AccountRecoverySetting', 'RecoveryMechanisms', 0, 'Name')).toBe('verified_email');
});

it('the commands need a stack', () => {
  const options = ['--stack', 'x', '--dry-run', '--json', '--yes'];
  for (const command of [publishCommand, rotateKeyCommand]) {
    expect(parsedOptions(command, options)).toMatchObject({ stack: 'x', dryRun: true, json: true, yes: true });
    expect(() => parsedOptions(command, [])).toThrow('--stack');
  }
  expect(() => parsedOptions(parametersCommand, [])).toThrow('--pipeline');
});
