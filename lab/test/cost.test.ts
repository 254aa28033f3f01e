import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import type { RenditionGroup } from '../../core/presets.ts';
import { steps } from '../../core/steps.ts';
import { at, deployedTemplate, metricsOf, numberAt, templateFor } from '../../scripts/template/template.ts';
import { parse, parsedOptions } from '../../scripts/terminal/command.ts';
import { captureLog } from '../../test/support/captured-log.ts';
import { exampleGroups, examplePresets } from '../../test/support/example-presets.ts';
import { publishEverything, publishedMetrics } from '../../test/support/published-metrics.ts';
import { workflow } from '../../test/support/workflow.ts';
import { assumptions } from '../cost/assumptions.ts';
import { costCommand } from '../cost/cost.ts';
import { customMetrics, type Deployment, deploymentOf } from '../cost/deployment.ts';
import { estimateNotice } from '../cost/estimate.ts';
import { keptMeasurements, type Times } from '../cost/measured.ts';
import {
  billOf,
  costPerImage,
  cpuFactor,
  expiredVersion,
  mixes,
  oneByOne,
  probesCost,
  total,
  usageOf,
  waitSeconds,
  workerSeconds,
} from '../cost/model.ts';
import { settings } from '../cost/power-tuning.ts';
import { avifApart, naive, practices, sharesAvif } from '../cost/practices.ts';
import { freeTier, prices } from '../cost/prices.ts';
import { costBlocks, idleMonth, slowestReference } from '../cost/report.ts';
import { callsOn, invocationsOn, refuseUnknownTasks, statesOn, waysOf } from '../cost/workflow-path.ts';

const MILLION = 1_000_000;
const measured = keptMeasurements();
/** Uses the measured presets, even if core/presets.ts has changed. */
const prod = { ...deploymentOf('prod'), groups: measured.presets };
const dollars = (change: Partial<Deployment> = {}, mix: Parameters<typeof costPerImage>[0] = mixes.photographs) =>
  costPerImage(mix, { ...prod, ...change }, measured) * MILLION;

/** AVIF in the same group as the others, with presets that need not be measured. */
const oneGroup = { groups: [{ name: 'web', presets: examplePresets }] };

