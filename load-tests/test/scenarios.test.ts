import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { stackOf } from '../../scripts/stack/stack.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { loadCommand } from '../load.ts';
import { uncheckedOf } from '../runner/artillery.ts';
import { estimatedCost } from '../runner/cost.ts';
import { shownRemoval } from '../runner/run.ts';
import { checkBounds, mostChanges, placesOf, readScenario, scenarioNames, thresholdsOf } from '../runner/scenario.ts';
import { removeUploads } from '../runner/stack-under-load.ts';
import { guardTarget, stackEnvironment, target } from '../runner/target.ts';
import { outputs } from './outputs.ts';
import { twoDigitsUp } from './round-up-threshold.ts';

const names = await scenarioNames();
const places = new Map(await Promise.all(names.map(async (name) => [name, await placesOf(name)] as const)));
const load = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const changes = (count: number, kind: 'upload' | 'delete') => Array.from({ length: count }, () => ({ kind }));
const lines = (name: string) => readFileSync(new URL(`../scenarios/${name}.yml`, import.meta.url), 'utf8').split('\n');

it('all scenarios run on the emulator, and all but that of the gallery in an account', () => {
  expect([...places].flatMap(([name, there]) => (there.includes('account') ? [] : [name]))).toEqual(['gallery']);
});

it('there is one file for each scenario', () => {
  expect(names).toEqual(['gallery', 'poison', 'ramp', 'smoke', 'soak', 'spike', 'storm']);
});

