/** A run as a page, and as a table for the terminal. */
import { projectTitle } from '../../core/names.ts';
import { Html, html } from '../../scripts/terminal/html.ts';
import { plainTable } from '../../scripts/terminal/table.ts';
import { type Chart, drawCharts } from './charts.ts';
import { reportStyle } from './report-style.ts';
import {
  type Check,
  coresOfOthers,
  inNumbers,
  type Percentiles,
  partsOfWait,
  quietCores,
  type RunResult,
  saturation,
  senderLag,
  type Threshold,
  thresholdOf,
  waits,
} from './result.ts';
import { shownTarget } from './target.ts';

const columns = ['p50', 'p95', 'p99', 'most'] as const;
const headings = ['p50', 'p95', 'p99', 'max'] as const;

export function waitTable(run: RunResult, against: RunResult | undefined): string {
  const rows = rowsOf(run, against).map(({ row, earlier }) => [
    row.name,
    String(row.count),
    ...columns.map((column) => `${seconds(row[column])}${before(earlier, column)}`),
  ]);
  return plainTable(['Wait', 'Count', ...headings], rows, ['left', 'right', 'right', 'right', 'right', 'right']);
}

/** @param against an earlier run to compare with */
export async function reportPage(run: RunResult, against: RunResult | undefined): Promise<string> {
  const charts = await drawCharts(run, against);
  const { title, passed, reconciliation, startedAt } = run;
  const when = new Date(startedAt).toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}: ${passed ? 'passed' : 'failed'}, ${when}</title>
<style>${new Html(reportStyle)}</style>
<header>
  <p class="name">${projectTitle} under load</p>
  <h1>${title} <span class="${passed ? 'passed' : 'failed'}">${passed ? 'passed' : 'failed'}</span></h1>
  <p>${when} UTC, ${shownTarget(run.target)}, seed ${run.seed}, scale ${run.scale}. ${run.machine}.</p>
  ${against === undefined ? [] : [html`<p>Dashed lines and figures in brackets: ${against.title}, ${against.id}, ${shownTarget(against.target)}.</p>`]}
</header>
<main>
  <section class="sum">
    <div class="equation">
      <div><b>${reconciliation.sent}</b><span>changes sent</span></div><i>=</i>
      <div><b>${reconciliation.decided}</b><span>decided</span></div><i>+</i>
      <div><b>${reconciliation.deadLetters}</b><span>dead letters</span></div>
    </div>
    <div class="lost"><b>${reconciliation.lost.length}</b><span>lost</span></div>
    <div class="lost"><b>${reconciliation.notInTime.length}</b><span>not decided in time</span></div>
  </section>
  <p class="story">${[story(run), ...galleryTimes(run), ...caveats(run)].join(' ')}</p>
  <section class="columns">
    <article>
      <h2>Waiting times</h2>
      ${waitsTable(run, against)}
    </article>
    <article>
      <h2>Checks</h2>
      <ul class="checks">${[...run.checks.map(checkLine), ...run.problems.map((problem) => html`<li class="failed">${problem}</li>`)]}</ul>
    </article>
  </section>
  <section class="plots">${charts.map(figure)}</section>