describe('the bill of a million images', () => {
  it('is under its limit for photographs with the measured presets', () => {
    expect(dollars(), 'A preset or step more costs more: raise the number on purpose.').toBeLessThan(60);
    expect(dollars({ referenceMillis: assumptions.referenceMillis[prod.architecture].likely })).toBe(dollars());
  });

  it('is higher if images arrive one by one, and lower if all workers are kept warm', () => {
    const oneAtATime = costPerImage(mixes.photographs, oneByOne(prod), measured) * MILLION;
    expect(oneAtATime).toBeGreaterThan(dollars() + prices.trace.usd * MILLION * 0.9);
    const { Lambda: warm } = billOf(usageOf(mixes.photographs, { ...prod, environments: 'kept warm' }, measured));
    const { Lambda: onDemand } = billOf(usageOf(mixes.photographs, prod, measured));
    expect(warm / onDemand).toBeGreaterThan(prices.warmArm64.usd / prices.lambdaArm64.usd);
    expect(warm / onDemand).toBeLessThan(0.7);
  });

  it('is at least four times as high for the naive design, and twice as high with naive rendering only', () => {
    expect(costPerImage(mixes.photographs, naive(prod), measured) * MILLION).toBeGreaterThan(4 * dollars());
    expect(dollars({ rendering: 'a decode each, default efforts' })).toBeGreaterThan(2 * dollars());
  });

  it('rises with each preset by one PUT and the CPU time of one rendition', () => {
    const more: RenditionGroup = {
      name: 'web',
      presets: [...examplePresets, { name: 'webp-960', format: 'webp', width: 960, quality: 80, effort: 2 }],
    };
    const grown = dollars({ groups: [more] }) - dollars(oneGroup);
    expect(grown).toBeGreaterThan(prices.s3Write.usd * MILLION);
    expect(grown).toBeLessThan(prices.s3Write.usd * MILLION * 1.8);
  });

  it('falls by the whole cost of a rendition group that is removed', () => {
    const groups = exampleGroups.slice(0, -1);
    const left = exampleGroups.at(-1);
    if (left === undefined) throw new Error('no rendition group');
    const { S3: all, Lambda: busy } = billOf(usageOf(mixes.photographs, { ...prod, groups: exampleGroups }, measured));
    const { S3: fewer, Lambda: idle } = billOf(usageOf(mixes.photographs, { ...prod, groups }, measured));
    expect(all - fewer).toBeCloseTo(left.presets.length * prices.s3Write.usd + prices.s3Read.usd, 10);
    expect(idle).toBeLessThan(busy);
  });

  it('includes fewer renditions for images that are too small for some presets', () => {
    const puts = (mix: Parameters<typeof costPerImage>[0] = mixes.web) =>
      usageOf(mix, prod, measured)
        .filter(({ what }) => what === 'renditions, PUT')
        .reduce((sum, { quantity }) => sum + quantity, 0);
    expect(puts(mixes.web)).toBeLessThan(puts(mixes.photographs));
    expect(puts(mixes.photographs)).toBeCloseTo(prod.groups.flatMap(({ presets }) => presets).length);
  });

  it('of a Standard workflow includes each state that an image passes', () => {
    const states = [...statesOn(waysOf.processed, prod.groups.length).values()].reduce((sum, times) => sum + times, 0);
    const bill = billOf(usageOf(mixes.photographs, { ...prod, workflow: 'STANDARD' }, measured));
    expect(bill['Step Functions']).toBeCloseTo(states * prices.standardTransition.usd, 10);
  });

  it('of a repeat includes no workflow, worker or PUT', () => {
    const bill = billOf(
      usageOf({ name: 'a repeat', images: [{ share: 1, image: { becomes: 'repeat' } }] }, prod, measured),
    );
    expect(bill).toMatchObject({ S3: 0, 'Step Functions': 0, KMS: 0 });
    expect(total(bill) * MILLION).toBeLessThan(5);
  });

  it('includes a KMS request per object only without bucket keys', () => {
    const kms = (bucketKeys: Deployment['bucketKeys']) =>
      billOf(usageOf(mixes.photographs, { ...prod, bucketKeys }, measured)).KMS;
    expect(kms('S3’s own')).toBe(0);
    expect(kms('customer-managed, bucket keys')).toBeLessThan(0.02 * kms('customer-managed, asked each time'));
  });

  it.each(practices(prod, measured))('is lower with: $name', ({ withIt, without }) => {
    expect(withIt).toBeLessThan(without);
  });
});

describe('the price of presets that were not measured', () => {
  const withPresets = (presets: RenditionGroup['presets']) => ({ groups: [{ name: 'web', presets }] });
  const lambda = (groups: readonly RenditionGroup[]) =>
    billOf(usageOf(mixes.photographs, { ...prod, groups }, measured)).Lambda * MILLION;
  const other: RenditionGroup = {
    name: 'other',
    presets: [{ name: 'jpeg-77', format: 'jpeg', width: 77, quality: 77 }],
  };

  it('falls if a small WebP replaces AVIF: as many PUTs, less to render', () => {
    const withoutAvif = examplePresets.filter(({ format }) => format !== 'avif');
    const small = { name: 'webp-480', format: 'webp', width: 480, quality: 80, effort: 2 } as const;
    const [before, after] = [lambda(oneGroup.groups), lambda(withPresets([...withoutAvif, small]).groups)];
    expect(before - after).toBeGreaterThan(0.1 * before);
    expect(dollars(withPresets([...withoutAvif, small]))).toBeCloseTo(dollars(oneGroup) - (before - after), 0);
  });

  it('rises with an encoder’s effort by the ratio measured in lab/docs/quality.md', () => {
    const at = (effort: number) =>
      lambda(
        withPresets(examplePresets.map((preset) => (preset.format === 'avif' ? { ...preset, effort } : preset))).groups,
      );
    expect(at(2)).toBeGreaterThan(1.5 * at(0));
    expect(at(3)).toBeGreaterThan(at(2));
    expect(at(9)).toBeGreaterThanOrEqual(at(4));
  });

  it('rises with a second group by a second decode, call and GET, and only a mixed group can be split', () => {
    expect(dollars(avifApart(oneGroup))).toBeGreaterThan(dollars(oneGroup) + 2);
    expect(avifApart(oneGroup).groups.map(({ name }) => name)).toEqual(['web', 'web, AVIF']);
    expect(sharesAvif(oneGroup)).toBe(true);
    expect(sharesAvif({ groups: [other] })).toBe(false);
    expect(sharesAvif(avifApart(oneGroup))).toBe(false);
  });

  it('equals the measurement if nothing changed', () => {
    const [upload] = measured.uploads;
    if (upload === undefined) throw new Error('nothing measured');
    const { resize } = workerSeconds(upload, measured, { ...prod, environments: 'on demand' });
    const [group] = upload.groups;
    const found = group?.runs.find(({ memory, threads }) => memory === prod.memory.resize && threads === 1);
    expect(resize[0]).toBeGreaterThan(((found?.millis ?? Number.NaN) * cpuFactor(upload, prod)) / 1000);
    expect(estimateNotice(prod.groups, measured)).toBeUndefined();
  });

  it.each<[what: string, groups: readonly RenditionGroup[]]>([
    ['an additional preset', [...measured.presets, other]],
    ['one preset fewer', measured.presets.map((group) => ({ ...group, presets: group.presets.slice(1) }))],
    ['another quality', changed(({ quality }) => ({ quality: quality - 1 }))],
    ['another width', changed(({ width }) => ({ width: width + 1 }))],
    ['another effort', changed(() => ({ effort: 5 }))],
    ['another name', changed(({ name }) => ({ name: `${name}-2` }))],
  ])('is labelled an estimate with %s', (_, groups) => {
    expect(estimateNotice(groups, measured)).toMatch(
      /^Estimate: durations were measured with other presets; run `npm run lab -- bench durations`/,
    );
  });

  it('is labelled an estimate first on the page and in the output, or not at all', () => {
    const pageOf = (presets: readonly RenditionGroup[]) =>
      costBlocks({ ...measured, presets: presets.map((group) => ({ ...group, presets: [...group.presets] })) })[
        'terms'
      ];
    expect(pageOf(deploymentOf('prod').groups)).not.toContain('Estimate:');
    const others = [...deploymentOf('prod').groups, other];
    expect(pageOf(others)).toMatch(/^\*\*Estimate: durations were measured with other presets; run/);
  });
});

