import { useEffect, useRef, useState } from 'preact/hooks';
import * as z from 'zod/mini';
import { photographsAddress } from './address.ts';
import type { Inside } from './api.ts';
import type { Gallery } from './gallery.ts';
import { itemsOf } from './gallery-state.ts';
import { useMedia, useStore } from './hooks.ts';
import { advance, type Drawing, isVisible, type Station, stations, type Token, tall, wide } from './inside-path.ts';
import { placeholderOf } from './preview.ts';
import { pictureOf } from './renditions.ts';
import { clockText } from './text.ts';

const TICK = 450;
const ASK_EVERY = 1000;
/** Samples of the queue's depth: as many seconds. */
const REMEMBERED = 90;
const SHOWN_EVENTS = 20;
/** More images at one station are only counted. */
const DRAWN = 4;

type Look =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'there'; readonly inside: Inside; readonly depths: readonly number[] };

export function InsideView({ gallery }: { readonly gallery: Gallery }) {
  const look = useInside(gallery);
  const inside = look.kind === 'there' ? look.inside : undefined;
  const running = inside?.queue.running ?? 0;
  const tokens = useTokens(gallery, running);
  const narrow = useMedia('(max-width: 760px)');
  return (
    <>
      <div class="toolbar">
        <div>
          <h1>Inside the pipeline</h1>
          <p class="summary">
            Watch your photographs move through the pipeline. Drop some here, or add them in{' '}
            <a href={photographsAddress}>Photographs</a> or in a second window.
          </p>
        </div>
      </div>
      <Diagram drawing={narrow ? tall : wide} tokens={tokens} running={running} />
      <dl class="gauges">
        <Gauge
          name="Waiting in the queue"
          value={inside?.queue.waiting}
          depths={look.kind === 'there' ? look.depths : []}
          hint="Photographs in SQS that the dispatcher has not taken yet."
        />
        <Gauge
          name="Being processed"
          value={inside?.queue.running}
          hint="Describe and Resize workers are busy with each of them."
        />
      </dl>
      <Events events={inside?.events ?? []} />
    </>
  );
}

function useInside(gallery: Gallery): Look {
  const [look, setLook] = useState<Look>({ kind: 'waiting' });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const ask = async () => {
      const answer = document.visibilityState === 'visible' ? await gallery.api.readInside() : undefined;
      if (stopped) return;
      if (answer?.ok === true) {
        const inside = answer.value;
        setLook((before) => ({ kind: 'there', inside, depths: remembered(before, inside) }));
      }
      timer = setTimeout(() => void ask(), ASK_EVERY);
    };
    void ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [gallery]);
  return look;
}

function remembered(before: Look, { queue }: Inside): readonly number[] {
  return [...(before.kind === 'there' ? before.depths : []), queue.waiting].slice(-REMEMBERED);
}

function useTokens(gallery: Gallery, running: number): readonly Token[] {
  const state = useStore(gallery.images);
  const latest = useRef({ state, running });
  latest.current = { state, running };
  const [tokens, setTokens] = useState<ReadonlyMap<string, Token>>(new Map());
  useEffect(() => {
    const tick = () => setTokens((before) => advance(before, itemsOf(latest.current.state), latest.current.running));
    tick();
    const timer = setInterval(tick, TICK);
    return () => clearInterval(timer);
  }, []);
  return [...tokens.values()].filter(isVisible);
}

interface DiagramProps {
  readonly drawing: Drawing;
  readonly tokens: readonly Token[];
  /** Images that workers are busy with. */
  readonly running: number;
}

const names: Readonly<Record<Station, readonly [name: string, service: string]>> = {
  upload: ['Upload', 'S3 bucket'],
  route: ['Route', 'EventBridge'],
  queue: ['Queue', 'SQS'],
  dispatch: ['Dispatch', 'Lambda'],
  workflow: ['Workflow', 'Step Functions'],
  record: ['Record', 'DynamoDB'],
  announce: ['Announce', 'EventBridge'],
};

function Diagram({ drawing, tokens, running }: DiagramProps) {
  const { width, height, boxes, arrows } = drawing;
  const at = (station: Station) => tokens.filter((token) => stations[token.station] === station);
  const busy = at('workflow').length > 0 || running > 0;
  return (
    <figure class="diagram">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={spoken(tokens)}>
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {arrows.map((path) => (
          <path key={path} class="arrow" d={path} marker-end="url(#arrow)" />
        ))}
        {stations.map((station) => {
          const box = boxes[station];
          const [name, service] = names[station];
          return (
            <g key={station} class={at(station).length > 0 ? 'station active' : 'station'}>
              <rect {...box} rx="12" />
              <text x={box.x + 16} y={box.y + 30} class="station-name">
                {name}
              </text>
              <text x={box.x + 16} y={box.y + 50} class="station-service">
                {service}
              </text>
              {at(station).length > 1 && (
                <text x={drawing.tokens[station].x - 52} y={drawing.tokens[station].y + 5} class="station-count">
                  {at(station).length}
                </text>
              )}
            </g>
          );
        })}
        {(['describe', 'resize'] as const).map((worker) => {
          const box = boxes[worker];
          return (
            <g key={worker} class={busy ? 'worker busy' : 'worker'}>
              <rect {...box} rx="8" />
              <text x={box.x + box.width / 2} y={box.y + box.height / 2 + 5} text-anchor="middle">
                {worker === 'describe' ? 'Describe' : 'Resize'}
              </text>
            </g>
          );
        })}
        {tokens.map((token) => (
          <Moving key={token.item.key} token={token} drawing={drawing} place={placeOf(token, tokens)} />
        ))}
      </svg>
    </figure>
  );
}

