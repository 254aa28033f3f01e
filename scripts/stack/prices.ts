/**
 * What requests cost in us-east-1, in US dollars, for commands that state their price before they spend, and for gallery/cost.
 * lab/cost/prices.ts has the sources and all other prices; a test there compares the two.
 */
export const requestPrices = {
  /** PUT, COPY, POST or LIST. */
  s3Write: 5 / 1_000_000,
  /** GET or HEAD. */
  s3Read: 0.4 / 1_000_000,
  /** 4 KB, strongly consistent; half of it otherwise. */
  dynamoDbRead: 0.125 / 1_000_000,
  /** 1 KB. */
  dynamoDbWrite: 0.625 / 1_000_000,
  /** Up to 64 KB. */
  sqsRequest: 0.4 / 1_000_000,
  functionRequest: 0.2 / 1_000_000,
  /** On arm64. */
  functionGigabyteSecond: 0.0000133334,
  /** Of a STANDARD workflow. */
  stateTransition: 25 / 1_000_000,
  /** 64 KB of an event. */
  customEvent: 1 / 1_000_000,
  /** After the first thousand of a month. */
  invalidationPath: 0.005,
  /** Recorded by X-Ray. */
  trace: 5 / 1_000_000,
  logGigabyte: 0.5,
  /** Of one metric. */
  alarmMonth: 0.1,
  dashboardMonth: 3,
} as const;

/** For processing one upload of a photograph, from its event in the queue to the domain event. */
export function imagePrice(renditions: number): number {
  return (28 + 7.5 * renditions) / 1_000_000;
}

const READ_UNIT_BYTES = 4096;

/** For reading a whole table once, eventually consistent. */
export function scanPrice(tableBytes: number): number {
  return (tableBytes / READ_UNIT_BYTES / 2) * requestPrices.dynamoDbRead;
}

const STORAGE_PER_GB_MONTH = 0.023;

/** S3 Standard. */
export function monthlyStoragePrice(bytes: number): number {
  return (bytes / 1_000_000_000) * STORAGE_PER_GB_MONTH;
}

export function shownPrice(usd: number): string {
  return usd < 0.01 ? 'less than US$ 0.01' : `about US$ ${usd.toFixed(2)}`;
}