function changed(change: (preset: RenditionGroup['presets'][number]) => object): readonly RenditionGroup[] {
  return measured.presets.map((group) => ({
    ...group,
    presets: group.presets.map((preset) => ({ ...preset, ...change(preset) })),
  }));
}

describe('an expired version', () => {
  // The path of an upload without the image processing: a mark, and an update that is rejected.
  const batchSeconds = (assumptions.workflowMillis * assumptions.slowestOfBatch + assumptions.dispatcherMillis) / 1000;
  const recordUnits = Math.ceil((assumptions.recordBytes + 6 * assumptions.renditionRecordBytes) / 1024);
  const document = (url: URL) => readFileSync(url, 'utf8').replaceAll('\n', ' ');

  it('costs as much in the price of probes', () => {
    const page = document(new URL('../docs/cost.md', import.meta.url));
    const [, said] = /\*\*Expired versions\*\*.*?\*\*\$([\d.]+) per million\*\*/.exec(page) ?? [];
    // The page leaves out the storage of the log lines.
    expect(total(billOf(expiredVersion(prod))) * MILLION).toBeCloseTo(Number(said), 1);
  });

  it('costs as much as lab/docs/cost.md says', () => {
    const { decisionLogBytes, metricsLogBytes, platformLogBytes, workerLogBytes, tracedShare, workflowMillis } =
      assumptions;
    const { historyObjectsPerImage, recordHistoryMillis } = assumptions;
    const parts = [
      prices.eventBridgeDataEvent.usd,
      prices.sqsRequest.usd * (1 + 2 / prod.batchSize),
      prices.dynamoDbWrite.usd * 2,
      prices.dynamoDbWrite.usd * 2,
      prices.expressRequest.usd + (prices.expressDuration.usd * (64 / 1024) * Math.ceil(workflowMillis / 100)) / 10,
      prices.dynamoDbWrite.usd * (1 + recordUnits),
      (prices.logIngestion.usd * (decisionLogBytes + metricsLogBytes + platformLogBytes / prod.batchSize)) / 1e9,
      (prices.trace.usd * tracedShare) / prod.batchSize,
      (prices.lambdaRequest.usd + (prices.lambdaArm64.usd * prod.memory.dispatcher * batchSeconds) / 1024) /
        prod.batchSize,
      historyObjectsPerImage *
        (prices.s3Write.usd +
          prices.lambdaRequest.usd +
          (prices.lambdaArm64.usd * (prod.memory.history / 1024) * recordHistoryMillis) / 1000 +
          (prices.logIngestion.usd * (platformLogBytes + workerLogBytes)) / 1e9),
    ];
    const said = /\*\*Expired versions\*\*.*?per million\*\*/.exec(
      document(new URL('../docs/cost.md', import.meta.url)),
    );
    expect([...String(said).matchAll(/\$[\d.]+\d/g)].map(String)).toEqual(
      [...parts, parts.reduce((sum, part) => sum + part)].map((part) => `$${(part * MILLION).toFixed(2)}`),
    );
  });

  it('is handled at the rate in lab/docs/scale.md', () => {
    const dispatchers = numberAt(
      at(
        templateFor('prod').resources.get('DispatchImagesFunction')?.Properties['Events'],
        ...['Uploads', 'Properties', 'ScalingConfig', 'MaximumConcurrency'],
      ),
    );
    const perSecond = (dispatchers * prod.batchSize) / batchSeconds;
    const text = document(new URL('../docs/scale.md', import.meta.url));
    expect(text).toContain(`≈ ${Math.round(perSecond / 10) * 10} per second`);
    expect(text).toContain(`a million of them take ${Math.round(MILLION / perSecond / 60)} minutes`);
  });
});