function placeOf(token: Token, tokens: readonly Token[]): number {
  return tokens.filter(({ station }) => station === token.station).indexOf(token);
}

function Moving({
  token,
  drawing,
  place,
}: {
  readonly token: Token;
  readonly drawing: Drawing;
  readonly place: number;
}) {
  const { item, station } = token;
  const name = stations[station] ?? 'announce';
  const { x, y } = drawing.tokens[name];
  const shift = Math.min(place, DRAWN - 1) * 7;
  const source = thumbnailOf(token);
  const failed = item.stage.kind === 'rejected' || item.stage.kind === 'failed';
  return (
    <g
      class={`token ${failed ? 'failed' : item.stage.kind} ${place >= DRAWN ? 'hidden' : ''}`}
      style={{ transform: `translate(${x - shift}px, ${y - shift / 3}px)` }}
    >
      <title>{item.name}</title>
      <rect class="token-back" x="-24" y="-18" width="48" height="36" rx="5" />
      {source === undefined && !failed && <path class="token-blank" d="M-16 10L-6 -4L2 6L7 0L16 10z" />}
      {source !== undefined && (
        <image href={source} x="-22" y="-16" width="44" height="32" preserveAspectRatio="xMidYMid slice" />
      )}
      {failed && <path class="cross" d="M-6 -6L6 6M6 -6L-6 6" />}
    </g>
  );
}

function thumbnailOf({ item: { image, upload } }: Token): string | undefined {
  const small = pictureOf(image?.renditions ?? [], 'small')
    ?.sources.at(-1)
    ?.srcset.split(' ')[0];
  const thumbhash = image?.metadata?.thumbhash;
  return small ?? (thumbhash === undefined ? undefined : placeholderOf(thumbhash)) ?? upload?.preview?.source;
}

function spoken(tokens: readonly Token[]): string {
  const path =
    'The pipeline: upload bucket, EventBridge, queue, dispatcher, workflow with describe and resize, record, event.';
  const places = stations.flatMap((station, index) => {
    const count = tokens.filter((token) => token.station === index).length;
    return count === 0 ? [] : [`${count} at ${names[station][0].toLowerCase()}`];
  });
  return `${path} ${places.length === 0 ? 'No photographs are in the pipeline.' : `${places.join(', ')}.`}`;
}

interface GaugeProps {
  readonly name: string;
  readonly value: number | undefined;
  readonly hint: string;
  readonly depths?: readonly number[];
}

function Gauge({ name, value, hint, depths = [] }: GaugeProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="value">
        {value ?? '–'}
        {depths.length > 1 && <Sparkline values={depths} />}
      </dd>
      <dd class="hint">{hint}</dd>
    </div>
  );
}

function Sparkline({ values }: { readonly values: readonly number[] }) {
  const highest = Math.max(1, ...values);
  const step = 120 / (REMEMBERED - 1);
  const start = (REMEMBERED - values.length) * step;
  const points = values.map(
    (value, index) => `${(start + index * step).toFixed(1)},${(30 - (value / highest) * 28).toFixed(1)}`,
  );
  return (
    <svg class="sparkline" viewBox="0 0 120 32" width="120" height="32" aria-hidden="true">
      <path class="ground" d="M0 31H120" />
      <polyline points={points.join(' ')} />
    </svg>
  );
}

type Event = Inside['events'][number];

function Events({ events }: { readonly events: readonly Event[] }) {
  return (
    <section class="events">
      <h2>Latest events</h2>
      {events.length === 0 && <p class="hint">No events yet. The pipeline's events appear here, newest first.</p>}
      <ul hidden={events.length === 0}>
        {events.slice(0, SHOWN_EVENTS).map((event, index) => (
          <li key={textOf(event, 'id') || index}>
            <details>
              <summary>
                <span class={`event-type ${textOf(event, 'detail-type')}`}>
                  {textOf(event, 'detail-type') || 'Event'}
                </span>
                <span class="event-image">{imageNameOf(event)}</span>
                <time>{textOf(event, 'time') && clockText(textOf(event, 'time'))}</time>
              </summary>
              <pre>
                <code>{JSON.stringify(event, null, 2)}</code>
              </pre>
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

const detail = z.object({ image: z.object({ key: z.string() }) });

function imageNameOf(event: Event): string {
  return detail.safeParse(event['detail']).data?.image.key.split('/').at(-1) ?? '';
}

function textOf(event: Event, name: string): string {
  const value = event[name];
  return typeof value === 'string' ? value : '';
}
