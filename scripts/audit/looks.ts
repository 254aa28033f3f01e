/**
 * Two looks at every image. While the pipeline works, a listing of one bucket is older than that of the other, so one look
 * proves nothing. A finding is what both looks see, some minutes apart, of an image that did not change between them.
 */
import pMap, { pMapIterable } from 'p-map';
import { findingsIn, type ImageFacts, repairsOf, type StoredRendition } from '../../core/audit.ts';
import type { ImageId, Sequencer, UploadAddress } from '../../core/image.ts';
import type { Preset } from '../../core/presets.ts';
import { shownBy } from '../../core/settings.ts';
import { type Candidate, type Confirmed, everyOf, type Notebook, type Noted } from '../stack/notebook.ts';
import type { Sources } from '../stack/sources.ts';

/** Images looked at together. Also how much of the audit a stop repeats. */
const BATCH = 500;
// Together at most 48 requests: the SDK opens 50 connections.
const AT_ONCE = 8;
const HEADERS_AT_ONCE = 6;
const imageIdPattern = /^[0-9a-f]{32}$/;

export interface Audit {
  readonly notebook: Notebook;
  readonly sources: Sources;
  readonly presets: readonly Preset[];
  /** Only images with a prefix are audited: renditions of others are ignored. */
  readonly partial: boolean;
  readonly sequencerAt: (time: string) => Sequencer;
  readonly report: (progress: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The first look: everything that does not agree becomes a candidate. Goes on where it stopped. */
export async function firstLook(audit: Audit): Promise<number> {
  const { notebook, sources, presets, report, signal } = audit;
  const judge = async (facts: ImageFacts) => {
    // Its bucket was adopted, and was given up: nothing here knows what is in it now.
    if (facts.record !== undefined && !sources.buckets.includes(facts.record.bucket)) return { facts, findings: [] };
    const whole = { ...facts, renditions: await withHeaders(facts, sources) };
    return { facts: whole, findings: findingsIn(whole, presets) };
  };
  let seen = Number(notebook.place('seen') ?? 0);
  let batch: Awaited<ReturnType<typeof judge>>[] = [];
  const save = () => {
    const last = batch.findLast(({ facts }) => imageIdPattern.test(facts.imageId));
    const candidates = batch.flatMap(({ facts, findings }) =>
      findings.length === 0
        ? []
        : [{ imageId: facts.imageId, address: addressOf(facts), state: stateOf(facts), findings: [...findings] }],
    );
    notebook.noteCandidates(candidates, last?.facts.imageId ?? notebook.place('judged') ?? '');
    notebook.setPlace('seen', String(seen));
    batch = [];
    report(`${seen} images compared`);
  };
  for await (const judged of pMapIterable(imagesOf(audit, notebook.place('judged')), judge, { concurrency: AT_ONCE })) {
    batch.push(judged);
    seen += 1;
    if (batch.length >= BATCH) save();
    signal?.throwIfAborted();
  }
  save();
  return seen;
}

/** The second look, at candidates only: what is still there. Goes on where it stopped. */
export async function secondLook({ notebook, sources, presets, sequencerAt, report, signal }: Audit): Promise<void> {
  const look = async ({ imageId, address, state, findings }: Candidate) => {
    const facts = await sources.look(imageId, address);
    if (stateOf(facts) !== state) return;
    const before = new Set(findings.map((finding) => JSON.stringify(finding)));
    const still = findingsIn(facts, presets).filter((finding) => before.has(JSON.stringify(finding)));
    if (still.length > 0)
      notebook.noteConfirmed({ imageId, address, findings: still, repairs: repairsOf(facts, still, sequencerAt) });
  };
  let looked = 0;
  const candidates = everyOf(notebook.candidates, notebook.place('confirmed'));
  for await (const imageId of pMapIterable(
    candidates,
    async (candidate) => {
      await look(candidate);
      return candidate.imageId;
    },
    { concurrency: AT_ONCE },
  )) {
    looked += 1;
    if (looked % BATCH === 0) {
      notebook.setPlace('confirmed', imageId);
      report(`${looked} looked at again`);
    }
    signal?.throwIfAborted();
  }
}

/** After a repair: the findings that remain, if any, and their repairs. */
export async function lookForRest({ notebook, sources, presets, sequencerAt, report, signal }: Audit): Promise<void> {
  let looked = 0;
  const look = async ({ imageId, address }: Confirmed) => {
    const facts = await sources.look(imageId, address);
    const findings = findingsIn(facts, presets);
    return { imageId, address, findings, repairs: repairsOf(facts, findings, sequencerAt) };
  };
  for await (const rest of pMapIterable(everyOf(notebook.confirmed), look, { concurrency: AT_ONCE })) {
    if (rest.findings.length === 0) notebook.forget(rest.imageId);
    else notebook.noteConfirmed(rest);
    looked += 1;
    if (looked % BATCH === 0) report(`${looked} looked at`);
    signal?.throwIfAborted();
  }
}

/** Which state of the image this is. */
function stateOf({ upload, record }: ImageFacts): string {
  return JSON.stringify([upload?.versionId ?? upload?.etag, record?.sequencer, record?.recordedAt]);
}

function addressOf({ upload, record }: ImageFacts): UploadAddress | undefined {
  const found = upload ?? record;
  return found?.key === undefined ? undefined : { bucket: found.bucket, key: found.key };
}

/** Only of renditions in use: an orphan's do not matter. */
async function withHeaders({ record, renditions }: ImageFacts, sources: Sources): Promise<readonly StoredRendition[]> {
  const sizes = new Map(record && shownBy(record)?.renditions.map(({ key, bytes }) => [key, bytes]));
  return await pMap(
    renditions,
    async (rendition) =>
      sizes.get(rendition.key) === rendition.bytes
        ? { ...rendition, headers: await sources.headersOf(rendition.key) }
        : rendition,
    { concurrency: HEADERS_AT_ONCE },
  );
}

/** Joins the notebook with the listing of renditions. Both are sorted by image, so only one image is held at a time. */
async function* imagesOf(
  { notebook, sources, partial }: Audit,
  after: ImageId | undefined,
): AsyncGenerator<ImageFacts> {
  const from = after === '' ? undefined : after;
  if (partial) {
    for (const image of everyOf(notebook.images, from))
      yield { ...image, renditions: await sources.renditionsOf(image.imageId) };
    return;
  }
  const rest = upTo(everyOf(notebook.images, from));
  for await (const group of grouped(sources.renditions(from))) {
    let own: Noted | undefined;
    // A key of another shape belongs to no image, and has no place in their order.
    for (const image of imageIdPattern.test(group.imageId) ? rest(group.imageId) : []) {
      if (image.imageId === group.imageId) own = image;
      else yield alone(image);
    }
    yield { ...own, ...group };
  }
  for (const image of rest(undefined)) yield alone(image);
}

/** Each call continues where the last one ended, up to and including the given image, or to the end. */
function upTo(images: Generator<Noted>) {
  let next = images.next();
  return function* (last: ImageId | undefined): Generator<Noted> {
    for (; !next.done && (last === undefined || next.value.imageId <= last); next = images.next()) yield next.value;
  };
}

function alone(image: Noted): ImageFacts {
  return { ...image, renditions: [] };
}

/** Consecutive renditions of one image. A key of any other shape is a separate group. */
async function* grouped(renditions: AsyncIterable<StoredRendition>) {
  let group: { imageId: ImageId; renditions: StoredRendition[] } | undefined;
  for await (const rendition of renditions) {
    const [first = ''] = rendition.key.split('/');
    const imageId = imageIdPattern.test(first) ? first : rendition.key;
    if (group?.imageId === imageId) group.renditions.push(rendition);
    else {
      if (group !== undefined) yield group;
      group = { imageId, renditions: [rendition] };
    }
  }
  if (group !== undefined) yield group;
}