describe('the path through the workflow', () => {
  const states = statesOn(waysOf.processed, 2);

  it('includes one resize per rendition group, one record and one event', () => {
    expect(invocationsOn(states, 'ExtractMetadataFunction')).toBe(1);
    expect(invocationsOn(states, 'ResizeImageFunction')).toBe(2);
    expect(invocationsOn(states, 'RemoveRenditionsFunction')).toBe(0);
    expect(callsOn(states, 'dynamodb:putItem')).toBe(1);
    expect(callsOn(states, 'events:putEvents')).toBe(1);
  });

  it('is one state longer if the workflow has one more', () => {
    const { States, StartAt } = workflow.machine;
    const machine = { StartAt: 'First', States: { ...States, First: { Type: 'Pass' as const, Next: StartAt } } };
    expect(statesOn(waysOf.processed, 2, machine).size).toBe(states.size + 1);
  });

  it('with a task that has no price is refused in one sentence', () => {
    const [task] = workflow.tasks;
    if (task === undefined) throw new Error('The workflow has no task.');
    const other = { ...task, state: 'NewStep' };
    expect(() => refuseUnknownTasks([{ ...other, functionId: 'NewStepFunction' }])).toThrow(
      "The workflow's task NewStep invokes NewStepFunction, which has no price: add NewStep to otherWorkers in lab/cost/assumptions.ts.",
    );
    const resource = 'arn:aws:states:::aws-sdk:rekognition:detectLabels';
    expect(() => refuseUnknownTasks([{ ...other, resource, functionId: undefined }])).toThrow(
      `The workflow's task NewStep calls ${resource}, which has no price`,
    );
    expect(() => refuseUnknownTasks()).not.toThrow();
  });

  it('is an error if a Choice no longer leads where the model expects', () => {
    expect(() => statesOn({ ...waysOf.processed, IsAnythingObsolete: 'Repeat' }, 2)).toThrow('IsAnythingObsolete');
  });
});

