/** `npm run cost` in gallery/: calculates gallery/docs/cost.md from the template, the price lists and the assumptions below. */
import { readFile, writeFile } from 'node:fs/promises';
import { requestPrices } from '../../scripts/stack/prices.ts';
import {
  at,
  metricsOf,
  numberAt,
  ofType,
  readTemplate,
  type Stage,
  type Template,
  templateFor,
} from '../../scripts/template/template.ts';
import { freeEachMonth, PRICES_OF, prices, sharedPrices } from './prices.ts';

const page = new URL('../docs/cost.md', import.meta.url);
const MILLION = 1_000_000;
const MONTH_HOURS = 730;

/** Not measured in an account. Each is one number, so that a month of real traffic can correct it. */
export const assumptions = {
  /** Of a rendition in the grid. */
  pictureBytes: 30_000,
  /** As the page asks for them, and bytes of each in the answer. */
  listedImages: 50,
  listedImageBytes: 1_500,
  /** Bytes of an image with its renditions in the table, and while it is on its way. */
  imageItemBytes: 2_000,
  progressItemBytes: 900,
  /** Milliseconds of a call, mostly waiting for DynamoDB. */
  authorizerMillis: 10,
  apiMillis: 50,
  recordChangeMillis: 80,
  /** Of one invocation: Lambda's own lines in JSON. */
  logBytes: 710,
  /** X-Ray's default rule, without the first call of each second. */
  tracedShare: 0.05,
  /** That a person has open during an upload. */
  windows: 1,
  /** Pollers of an event source mapping ask three times per minute, also if there is nothing. */
  pollers: 5,
  pollsPerMinute: 3,
} as const;

/** S3's, ImageDescribed and ImageProcessed. */
const EVENTS_PER_UPLOAD = 3;

export interface Line {
  readonly what: string;
  /** US dollars, for one. */
  readonly usd: number;
}

const gallery = readTemplate('gallery/template.yaml');
const templateOf = (stage: Stage, parameters: Readonly<Record<string, string>> = {}): Template =>
  templateFor(stage, { CookieKeyGroupId: 'group', ...parameters }, gallery);
const prod = templateOf('prod');

/** One invocation, with its log and its trace. */
function invocation(id: string, millis: number): number {
  const gigabytes = numberAt(prod.resources.get(`${id}Function`)?.Properties['MemorySize']) / 1024;
  const { functionRequest, functionGigabyteSecond, logGigabyte, trace } = requestPrices;
  return (
    functionRequest +
    (gigabytes * millis * functionGigabyteSecond) / 1000 +
    (assumptions.logBytes / 1e9) * logGigabyte +
    assumptions.tracedShare * trace
  );
}

/** A call of a person, through CloudFront. */
function apiCall(id: string, answerBytes: number): number {
  const { cloudFrontRequest, cloudFrontTransfer } = prices;
  return (
    prices.apiCall.usd +
    cloudFrontRequest.usd +
    (answerBytes / 1e9) * cloudFrontTransfer.usd +
    // As if API Gateway remembered no answer of the authorizer, which it does for five minutes.
    invocation('AuthorizeCall', assumptions.authorizerMillis) +
    invocation(id, assumptions.apiMillis) +
    // The count of the person's calls.
    requestPrices.dynamoDbWrite
  );
}

const writeUnits = (bytes: number) => Math.ceil(bytes / 1024);

/** Of all events of an upload: a transaction of the image and the cursor, and the two indexes. */
function recordedWrites(): number {
  const { progressItemBytes, imageItemBytes } = assumptions;
  const sizes = [progressItemBytes, progressItemBytes, imageItemBytes].map(writeUnits);
  return sizes.reduce((sum, units, index) => {
    const before = sizes[index - 1] ?? 0;
    const transaction = 2 * (units + 1);
    // The cursor is the key of byCursor, so its entry moves: a deletion and a write. byTime keeps its key.
    return sum + transaction + before + units + units;
  }, 0);
}

