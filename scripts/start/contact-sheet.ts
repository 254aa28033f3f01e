/** A page that shows the outcome of each upload, in its own directory with the renditions as files next to it. */
import { glob, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import prettyBytes from 'pretty-bytes';
import { thumbHashToDataURL } from 'thumbhash';
import type { Metadata } from '../../core/metadata.ts';
import { projectTitle } from '../../core/names.ts';
import type { RejectionReason } from '../../core/outcome.ts';
import type { Size } from '../../core/rendition.ts';
import { type SavedRendition, type SavedRenditions, saveRenditions } from '../stack/save-renditions.ts';
import type { UploadResult } from '../stack/send-uploads.ts';
import type { Stack } from '../stack/stack.ts';
import { Html, html } from '../terminal/html.ts';
import { workDirectory } from '../terminal/project.ts';
import { contactSheetStyle } from './contact-sheet-style.ts';
import { remark } from './result-table.ts';

export interface ContactSheet {
  /** Path of the page. */
  readonly file: string;
  readonly renditions: SavedRenditions;
}

const sheetRoot = join(workDirectory, 'contact-sheets');
const keptSheets = 5;

export async function writeContactSheet(results: readonly UploadResult[], stack: Stack): Promise<ContactSheet> {
  const madeAt = new Date();
  const directory = join(sheetRoot, `${madeAt.toISOString().slice(0, 19).replaceAll(':', '-')}-${process.pid}`);
  await mkdir(directory, { recursive: true });
  const renditions = await saveRenditions(results, stack, join(directory, 'renditions'));
  const file = join(directory, 'index.html');
  await writeFile(file, sheetPage(results, renditions, directory, madeAt));
  await removeOldSheets();
  return { file, renditions };
}

async function removeOldSheets(): Promise<void> {
  // Names start with the time, so sorting puts the oldest first.
  const sheets = (await Array.fromAsync(glob(join(sheetRoot, '*')))).sort();
  for (const sheet of sheets.slice(0, -keptSheets)) await rm(sheet, { recursive: true, force: true });
}

export function sheetPage(
  results: readonly UploadResult[],
  renditions: SavedRenditions,
  directory: string,
  madeAt: Date,
): string {
  const cards = results.map((result) => card(result, renditions.get(result.key) ?? [], directory));
  const title = `Contact sheet, ${madeAt.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' })}`;
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(contactSheetStyle)}</style>
<header>
  <p class="name">${projectTitle}</p>
  <h1>${title}</h1>
  <p>${summary(results)}</p>
</header>
<main>${cards}</main>
</html>
`.text;
}

function summary(results: readonly UploadResult[]): string {
  const counts = new Map<string, number>();
  for (const { outcome = 'undecided' } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const outcomes = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
  return `${results.length} ${results.length === 1 ? 'upload' : 'uploads'}: ${outcomes}`;
}

function card(result: UploadResult, renditions: readonly SavedRendition[], directory: string): Html {
  const { key, outcome = 'undecided', record } = result;
  const body =
    record?.outcome === 'processed' ? picture(result, record.metadata, renditions, directory) : verdict(result);
  return html`
<article class="${outcome}">
  ${body.frame}
  <div class="caption">
    <h2>${key}</h2>
    <span class="outcome">${outcome}</span>
  </div>
  ${body.text}
</article>`;
}

interface CardBody {
  readonly frame: Html;
  readonly text: Html;
}

/** The code of the reason follows the sentence below the headline. */
const headlines: Readonly<Record<RejectionReason, string>> = {
  empty: 'Empty file',
  'too-many-bytes': 'File too large',
  'too-many-pixels': 'Too many pixels',
  'too-many-frames': 'Too many frames',
  'too-complex': 'Too complex to decode',
  'unsupported-format': 'Format not supported',
  unreadable: 'File cannot be read',
  corrupt: 'Damaged file',
  malware: 'Malware found',
};

/** The card of an upload that has no renditions. */
function verdict(result: UploadResult): CardBody {
  const { key, outcome = 'undecided', record } = result;
  const sentences = remark(result).map((sentence) => html`<p>${sentence.slice(`${key}: `.length)}</p>`);
  return {
    frame: html`<div class="frame"><span class="reason">${record?.outcome === 'rejected' ? headlines[record.reason] : outcome}</span></div>`,
    text: html`${sentences}${facts([
      ['File', prettyBytes(result.bytes)],
      ['Time', seconds(result.took)],
    ])}`,
  };
}

function picture(
  result: UploadResult,
  metadata: Metadata,
  renditions: readonly SavedRendition[],
  directory: string,
): CardBody {
  const placeholder = thumbHashToDataURL(Buffer.from(metadata.thumbhash, 'base64'));
  const rows = renditions.map((rendition) => renditionRow(rendition, metadata, directory));
  const { width, height, format, bytes, dominantColour, frames, damaged, location } = metadata;
  const warnings = [
    ...(frames > 1 ? [framesShown(frames, renditions)] : []),
    ...(damaged ? ['The file is slightly damaged, but the image could be read.'] : []),
  ];
  return {
    frame: html`<div class="frame">${image(metadata, renditions, placeholder, directory)}</div>`,
    text: html`${warnings.map((warning) => html`<p>${warning}</p>`)}${facts([
      ['Original', html`${width} × ${height} ${format}, ${prettyBytes(bytes)}`],
      ['Camera', cameraName(metadata)],
      ['Taken', metadata.capturedAt?.replace('T', ' ') ?? ''],
      ['Position', location === undefined ? '' : `${location.latitude.toFixed(5)}, ${location.longitude.toFixed(5)}`],
      [
        'Colour',
        html`<span class="swatch" style="background:${dominantColour}"></span> ${dominantColour}, ${metadata.colourSpace}`,
      ],
      [
        'Placeholder',
        html`<img class="thumbhash" src="${placeholder}" alt="The ThumbHash, enlarged"> ThumbHash, ${Buffer.from(metadata.thumbhash, 'base64').length} bytes`,
      ],
      ['Time', seconds(result.took)],
    ])}
  <table>
    <thead><tr><th>Rendition<th>Pixels<th>Bytes<th>Of original</thead>
    <tbody>${rows}</tbody>
  </table>${comparison(renditions, directory)}`,
  };
}

function framesShown(frames: number, renditions: readonly SavedRendition[]): string {
  const moving = renditions.filter((rendition) => rendition.frames !== undefined).map(({ preset }) => preset);
  return moving.length > 0
    ? `Animation of ${frames} frames. These renditions move: ${moving.join(', ')}.`
    : `Shows the first of ${frames} frames.`;
}

function image(
  { width, height }: Metadata,
  renditions: readonly SavedRendition[],
  placeholder: string,
  directory: string,
): Html {
  const whole = renditions.filter((rendition) => isSameShape(rendition, { width, height }));
  const webp = whole.filter(({ contentType }) => contentType === 'image/webp');
  const shown = ([webp, whole].find((some) => some.length > 0) ?? renditions).toSorted(
    (one, other) => one.width - other.width,
  );
  const [smallest] = shown;
  const largest = shown.at(-1);
  if (smallest === undefined || largest === undefined) return html`<span class="reason">no renditions</span>`;
  const sources = shown.map((rendition) => `${address(rendition, directory)} ${rendition.width}w`).join(', ');
  return html`<a href="${address(largest, directory)}"><img loading="lazy" width="${width}" height="${height}" alt=""
    style="background-image:url(${placeholder})" src="${address(smallest, directory)}" srcset="${sources}"
    sizes="(min-width: 48rem) 24rem, 100vw"></a>`;
}

/** Neither cropped nor padded: a browser may choose any of these for the same place. Sizes are rounded to pixels. */
function isSameShape(rendition: Size, image: Size): boolean {
  const expected = (rendition.width * image.height) / image.width;
  return Math.abs(rendition.height - expected) <= Math.max(1, expected / rendition.width);
}

function renditionRow(rendition: SavedRendition, { bytes }: Metadata, directory: string): Html {
  return html`
      <tr><td><a href="${address(rendition, directory)}">${rendition.preset}</a>
        <td>${rendition.width} × ${rendition.height}<td>${prettyBytes(rendition.bytes)}<td>${share(rendition.bytes, bytes)}`;
}

/** Every rendition at the same display width, to compare formats and sizes by eye. */
function comparison(renditions: readonly SavedRendition[], directory: string): Html {
  const figures = renditions.map(
    (rendition) => html`
      <figure><a href="${address(rendition, directory)}"><img loading="lazy" width="${rendition.width}"
        height="${rendition.height}" alt="" src="${address(rendition, directory)}"></a>
        <figcaption>${rendition.preset}, ${prettyBytes(rendition.bytes)}</figcaption></figure>`,
  );
  return html`
  <details><summary>Compare renditions</summary><div class="comparison">${figures}</div></details>`;
}

/** A rendition is usually smaller than its original in pixels too, so this is not the compression ratio. */
function share(bytes: number, originalBytes: number): string {
  const percent = (bytes / originalBytes) * 100;
  return percent < 1 ? '< 1 %' : `${Math.round(percent)} %`;
}

/** Leaves out unknown facts. */
function facts(entries: readonly (readonly [string, string | Html])[]): Html {
  const known = entries.filter(([, value]) => value !== '');
  return html`<dl>${known.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function cameraName({ camera }: Metadata): string {
  const { make = '', model = '' } = camera ?? {};
  // Many manufacturers repeat their name in the model.
  return model.toLowerCase().startsWith(make.toLowerCase()) ? model : `${make} ${model}`.trim();
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Relative, so that the directory can be moved or sent as a whole. */
function address({ file }: SavedRendition, directory: string): string {
  return relative(directory, file).split('/').map(encodeURIComponent).join('/');
}