describe('the monthly cost', () => {
  const dev = deploymentOf('dev');
  const logged = captureLog();

  it('includes each custom metric that the code publishes', async () => {
    await publishEverything();
    const published = publishedMetrics(logged('log')).map(({ metric, dimensions: { reason } }) =>
      [metric, reason ?? []].flat().join(' '),
    );
    expect([...customMetrics].sort()).toEqual([...new Set(published)].sort());
  });

  it('includes each metric of an alarm, and three for an anomaly band', () => {
    const watched = (id: string) => {
      const alarms = deployedTemplate('prod').resources.get(id);
      return alarms === undefined ? undefined : metricsOf(alarms);
    };
    expect(watched('UploadQueueAgeAlarm')).toBe(1);
    expect(watched('ImagePipelineErrorRateAlarm')).toBe(3);
    expect(watched('DispatchImagesUndecidedAlarm')).toBe(8);
    expect(watched('UploadQueueVolumeAnomalyAlarm')).toBe(3);
    expect(watched('DispatchImagesFastBurnHourAlarm')).toBe(2);
  });

  it('is below $6 for stage dev', () => {
    expect(
      idleMonth(dev, measured),
      'An alarm that does not page belongs to WatchesClosely in template.yaml, which dev does not have.',
    ).toBeLessThan(6);
  });

  it('of stage dev is hardly more than its paging alarms', () => {
    const { standing } = dev;
    expect(standing).toMatchObject({ dashboards: 0, keys: 1, provisionedGigabytes: 0, scalingAlarms: 0 });
    expect(standing.alarmMetrics).toBeLessThan(prod.standing.alarmMetrics / 2);
  });

  it('includes two alarms for each worker that uploads wait for, since its warm environments are scaled, and both queues that are polled', () => {
    expect(prod.standing).toMatchObject({
      scalingAlarms: 2 * steps.filter(({ takes }) => takes === 'image' || takes === 'rendition').length,
      polledQueues: 2,
    });
  });

  it('of an idle stack has no metrics of uploads, and those of uploads are priced apart', () => {
    expect(prod.standing.probeMetrics + prod.standing.uploadMetrics).toBe(customMetrics.length);
    expect(prod.standing.probeMetrics).toBe(2);
    expect(costBlocks(measured)['monthly']).toContain(
      `the ${prod.standing.uploadMetrics} custom metrics of uploads, if there are some of every kind in every hour | $`,
    );
  });

  it('includes a probe every five minutes in prod and every hour in dev, each with an image, its deletion and two expiries', () => {
    expect([prod.standing.probesAMonth, dev.standing.probesAMonth]).toEqual([8760, 730]);
    const one = probesCost(prod, measured) / 8760;
    expect(one * MILLION).toBeGreaterThan(dollars({}, mixes.web));
    expect(one * MILLION).toBeLessThan(5 * dollars({}, mixes.web));
    expect(probesCost({ ...prod, standing: { ...prod.standing, probesAMonth: 0 } }, measured)).toBe(0);
  });
});

describe('memory', () => {
  const at = (memory: number, threads = 1) => {
    const found = settings('resize', prod, measured).find((one) => one.memory === memory && one.threads === threads);
    if (found === undefined) throw new Error('not a size of the table');
    return found;
  };

  it('below one vCPU takes longer, and above one vCPU costs more', () => {
    expect(at(1024).measured.median).toBeGreaterThan(at(1769).measured.median);
    expect(at(512).measured.median).toBeGreaterThan(at(1024).measured.median);
    expect(at(3538).cost).toBeGreaterThan(at(1769).cost);
    expect(at(3538, 2).cost).toBeGreaterThan(at(1769).cost);
  });

  it('is billed for the measured time, plus the longer of S3’s client time and S3’s wait', () => {
    const [upload] = measured.uploads;
    if (upload === undefined) throw new Error('nothing measured');
    const half = { ...prod, memory: { ...prod.memory, metadata: 1024 } };
    const found = upload.metadata.runs.find(({ memory, threads }) => memory === 1024 && threads === 1);
    const work = (found?.millis ?? Number.NaN) * cpuFactor(upload, half);
    const client = (upload.metadata.clientCpuMillis / (1024 / 1769)) * cpuFactor(upload, half);
    const waits = 1000 * waitSeconds(upload).metadata;
    const coldStarts = assumptions.coldStarts * assumptions.coldStartMillis;
    expect(1000 * workerSeconds(upload, measured, half).metadata).toBeCloseTo(
      work + Math.max(client, waits) + coldStarts,
      6,
    );
  });

  it('of an unmeasured size is an error', () => {
    expect(() => dollars({ memory: { ...prod.memory, resize: 1000 } })).toThrow('No measurement at 1000 MB');
  });
});