describe.each(names)('scenario %s', (name) => {
  const there = places.get(name) ?? [];

  it.each(there)('is valid and within bounds on the %s', async (where) => {
    const scenario = await readScenario(name, where, 1);
    const twice = 1 + scenario.mix.twicePercent / 100;
    expect(() => checkBounds(scenario, scenario.users * twice)).not.toThrow();
    expect(scenario.users).toBe(scenario.phases.reduce((sum, { arrivalCount }) => sum + arrivalCount, 0));
  });

  it('takes at most six minutes on the emulator', async () => {
    const { seconds, drainSeconds } = await readScenario(name, 'emulator', 1);
    expect(seconds + drainSeconds).toBeLessThanOrEqual(6 * 60);
  });

  it('has thresholds for each place, each block with its reason', () => {
    const text = lines(name);
    const blocks = text.flatMap((line, index) => (/^ +(thresholds|conditions):$/.test(line) ? [text[index + 1]] : []));
    expect(blocks).toHaveLength(2 * there.length);
    for (const first of blocks) expect(first).toMatch(/^ +# \S/);
  });

  it.each(there)('has a threshold for every wait of a user on the %s', async (where) => {
    const held = (await thresholdsOf(name, where)).map(([metric]) => metric);
    const { mix } = await readScenario(name, where, 1);
    expect(held).toEqual(
      expect.arrayContaining([
        'upload.put.ms.p95',
        // With twenty images the p99 is the slowest one. With shared keys, hardly any user's own image becomes ready.
        ...(name === 'storm' ? [] : ['ready.all.ms.p50', 'ready.all.ms.p95']),
        ...(name === 'storm' || name === 'smoke' ? [] : ['ready.all.ms.p99']),
        ...(mix.corruptPercent > 0 ? ['rejected.ms.p95'] : []),
        ...(mix.deletePercent > 0 ? ['deleted.ms.p95'] : []),
        ...(mix.deletePercent > 0 || mix.twicePercent > 0 ? ['superseded.ms.p95'] : []),
      ]),
    );
  });

  it('on the emulator has thresholds at twice the measurements in load-tests/README.md', async () => {
    const comment = lines(name)
      .map((line) => line.trim().replace(/^# /, ''))
      .join(' ');
    const measured = /Twice what was measured \((.*?); load-tests\/README\.md\)/.exec(comment)?.[1]?.split(', ') ?? [];
    const millis = measured.map((figure) => Number.parseFloat(figure) * (figure.endsWith(' ms') ? 1 : 1000));
    const limits = (await thresholdsOf(name, 'emulator')).map(([, limit]) => limit);
    expect(limits).toEqual(millis.map((each) => twoDigitsUp(2 * each)));
    const row = load.split('\n').find((line) => line.startsWith(`| \`${name}\` |`) && line.includes(' · '));
    for (const figure of measured) expect(row).toContain(figure);
  });

  it.each(there)('has no threshold longer than the run itself on the %s', async (where) => {
    // The last user waits no longer than that.
    const { drainSeconds } = await readScenario(name, where, 1);
    for (const [metric, millis] of await thresholdsOf(name, where)) {
      expect(millis / 1000, metric).toBeLessThan(drainSeconds);
    }
  });

  it.each(there)('fails unless Artillery checked every threshold on the %s', async (where) => {
    const scenario = await readScenario(name, where, 1);
    const block =
      lines(name)
        .join('\n')
        .split(/^ {4}account:$/m)[where === 'emulator' ? 0 : 1] ?? '';
    expect(scenario.checks).toBe(block.match(/^ {10}- (\S+\.ms\.\w+|expression): /gm)?.length);
    expect(uncheckedOf(scenario.checks, scenario, 'log')).toBeUndefined();
    expect(uncheckedOf(scenario.checks - 1, scenario, 'log')).toMatch(/has checked \d+ of the \d+ /);
  });

  it('fails if anything is lost, in each place', () => {
    const promise = '- expression: changes.sent == changes.decided + changes.deadLettered';
    expect(lines(name).filter((line) => line.trim() === promise)).toHaveLength(there.length);
  });
});

it.each(['emulator', 'account'] as const)(
  'the spike on the %s is fifty times the baseline, which returns after the queue has drained',
  async (where) => {
    const { phases } = await readScenario('spike', where, 1);
    const [before, spike, draining, after] = phases;
    const rates = phases.map(({ arrivalCount, duration }) => arrivalCount / duration);
    expect(rates).toEqual([rates[0], expect.closeTo((rates[0] ?? 0) * 50, 6), rates[0], rates[0]]);
    expect([after?.duration, after?.arrivalCount]).toEqual([before?.duration, before?.arrivalCount]);
    // The last image of the spike is ready within the threshold of the p99 at most.
    const slowest = (await thresholdsOf('spike', where)).find(([metric]) => metric === 'ready.all.ms.p99');
    expect((draining?.duration ?? 0) * 1000).toBeGreaterThan(slowest?.[1] ?? Number.POSITIVE_INFINITY);
    expect(spike?.duration).toBeLessThan(draining?.duration ?? 0);
  },
);

it.each(['emulator', 'account'] as const)(
  'poison on the %s has a median threshold no higher than the soak test, at the same rate and with the same images',
  async (where) => {
    const [poison, soak] = await Promise.all([readScenario('poison', where, 1), readScenario('soak', where, 1)]);
    expect(poison.users / poison.seconds).toBe(soak.users / soak.seconds);
    expect(poison.mix.sizes).toEqual(soak.mix.sizes);
    const half = async (name: string) =>
      (await thresholdsOf(name, where)).find(([metric]) => metric === 'ready.all.ms.p50')?.[1];
    expect(await half('poison')).toBeLessThanOrEqual((await half('soak')) ?? 0);
  },
);

it('the scenario of the gallery is refused in an account, where no one can sign in without a password', async () => {
  await expect(readScenario('gallery', 'account', 1)).rejects.toThrow('gallery runs on the emulator only');
});

it('the scale multiplies the number of users, not the duration', async () => {
  const [once, thrice] = await Promise.all([readScenario('ramp', 'emulator', 1), readScenario('ramp', 'emulator', 3)]);
  expect(thrice.users).toBe(once.users * 3);
  expect(thrice.seconds).toBe(once.seconds);
});

it('no scale exceeds the limit, and a run within it costs less than five dollars', async () => {
  const scenario = await readScenario('soak', 'account', 1);
  expect(() => checkBounds(scenario, mostChanges + 1)).toThrow(/the limit is/);
  expect(estimatedCost(changes(mostChanges, 'upload'))).toBeLessThan(5);
  expect(estimatedCost(changes(1, 'upload'))).toBeGreaterThan(0);
});

it('a deletion costs less than an upload', () => {
  const dollars = (kind: 'upload' | 'delete') => estimatedCost(changes(mostChanges, kind));
  expect(dollars('delete')).toBeLessThan(dollars('upload'));
});

it('no run takes longer than two hours, including the time to drain', async () => {
  const scenario = await readScenario('soak', 'account', 1);
  expect(() => checkBounds({ ...scenario, drainSeconds: 7200 }, 1)).toThrow(/the limit is/);
});

it('the error for an unknown scenario lists those that exist', async () => {
  await expect(readScenario('tsunami', 'emulator', 1)).rejects.toThrow(/smoke/);
});

describe('a run', () => {
  const emulator = { kind: 'emulator', endpoint: 'https://127.0.0.1:4566' } as const;
  const stack = { kind: 'stack', stack: 'images-dev', region: 'eu-west-1', account: '1' } as const;

  it('goes to the emulator that the environment names', () => {
    expect(() => guardTarget(emulator, { AWS_ENDPOINT_URL: emulator.endpoint })).not.toThrow();
  });

  it('for the emulator does not go to AWS if there is no endpoint', () => {
    expect(() => guardTarget(emulator, {})).toThrow(/would go to AWS/);
  });

  it.each(['https://127.0.0.1:9999', 'https://s3.eu-west-1.amazonaws.com', 'https://example.com'])(
    'for the emulator does not go to %s',
    (endpoint) => {
      expect(() => guardTarget(emulator, { AWS_ENDPOINT_URL: endpoint })).toThrow(/somewhere other than/);
      expect(() =>
        guardTarget(emulator, { AWS_ENDPOINT_URL: emulator.endpoint, AWS_ENDPOINT_URL_S3: endpoint }),
      ).toThrow(/AWS_ENDPOINT_URL_S3/);
    },
  );

  it.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL_DYNAMODB'])(
    'for a stack is not redirected by %s',
    (variable) => {
      expect(() => guardTarget(stack, { ...stackEnvironment, [variable]: 'https://example.com' })).toThrow(variable);
      expect(() => guardTarget(stack, stackEnvironment)).not.toThrow();
    },
  );

  it('for a stack is not redirected by an endpoint in the user’s AWS configuration', async () => {
    expect(() => guardTarget(stack, {})).toThrow(/AWS_IGNORE_CONFIGURED_ENDPOINT_URLS/);
    const directory = mkdtempSync(join(tmpdir(), 'load-'));
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(directory, { recursive: true });
    });
    vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'config'));
    writeFileSync(join(directory, 'config'), '[default]\nendpoint_url = https://elsewhere.example\n');
    expect(await hostAsked()).toBe('elsewhere.example');
    for (const [name, value] of Object.entries(stackEnvironment)) vi.stubEnv(name, value);
    expect(await hostAsked()).toBe('sqs.eu-west-1.amazonaws.com');
  });

  it.each(['http://127.0.0.1:4566', 'https://example.com', 'https://127.0.0.1.example.com:4566'])(
    'accepts no emulator at %s',
    (endpoint) => {
      expect(target.safeParse({ kind: 'emulator', endpoint }).success).toBe(false);
    },
  );
});

