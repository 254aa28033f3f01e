import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REDRIVEN_AFTER_SECONDS } from '../../adapters/lambda/sqs-uploads.ts';
import { retryDelaySeconds } from '../../core/retry-delay.ts';
import { at, numberAt, templateFor } from '../../scripts/template/template.ts';
import { widgetsOf } from '../support/dashboard-widgets.ts';
import { metricMath } from '../support/metric-math.ts';
import { playedAlarm } from '../support/played-alarm.ts';

/** The objective of docs/decisions/0016: 99 % of uploads are ready in time. Its alarms, played on made-up traffic. */

const { resources } = templateFor('prod');
const HOUR = 60;
const DAY = 24 * HOUR;

/** ObjectiveMissed of each minute: 1 for an upload that was late or failed, 0 for any other. */
type Minutes = readonly (readonly number[])[];
const traffic = (minutes: number, uploads: number, missed = 0): Minutes =>
  Array.from({ length: minutes }, () => [...Array(missed).fill(1), ...Array(uploads - missed).fill(0)]);
/** One upload in so many minutes, with a miss in so many uploads. */
const sparse = (minutes: number, everyMinutes: number, everyUploads = Number.POSITIVE_INFINITY): Minutes =>
  Array.from({ length: minutes }, (_, minute) =>
    minute % everyMinutes === 0 ? [Number((minute / everyMinutes) % everyUploads === everyUploads - 1)] : [],
  );

async function states(id: string, minutes: Minutes): Promise<boolean[]> {
  const alarm = resources.get(id);
  if (alarm === undefined) throw new Error(`template.yaml has no ${id}.`);
  return await playedAlarm(alarm, { ObjectiveMissed: minutes });
}
/** The first minute of each page: both windows burn. */
async function pages(minutes: Minutes): Promise<number[]> {
  const [hour, now] = await Promise.all([
    states('DispatchImagesFastBurnHourAlarm', minutes),
    states('DispatchImagesFastBurnMinutesAlarm', minutes),
  ]);
  const both = hour.map((isOn, minute) => isOn && now[minute] === true);
  return both.flatMap((isOn, minute) => (isOn && both[minute - 1] !== true ? [minute] : []));
}
const informs = async (minutes: Minutes) => (await states('DispatchImagesSlowBurnAlarm', minutes)).includes(true);

describe('a fast burn', () => {
  it('pages within 10 minutes if every upload fails', async () => {
    const [first, ...others] = await pages([...traffic(2 * HOUR, 10), ...traffic(HOUR, 10, 10)]);
    expect((first ?? Number.NaN) - 2 * HOUR).toBeLessThanOrEqual(10);
    expect(others).toEqual([]);
  });

  it('pages within the hour if one upload in five fails', async () => {
    const [first] = await pages([...traffic(2 * HOUR, 10), ...traffic(2 * HOUR, 10, 2)]);
    expect((first ?? Number.NaN) - 2 * HOUR).toBeLessThanOrEqual(HOUR);
  });

  it('pages on a stack with an upload every three minutes, too', async () => {
    const [first] = await pages([...sparse(6 * HOUR, 3), ...sparse(HOUR, 3, 1)]);
    expect((first ?? Number.NaN) - 6 * HOUR).toBeLessThanOrEqual(30);
  });

  it('is over for the pager within five minutes of the last miss, though its hour is not', async () => {
    const outage = [...traffic(2 * HOUR, 10), ...traffic(30, 10, 10), ...traffic(HOUR, 10)];
    const hour = await states('DispatchImagesFastBurnHourAlarm', outage);
    const now = await states('DispatchImagesFastBurnMinutesAlarm', outage);
    const end = 2 * HOUR + 30 + 5;
    expect(now.slice(end)).not.toContain(true);
    expect(hour[end]).toBe(true);
  });

  it('does not page for one minute of failures in an hour of traffic', async () => {
    expect(await pages([...traffic(2 * HOUR, 10), ...traffic(1, 10, 10), ...traffic(HOUR, 10)])).toEqual([]);
  });
});

describe('a slow burn', () => {
  it('informs, and does not page', async () => {
    const burning = [...traffic(DAY, 10), ...traffic(DAY, 20, 1)];
    expect(await informs(burning)).toBe(true);
    expect(await pages(burning)).toEqual([]);
  });

  it('below three times the budget does neither', async () => {
    const within = [...traffic(HOUR, 50), ...traffic(DAY, 50, 1)];
    expect(await informs(within)).toBe(false);
    expect(await pages(within)).toEqual([]);
  });
});