describe('the speed of the processor', () => {
  it('affects only the price of Lambda and of the workflow’s duration, in proportion', () => {
    const bill = (referenceMillis: number) =>
      billOf(usageOf(mixes.photographs, { ...prod, referenceMillis }, measured));
    const [one, two, three] = [bill(50), bill(100), bill(150)];
    expect(two.Lambda).toBeGreaterThan(1.3 * one.Lambda);
    // Slightly more if S3's client takes longer than the transfer.
    expect((three.Lambda - two.Lambda) / (two.Lambda - one.Lambda)).toBeGreaterThanOrEqual(1);
    expect((three.Lambda - two.Lambda) / (two.Lambda - one.Lambda)).toBeLessThan(1.1);
    expect({ ...two, Lambda: 0, 'Step Functions': 0 }).toEqual({ ...one, Lambda: 0, 'Step Functions': 0 });
  });

  it('is Lambda’s: a benchmark machine half as fast gives the same bill', () => {
    const slower = (times: Times): Times => ({
      cpuMillis: 2 * times.cpuMillis,
      clientCpuMillis: 2 * times.clientCpuMillis,
      runs: times.runs.map((run) => ({ ...run, millis: 2 * run.millis })),
    });
    const uploads = measured.uploads.map((upload) => ({
      ...upload,
      referenceCpuMillis: 2 * upload.referenceCpuMillis,
      metadata: slower(upload.metadata),
      groups: upload.groups.map((group) => ({ ...group, ...slower(group) })),
    }));
    expect(costPerImage(mixes.photographs, prod, { ...measured, uploads })).toBeCloseTo(
      costPerImage(mixes.photographs, prod, measured),
      12,
    );
  });

  it.each(['arm64', 'x86_64'] as const)(
    'of %s has a likely speed between the fastest and the slowest',
    (architecture) => {
      const { low, likely, high } = assumptions.referenceMillis[architecture];
      expect(low).toBeLessThan(likely);
      expect(high).toBeGreaterThan(likely);
    },
  );

  it('misses the goal of $60 only beyond the limit in lab/docs/cost.md', () => {
    const slowest = slowestReference(prod, measured) ?? 0;
    expect(dollars({ referenceMillis: slowest })).toBeLessThan(60);
    expect(dollars({ referenceMillis: slowest + 1 })).toBeGreaterThanOrEqual(60);
  });
});

it('docs/decisions/0017 prices traces and the layer of ADOT as the model does', () => {
  const record = readFileSync(new URL('../../docs/decisions/0017-traces-without-an-sdk.md', import.meta.url), 'utf8');
  const shown = [...record.matchAll(/^\| (?:X-Ray|ADOT).*\| ([\d.]+) \| 0 \|$/gm)].map(([, usd]) => usd);
  const { metadata, resize, dispatcher } = prod.memory;
  const calls = (metadata + resize + dispatcher / prod.batchSize) / 1024;
  const traces = (share: number, batch: number) => (prices.trace.usd * share) / batch;
  expect(shown).toEqual(
    [
      traces(assumptions.tracedShare, prod.batchSize),
      traces(1, prod.batchSize),
      traces(1, 1),
      0.385 * assumptions.coldStarts * calls * prices.lambdaArm64.usd,
    ].map((usd) => (usd * MILLION).toFixed(2)),
  );
});

describe('the price list', () => {
  it('names AWS’s page for each price', () => {
    for (const [name, { source, usd }] of Object.entries(prices)) {
      expect(source, name).toMatch(/^https:\/\/aws\.amazon\.com\/[\w/-]+\/pricing\//);
      expect(usd, name).toBeGreaterThan(0);
    }
  });

  it('lists each price at most once in the free tier', () => {
    expect(new Set(freeTier.map(({ price }) => price)).size).toBe(freeTier.length);
  });
});

describe('npm run lab -- cost', () => {
  afterEach(() => vi.restoreAllMocks());

  async function printedBy(...args: string[]): Promise<string> {
    const task = parse(costCommand, args, { out: () => undefined, error: () => undefined });
    if (typeof task === 'number') throw new Error(`exit code ${task}`);
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await task.run(new AbortController().signal);
    return write.mock.calls.map(([text]) => String(text)).join('');
  }

  it('prints its figures as JSON, with each bill the sum of its services', async () => {
    const bill = z.object({ all: z.number(), services: z.record(z.string(), z.number()) });
    const stdout = await printedBy('--json', '--images', '1000');
    const { images, dollars: bills } = z.object({ images: z.int(), dollars: z.array(bill) }).parse(JSON.parse(stdout));
    expect(images).toBe(1000);
    expect(bills.length).toBeGreaterThan(0);
    for (const { all, services } of bills) {
      expect(Object.values(services).reduce((sum, part) => sum + part, 0)).toBeCloseTo(all, 2);
    }
  });

  it.each([
    [['--images', 'many'], 'Use a whole number of 1 or more.'],
    [['--json', '--write'], 'cannot be used with'],
    [['--wrong'], "Unknown option '--wrong'"],
  ])('refuses %j: %s', (args, sentence) => {
    expect(() => parsedOptions(costCommand, args)).toThrow(sentence);
  });
});