/** Without what the pipeline costs. */
export function uploadLines(): readonly Line[] {
  const { sqsRequest, dynamoDbRead, dynamoDbWrite, s3Write, customEvent } = requestPrices;
  const perEvent = (usd: number) => EVENTS_PER_UPLOAD * usd;
  return [
    { what: 'ticket: API, CloudFront, two functions, the count of calls', usd: apiCall('CreateUpload', 1_500) },
    { what: 'the form with the file, a POST to S3', usd: s3Write },
    { what: 'ImageDescribed, which the pipeline publishes for the page', usd: customEvent },
    { what: 'three events in the queue: send, receive, delete', usd: perEvent(3 * sqsRequest) },
    {
      what: 'three calls of record-changes',
      usd: perEvent(invocation('RecordChanges', assumptions.recordChangeMillis)),
    },
    { what: 'table, writes', usd: recordedWrites() * dynamoDbWrite },
    { what: 'table, reads: cursor, image, and the windows that are open', usd: perEvent(2.5 * dynamoDbRead) },
    { what: 'three live messages to one window', usd: perEvent(assumptions.windows * prices.liveMessage.usd) },
  ];
}

/** A page of the list, without pictures. */
export function listUsd(): number {
  const { listedImages, imageItemBytes, listedImageBytes } = assumptions;
  const readUnits = Math.ceil((listedImages * imageItemBytes) / 4096);
  return apiCall('ListImages', listedImages * listedImageBytes) + readUnits * requestPrices.dynamoDbRead;
}

/** Of pictures, in a month. `free` subtracts what is free in each month. */
export function viewsUsd(views: number, way: 'CloudFront' | 'S3', { free }: { readonly free: boolean }): number {
  const gigabytes = (views * assumptions.pictureBytes) / 1e9;
  const billed = (quantity: number, freeOnes: number) => Math.max(0, quantity - (free ? freeOnes : 0));
  // As if CloudFront's caches never had it. The transfer from S3 to CloudFront is free.
  const reads = views * requestPrices.s3Read;
  return way === 'S3'
    ? reads + billed(gigabytes, freeEachMonth.transferOutGigabytes) * prices.transferOut.usd
    : reads +
        billed(views, freeEachMonth.cloudFrontRequests) * prices.cloudFrontRequest.usd +
        // Of the path.
        billed(views, freeEachMonth.cloudFrontFunctionCalls) * prices.cloudFrontFunction.usd +
        billed(gigabytes, freeEachMonth.cloudFrontGigabytes) * prices.cloudFrontTransfer.usd;
}

/** Per month, without people. */
export function idleLines(stage: Exclude<Stage, 'local'>): readonly Line[] {
  const template = templateOf(stage);
  const count = (type: string) => ofType(template, type).length;
  const queues = ofType(template, 'AWS::Serverless::Function')
    .flatMap(([, { Properties }]) => Object.values(Properties['Events'] ?? {}))
    .filter((event) => at(event, 'Type') === 'SQS').length;
  const alarmMetrics = ofType(template, 'AWS::CloudWatch::Alarm').reduce((sum, [, alarm]) => sum + metricsOf(alarm), 0);
  const polls = assumptions.pollers * assumptions.pollsPerMinute * 60 * MONTH_HOURS;
  return [
    { what: 'secret', usd: count('AWS::SecretsManager::Secret') * prices.secret.usd },
    { what: 'alarms', usd: alarmMetrics * requestPrices.alarmMonth },
    { what: 'dashboard', usd: count('AWS::CloudWatch::Dashboard') * requestPrices.dashboardMonth },
    { what: `polling of ${queues} queues`, usd: queues * polls * requestPrices.sqsRequest },
  ];
}

/** `Firewall=true`. */
export function firewallUsd(): { readonly month: number; readonly call: number } {
  const template = templateOf('prod', { Firewall: 'true' });
  const rules = ofType(template, 'AWS::WAFv2::WebACL').flatMap(([, { Properties }]) =>
    [Properties['Rules'] ?? []].flat(),
  );
  const secrets = (one: Template) => ofType(one, 'AWS::SecretsManager::Secret').length;
  return {
    month:
      prices.firewall.usd +
      rules.length * prices.firewallRule.usd +
      (secrets(template) - secrets(prod)) * prices.secret.usd,
    // The function that says the viewer's address.
    call: prices.firewallRequest.usd + prices.cloudFrontFunction.usd,
  };
}

/** The smallest cache, and what an answer from it saves. */
export function cacheUsd(): { readonly month: number; readonly hit: number; readonly breakEven: number } {
  const month = prices.responseCache.usd * MONTH_HOURS;
  const { listedImages, listedImageBytes } = assumptions;
  const stillPaid = prices.apiCall.usd + prices.cloudFrontRequest.usd;
  const transfer = ((listedImages * listedImageBytes) / 1e9) * prices.cloudFrontTransfer.usd;
  // The authorizer is still asked.
  const hit = listUsd() - stillPaid - transfer - invocation('AuthorizeCall', assumptions.authorizerMillis);
  return { month, hit, breakEven: month / hit };
}