/** The host that an SDK client of a run would call; nothing leaves this process. */
async function hostAsked(): Promise<string | undefined> {
  let host: string | undefined;
  const client = new SQSClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
    requestHandler: {
      handle: ({ hostname }: { readonly hostname: string }) => {
        host = hostname;
        return Promise.reject(new Error('Asked enough.'));
      },
    },
  });
  await expect(client.send(new ListQueuesCommand())).rejects.toThrow('Asked enough.');
  return host;
}

describe('the clean-up', () => {
  const bucket = mockClient(S3Client);
  // Test files share one process, and a mock replaces a method of the SDK's class.
  afterAll(() => bucket.restore());
  const stack = stackOf({ name: 'images-dev', emulated: false, outputs, clientConfig: { region: 'eu-west-1' } });
  const remove = async () => {
    const removal = await removeUploads(stack, 'load/run/');
    return { ...removal, shown: shownRemoval(removal, 'uploads', 'load/run/') };
  };
  const Versions = [{ Key: 'load/run/1.jpg', VersionId: 'one' }];
  beforeEach(() => {
    bucket.reset();
    bucket.on(DeleteObjectsCommand).resolves({});
  });

  it('ends when nothing is listed', async () => {
    bucket.on(ListObjectVersionsCommand).resolvesOnce({ Versions }).resolvesOnce({ Versions }).resolves({});
    expect(await remove()).toEqual({ removed: 2, left: 0, shown: '2 versions removed' });
  });

  it('gives up on objects that reappear, and says what is left', async () => {
    bucket.on(ListObjectVersionsCommand).resolves({ Versions });
    expect(await remove()).toEqual({
      removed: 50,
      left: 1,
      shown: '50 versions removed; at least 1 remain in s3://uploads/load/run/. Remove them by hand',
    });
  });
});

describe('npm run load', () => {
  it('runs one scenario, on the emulator unless a stack is given', () => {
    expect(parsedOptions(loadCommand, ['smoke'])).toEqual({ arguments: ['smoke'], seed: 1, scale: 1 });
    expect(parsedOptions(loadCommand, ['ramp', '--stack', 'images-dev', '--scale', '0.5', '-y'])).toEqual({
      arguments: ['ramp'],
      ...{ stack: 'images-dev', seed: 1, scale: 0.5, yes: true },
    });
  });

  it('compares two results', () => {
    const { arguments: files } = parsedOptions(loadCommand, ['compare', '/one.json', '/two.json']);
    expect(files).toEqual(['/one.json', '/two.json']);
  });

  it.each([
    [[], "Missing required argument 'scenario'"],
    [['smok'], 'Did you mean smoke?'],
    [['smoke', 'ramp'], 'Too many arguments'],
    [['smoke', '--seed', '1.5'], 'Use a whole number of 0 or more.'],
    [['smoke', '--seed', '-1'], '--seed'],
    [['smoke', '--scale', '0'], 'Use a number above 0.'],
    [['smoke', '--scale', 'many'], 'Use a number above 0.'],
    [['smoke', '--stack', ''], 'Use a name.'],
    [['smoke', '--target', 'https://example.com'], "Unknown option '--target'"],
    [['compare', 'one.json'], "Missing required argument 'after'"],
  ])('refuses %j: %s', (args, sentence) => {
    expect(() => parsedOptions(loadCommand, args)).toThrow(sentence);
  });
});