describe('a quiet stack', () => {
  it.each<[what: string, minutes: Minutes]>([
    ['no uploads', traffic(DAY, 0)],
    ['an upload every hour, all in time', sparse(DAY, HOUR)],
    ['an upload every hour, and one that failed', [...sparse(DAY, HOUR), [1], ...sparse(DAY, HOUR)]],
    ['one upload, which failed', [...traffic(HOUR, 0), [1], ...traffic(HOUR, 0)]],
    ['four failed uploads at once, and nothing else', [...traffic(HOUR, 0), [1, 1, 1, 1], ...traffic(HOUR, 0)]],
  ])('with %s fires no alarm', async (_, minutes) => {
    expect(await pages(minutes)).toEqual([]);
    expect(await informs(minutes)).toBe(false);
  });
});

describe('the figures', () => {
  const alarm = (id: string) => resources.get(id)?.Properties ?? {};
  const periodOf = (id: string) => numberAt(alarm(id)['Metrics'], 1, 'MetricStat', 'Period');
  const burnRate = (id: string) => numberAt(alarm(id)['Threshold']);
  const BUDGET_PERCENT = 1;
  const MONTH_SECONDS = 30 * 86_400;
  /** The share of a month's budget that is used up when the window ends at this rate. */
  const usedUp = (id: string) => (burnRate(id) / BUDGET_PERCENT) * (periodOf(id) / MONTH_SECONDS);

  it('of the page are those of the SRE workbook: 2 % of the budget in an hour, and a twelfth of that window', () => {
    expect(usedUp('DispatchImagesFastBurnHourAlarm')).toBeCloseTo(0.02, 10);
    expect(periodOf('DispatchImagesFastBurnMinutesAlarm') * 12).toBe(periodOf('DispatchImagesFastBurnHourAlarm'));
    expect(burnRate('DispatchImagesFastBurnMinutesAlarm')).toBe(burnRate('DispatchImagesFastBurnHourAlarm'));
    const paging = String(at(alarm('UsersAffectedAlarm')['AlarmRule'], 'Fn::Sub'));
    expect(paging).toContain(
      '(ALARM("${DispatchImagesFastBurnHourAlarm}") AND ALARM("${DispatchImagesFastBurnMinutesAlarm}"))',
    );
  });

  it('of the informing alarm are 10 % of the budget in a day', () => {
    expect(usedUp('DispatchImagesSlowBurnAlarm')).toBeCloseTo(0.1, 10);
  });

  it.each(['dev', 'prod'] as const)('in stage %s, a dead letter is known by the delay after its event', (stage) => {
    const { resources: ofStage } = templateFor(stage);
    const dispatcher = ofStage.get('DispatchImagesFunction')?.Properties ?? {};
    const baseSeconds = numberAt(at(dispatcher['Environment'], 'Variables', 'RETRY_BASE_SECONDS'));
    const shortest = [1, 2, 3, 4]
      .map((receives) => retryDelaySeconds(receives, { baseSeconds, lastAttempt: false, random: 0 }))
      .reduce((sum, delay) => sum + delay, 0);
    expect(REDRIVEN_AFTER_SECONDS).toBeLessThan(shortest);
  });

  it('are in the decision record', () => {
    const record = readFileSync(
      new URL('../../docs/decisions/0016-an-objective-for-users.md', import.meta.url),
      'utf8',
    );
    for (const figure of ['99 %', '60 seconds', '14.4', '2 %', '5 minutes', '3 %', '10 %']) {
      expect(record).toContain(figure);
    }
  });
});

describe('the dashboard', () => {
  const formulaOf = (title: RegExp) =>
    widgetsOf(templateFor('prod')).flatMap((widget) =>
      widget.type === 'metric' && title.test(widget.properties.title)
        ? widget.properties.metrics.flatMap((series) => ('formula' in series ? [series.formula] : []))
        : [],
    )[0] ?? '';

  it.each([
    ['nothing missed', { uploads: 1000, missed: 0 }, 100, 100],
    ['half of the budget gone', { uploads: 1000, missed: 5 }, 99.5, 50],
    ['twice the budget gone', { uploads: 1000, missed: 20 }, 98, -100],
  ])('with %s shows the share in time and the budget left', async (_, counts, inTime, left) => {
    expect(await metricMath(formulaOf(/^Uploads ready within 60 s/), counts)).toBeCloseTo(inTime, 10);
    expect(await metricMath(formulaOf(/^Error budget left/), counts)).toBeCloseTo(left, 10);
  });
});

it('the dispatcher has the stage’s objective', () => {
  const dispatcher = resources.get('DispatchImagesFunction')?.Properties ?? {};
  expect(at(dispatcher['Environment'], 'Variables', 'READY_WITHIN_SECONDS')).toBe('60');
});