const sum = (lines: readonly Line[]) => lines.reduce((total, { usd }) => total + usd, 0);
const dollars = (usd: number) => `$${usd.toFixed(2)}`;
const millions = (count: number) => `${(count / MILLION).toFixed(0)} million`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '-' : '-:'))), ...rows.map(line)].join('\n');
}

export function costBlocks(): Readonly<Record<string, string>> {
  const uploads = uploadLines();
  const stages = ['dev', 'prod'] as const;
  const idle = stages.map(idleLines);
  const firewall = firewallUsd();
  const cache = cacheUsd();
  const view = (views: number, way: 'CloudFront' | 'S3') => [
    dollars(viewsUsd(views, way, { free: false })),
    dollars(viewsUsd(views, way, { free: true })),
  ];
  return {
    summary: table(
      ['', 'US$'],
      [
        ['a thousand photographs uploaded: ticket, events, table, live messages', dollars(1000 * sum(uploads))],
        [
          `a million views of a picture of ${assumptions.pictureBytes / 1000} kB, through CloudFront`,
          view(MILLION, 'CloudFront')[0] ?? '',
        ],
        ['the same from the bucket, without CloudFront', view(MILLION, 'S3')[0] ?? ''],
        [
          `a million views of a list of ${assumptions.listedImages} photographs, without the pictures`,
          dollars(MILLION * listUsd()),
        ],
        ...stages.map((stage, index) => [`an idle month, stage \`${stage}\``, dollars(sum(idle[index] ?? []))]),
      ],
    ),
    upload: table(
      ['part', 'US$ per million'],
      [
        ...uploads.map(({ what, usd }) => [what, dollars(MILLION * usd)]),
        ['**all**', `**${dollars(MILLION * sum(uploads))}**`],
      ],
    ),
    views: table(
      ['views in a month', 'CloudFront', 'with its free tier', 'S3', 'with the free transfer'],
      [1, 10, 100].map((count) => [
        millions(count * MILLION),
        ...view(count * MILLION, 'CloudFront'),
        ...view(count * MILLION, 'S3'),
      ]),
    ),
    idle: table(
      ['part', ...stages.map((stage) => `\`${stage}\``)],
      [
        ...(idle[0] ?? []).map(({ what }, line) => [what, ...idle.map((lines) => dollars(lines[line]?.usd ?? 0))]),
        ['**all**', ...idle.map((lines) => `**${dollars(sum(lines))}**`)],
      ],
    ),
    options: table(
      ['option', 'per month', 'per million calls'],
      [
        ['firewall for the API: parameter `Firewall=true`', dollars(firewall.month), dollars(MILLION * firewall.call)],
        [
          'cache of the API, 0.5 GB, not in the template',
          dollars(cache.month),
          `saves ${dollars(MILLION * cache.hit)} if all are in it`,
        ],
      ],
    ),
    cache: `**The cache** would hold answers of the API, and pay from ${(cache.breakEven / MILLION).toFixed(1)} million of them per month.`,
    prices: [
      table(
        ['price', 'US$', 'per'],
        [...Object.values(prices), ...sharedPrices.map((one) => ({ ...one, usd: requestPrices[one.name] }))].map(
          ({ label, usd, per, source }) => [`[${label}](${source})`, shown(usd), per],
        ),
      ),
      '',
      `Of ${PRICES_OF}, us-east-1.`,
    ].join('\n'),
  };
}

/** Small ones for a million. */
function shown(usd: number): string {
  return usd >= 0.001 ? String(usd) : `${Number((usd * MILLION).toPrecision(6))} per million`;
}

/** Replaces what is between the marks of each block. */
export function withBlocks(text: string, blocks = costBlocks()): string {
  return Object.entries(blocks).reduce((current, [name, content]) => {
    const marks = new RegExp(`(<!-- generated: ${name} -->)[^]*?(<!-- end of generated: ${name} -->)`);
    if (!marks.test(current)) throw new Error(`gallery/docs/cost.md has no place for ${name}.`);
    return current.replace(marks, (_, start: string, end: string) => `${start}\n\n${content}\n\n${end}`);
  }, text);
}

export const costPage = page;

if (import.meta.main) await writeFile(page, withBlocks(await readFile(page, 'utf8')));