</main>
<footer>Time runs from the first request, in minutes and seconds; dotted lines separate the phases: ${phases(run)}. The data is in
<a href="run.json">run.json</a>.</footer>
</html>
`.text;
}

function figure({ title, caption, wide, svg }: Chart): Html {
  return html`
    <figure class="${wide ? 'wide' : ''}">
      <figcaption><h2>${title}</h2> ${caption}</figcaption>
      ${svg === undefined ? [] : html`<p class="scrolls">Scroll sideways to see all of it.</p>${new Html(svg)}`}
    </figure>`;
}

function checkLine(check: Check): Html {
  const threshold = thresholdOf(check);
  const bar =
    threshold === undefined ? [] : html`<i style="--used: ${Math.min(1, threshold.measured / threshold.limit)}"></i>`;
  return html`
        <li class="${check.passed ? 'passed' : 'failed'}"><code>${check.expression}</code><span>${foundOf(check)}${bar}</span></li>`;
}

/** For the terminal: each check, its measurement, and the remaining room. */
export function checkTable({ checks, problems }: RunResult): string {
  const rows = checks.map((check) => [check.passed ? 'ok' : 'FAIL', check.expression, foundOf(check)]);
  return [plainTable(['', 'Check', 'Measured'], rows), ...problems.map((problem) => `FAIL  ${problem}`)].join('\n');
}

function foundOf(check: Check): string {
  const threshold = thresholdOf(check);
  if (threshold !== undefined) return shownThreshold(threshold);
  return Object.keys(check.metrics).length === 0 ? 'not measured' : inNumbers(check);
}

function shownThreshold({ measured, limit }: Threshold): string {
  const room = Math.round(100 * (1 - measured / limit));
  const rest = room >= 0 ? `${room} % left` : `${-room} % over`;
  return `${seconds(measured)} of ${seconds(limit)}, ${rest}`;
}

/** Reasons to trust the figures of a run less, one sentence each. */
export function caveats(run: RunResult): string[] {
  const lag = senderLag(run);
  const others = coresOfOthers(run) ?? 0;
  return [
    ...(lag === undefined ? [] : [`Users arrived up to ${seconds(lag)} later than planned.`]),
    ...(others <= quietCores
      ? []
      : [
          `Other programs used ${others.toFixed(1)} of ${run.processors} processors on average, ` +
            'so do not compare the figures of this run with others.',
        ]),
  ];
}

/** Through the gallery: where the time went, in words. */
export function galleryTimes({ changes, phases }: RunResult): string[] {
  const before = phases.slice(0, -1).reduce((sum, { arrivalCount }) => sum + arrivalCount, 0);
  const times = partsOfWait(changes.filter(({ user }) => user >= before));
  if (times === undefined) return [];
  const { stored, pipeline, shown } = times;
  const share = (part: number) => `${Math.round((100 * part) / (stored + pipeline + shown))} %`;
  return [
    `In the last phase, ${share(stored + shown)} of the time from drop to picture passed outside the pipeline: ${share(stored)} until the file ` +
      `was stored, and ${share(shown)} from the event of the result to the picture.`,
  ];
}

/** What happened at saturation, in words. */
function story(run: RunResult): string {
  const { deepest, deepestAt, drained, rate, deadLetters, calls } = saturation(run);
  const queue =
    deepest === 0
      ? 'No upload waited in the queue.'
      : `The queue grew to ${deepest} messages after ${deepestAt.toFixed(0)} s, while up to ${rate.toFixed(1)} changes per second were decided. ` +
        (run.reconciliation.lost.length + run.reconciliation.notInTime.length > 0
          ? 'Not all were decided before the run ended.'
          : `All were decided ${drained.toFixed(1)} s after the last one was sent.`);
  const functions =
    calls === undefined
      ? 'The emulator does not publish function metrics.'
      : `Function errors: ${calls.errors}; throttles: ${calls.throttles}.`;
  return `${queue} Dead letters: ${deadLetters}. ${functions}`;
}

function waitsTable(run: RunResult, against: RunResult | undefined): Html {
  const rows = rowsOf(run, against).map(
    ({ row, earlier }) => html`
        <tr><td>${row.name}<td>${row.count}${columns.map(
          (column) => html`<td>${seconds(row[column])}<small>${before(earlier, column)}</small>`,
        )}`,
  );
  return html`<table>
        <thead><tr><th><th>count${headings.map((heading) => html`<th>${heading}`)}</thead>
        <tbody>${rows}</tbody>
      </table>`;
}

function rowsOf(run: RunResult, against: RunResult | undefined) {
  const earlier = new Map((against === undefined ? [] : waits(against.changes)).map((row) => [row.name, row]));
  return waits(run.changes).map((row) => ({ row, earlier: earlier.get(row.name) }));
}

function before(earlier: Percentiles | undefined, column: (typeof columns)[number]): string {
  return earlier === undefined ? '' : ` (${seconds(earlier[column])})`;
}

function phases({ phases }: RunResult): string {
  return phases.map(({ name, arrivalCount, duration }) => `${name} ${arrivalCount} in ${duration} s`).join(', ');
}

function seconds(millis: number): string {
  return millis < 1000 ? `${millis.toFixed(0)} ms` : `${(millis / 1000).toFixed(1)} s`;
}
