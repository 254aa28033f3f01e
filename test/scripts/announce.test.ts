import { randomUUID } from 'node:crypto';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { domainEvents } from '../../adapters/contracts/domain-events.ts';
import type { ImageRecord, NamedRecord } from '../../core/record.ts';
import { announceCommand } from '../../scripts/announce/announce.ts';
import {
  announce,
  announceImages,
  describeAnnouncement,
  planAnnouncement,
} from '../../scripts/announce/announce-images.ts';
import { openAnnouncementNotebook, type Reached } from '../../scripts/announce/announcement-notebook.ts';
import { snapshotOf } from '../../scripts/announce/snapshot.ts';
import { deleteNotebook, notebookPath } from '../../scripts/stack/notebook.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { type Delivered, ExampleConsumer } from '../support/example-consumer.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const imageIdOf = (index: number) => index.toString(16).padStart(32, '0');
const sequencerOf = (version: number) => version.toString(16).toUpperCase().padStart(32, '0');

function recordOf(outcome: ImageRecord['outcome'], version: number, image = 1): NamedRecord {
  const names = { imageId: imageIdOf(image), sequencer: sequencerOf(version) };
  const { metadata: _, renditions: __, ...common } = processedRecord(names);
  switch (outcome) {
    case 'processed':
      return processedRecord(names);
    case 'deleted':
      return deletedRecord(names);
    case 'rejected':
      return { ...common, outcome, reason: 'corrupt', message: 'It is damaged.' };
    case 'failed':
      return { ...common, outcome, message: 'States.Timeout: too late' };
  }
}

describe('the snapshot of an image', () => {
  it.each<[outcome: ImageRecord['outcome'], type: keyof typeof domainEvents]>([
    ['processed', 'ImageProcessed'],
    ['rejected', 'ImageRejected'],
    ['deleted', 'ImageDeleted'],
    ['failed', 'ImageFailed'],
  ])('that is %s is a valid %s, with the id of the event that announced it', (outcome, type) => {
    const { type: found, detail } = snapshotOf(recordOf(outcome, 5));
    expect(found).toBe(type);
    expect(domainEvents[type].safeParse(detail).error).toBeUndefined();
    expect(detail.id).toBe(`${imageIdOf(1)}-${sequencerOf(5)}-${outcome}`);
  });

  it('of a failed image does not publish the cause, which may name roles and accounts', () => {
    expect(JSON.stringify(snapshotOf(recordOf('failed', 5)))).not.toContain('States.Timeout');
  });
});

/** What the pipeline publishes of one image, in the order of its versions; a deletion may follow with the same sequencer. */
const history = fc
  .array(fc.record({ outcome: fc.constantFrom('processed', 'rejected', 'failed', 'deleted'), again: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((steps) =>
    steps.flatMap(({ outcome, again }, index) => {
      const record = recordOf(outcome, index + 1);
      const followed = again && outcome !== 'deleted' ? [recordOf('deleted', index + 1)] : [];
      const redriven = again && outcome === 'failed' ? [recordOf('processed', index + 1)] : [];
      return [record, ...redriven, ...followed];
    }),
  );

const delivered = (record: NamedRecord): Delivered => {
  const { imageId: id, sequencer } = record;
  return { type: snapshotOf(record).type, detail: { image: { id, sequencer } } };
};

function beliefAfter(events: readonly Delivered[]): string | undefined {
  const consumer = new ExampleConsumer();
  for (const event of events) consumer.receive(event);
  return consumer.believes(imageIdOf(1));
}

describe('a consumer that follows the two rules', () => {
  const truth = (records: readonly NamedRecord[]) => {
    const last = records.at(-1);
    return last && `${delivered(last).type} at ${last.sequencer}`;
  };

  it('believes the same after any replay of any period, in any order, at any moment', () => {
    fc.assert(
      fc.property(
        history.chain((records) =>
          fc.record({
            records: fc.constant(records),
            order: fc.shuffledSubarray(records.map(delivered), { minLength: records.length }),
            replayed: fc.array(fc.constantFrom(...records.map(delivered)), { maxLength: 20 }),
            moment: fc.nat(20),
          }),
        ),
        ({ records, order, replayed, moment }) => {
          const at = Math.min(moment, order.length);
          expect(beliefAfter([...order.slice(0, at), ...replayed, ...order.slice(at)])).toBe(truth(records));
        },
      ),
    );
  });

  it('believes the same after an announcement of any state, even if newer events overtake it', () => {
    fc.assert(
      fc.property(
        history.chain((records) =>
          fc.record({
            records: fc.constant(records),
            order: fc.shuffledSubarray(records.map(delivered), { minLength: records.length }),
            // The state when the table was read, which may be older than the last event.
            state: fc.constantFrom(...records),
            moment: fc.nat(20),
          }),
        ),
        ({ records, order, state, moment }) => {
          const at = Math.min(moment, order.length);
          expect(beliefAfter([...order.slice(0, at), delivered(state), ...order.slice(at)])).toBe(truth(records));
        },
      ),
    );
  });

  it('learns everything from an announcement alone', () => {
    fc.assert(
      fc.property(history, (records) => {
        const last = records.at(-1);
        expect(beliefAfter(last === undefined ? [] : [delivered(last)])).toBe(truth(records));
      }),
    );
  });
});

describe('npm run announce', () => {
  const table = mockClient(DynamoDBDocumentClient);
  const dynamoDb = mockClient(DynamoDBClient);
  const events = mockClient(EventBridgeClient);
  beforeEach(() => {
    for (const client of [table, dynamoDb, events]) client.reset();
    events.on(PutEventsCommand).callsFake(({ Entries = [] }) => ({ Entries: Entries.map(() => ({ EventId: 'e' })) }));
  });
  const pace = { perSecond: 2000 };
  const published = () =>
    events
      .commandCalls(PutEventsCommand)
      .flatMap(({ args: [{ input }] }) => input.Entries?.map(({ Detail = '' }) => JSON.parse(Detail).id) ?? []);

  it('publishes every record that is announced, a page after the other, and remembers where it is', async () => {
    const page = { imageId: 'next' };
    const first = Array.from({ length: 12 }, (_, index) => recordOf('processed', 1, index));
    const inProgress = { ...recordOf('processed', 1, 98), announced: false };
    table
      .on(ScanCommand)
      .resolvesOnce({ Items: [...first, inProgress], LastEvaluatedKey: page })
      .resolvesOnce({ Items: [recordOf('deleted', 2, 99)] });
    const places: Reached[] = [];

    const result = await announceImages(mockedStack(), { ...pace, remember: (place) => void places.push(place) });

    expect(result).toEqual({ published: 13, inProgress: 1 });
    expect(published()).toEqual([...first, recordOf('deleted', 2, 99)].map((record) => snapshotOf(record).detail.id));
    expect(places).toEqual([{ place: page, read: 13 }]);
    expect(table.commandCalls(ScanCommand).map(({ args: [{ input }] }) => input.ExclusiveStartKey)).toEqual([
      undefined,
      page,
    ]);
  });

  it('publishes nothing of an erased image, whose record has no key', async () => {
    const { key: _, ...erased } = deletedRecord();
    table.on(ScanCommand).resolves({ Items: [erased] });
    expect(await announceImages(mockedStack(), pace)).toEqual({ published: 0, inProgress: 0 });
    expect(published()).toEqual([]);
  });

  it('goes on where a stopped run was', async () => {
    table.on(ScanCommand).resolves({ Items: [] });
    await announceImages(mockedStack(), { ...pace, from: { place: { imageId: 'next' }, read: 13 } });
    expect(table.commandCalls(ScanCommand)[0]?.args[0].input.ExclusiveStartKey).toEqual({ imageId: 'next' });
  });

  it('publishes an event again that EventBridge refused, and no other', async () => {
    table.on(ScanCommand).resolves({ Items: [recordOf('processed', 1, 1), recordOf('processed', 1, 2)] });
    const answers = [[{ EventId: 'e' }, { ErrorCode: 'ThrottlingException' }], [{ EventId: 'e' }]];
    events.on(PutEventsCommand).callsFake(() => ({ Entries: answers.shift() }));

    expect(await announceImages(mockedStack(), pace)).toMatchObject({ published: 2 });

    const ids = [1, 2].map((image) => snapshotOf(recordOf('processed', 1, image)).detail.id);
    expect(published()).toEqual([...ids, ids[1]]);
  });

  it('says what to do if EventBridge refuses for good', async () => {
    table.on(ScanCommand).resolves({ Items: [recordOf('processed', 1)] });
    events.on(PutEventsCommand).resolves({ Entries: [{ ErrorCode: 'AccessDenied', ErrorMessage: 'not you' }] });
    await expect(announceImages(mockedStack(), pace)).rejects.toThrow(/AccessDenied: not you.*OperatorRoleArn/);
  });

  it('states the price: an event for each image, and the table', () => {
    expect(describeAnnouncement(planAnnouncement({ images: 4_000_000, tableBytes: 8_000_000_000 }, 50), 50)).toBe(
      'about 4000000 images, about US$ 4.12, 1334 minutes at 50 events per second.',
    );
  });

  describe('that was stopped', () => {
    const stack = { ...mockedStack(), name: `announced-${randomUUID()}` };
    const options = { perSecond: 50, yes: true, json: true } as const;
    const signal = new AbortController().signal;
    const place = { imageId: 'next' };
    const pathOf = (tableId: string) => notebookPath('announce', stack, [tableId, undefined]);

    function stopped({ hoursAgo, tableId = 'table' }: { readonly hoursAgo: number; readonly tableId?: string }) {
      dynamoDb.on(DescribeTableCommand).resolves({
        Table: { TableId: tableId, ItemCount: 4_000_000, TableSizeBytes: 8_000_000_000 },
      });
      table.on(ScanCommand).resolves({ Items: [] });
      for (const id of ['table', 'newer']) onTestFinished(() => deleteNotebook(pathOf(id)));
      const notebook = openAnnouncementNotebook(pathOf('table'));
      notebook.setPlace('begun', new Date(Date.now() - hoursAgo * 3_600_000).toISOString());
      notebook.remember({ place, read: 3_000_000 });
      notebook.close();
      const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      onTestFinished(() => void vi.restoreAllMocks());
      return () => error.mock.calls.map(([text]) => String(text)).join('');
    }
    const beganAt = () => table.commandCalls(ScanCommand).map(({ args: [{ input }] }) => input.ExclusiveStartKey);

    it('goes on within a day, says so, and has the price and the duration of the rest', async () => {
      const said = stopped({ hoursAgo: 23 });
      await announce(stack, options, signal);
      expect(said()).toMatch(/^Going on with the announcement of \S+\. To begin again: --restart\n/);
      expect(said()).toContain('about 1000000 images, about US$ 1.03, 334 minutes');
      expect(said()).toContain('\nAnnounce …\n');
      expect(beganAt()).toEqual([place]);
    });

    it.each([
      ['after a day', { hoursAgo: 25 }, {}],
      ['of a deleted stack of the same name', { hoursAgo: 1, tableId: 'newer' }, {}],
      ['with --restart', { hoursAgo: 1 }, { restart: true }],
    ] as const)('%s, begins again', async (_, before, changes) => {
      const said = stopped(before);
      await announce(stack, { ...options, ...changes }, signal);
      expect(said()).not.toContain('Going on');
      expect(said()).toContain('about 4000000 images');
      expect(beganAt()).toEqual([undefined]);
    });

    it('is over when it is complete', async () => {
      stopped({ hoursAgo: 1 });
      await announce(stack, options, signal);
      await announce(stack, options, signal);
      expect(beganAt()).toEqual([place, undefined]);
    });

    it.each([{}, { restart: true }] as const)('still goes on after a dry run with %o', async (changes) => {
      stopped({ hoursAgo: 1 });
      await announce(stack, { ...options, ...changes, dryRun: true }, signal);
      expect(beganAt()).toEqual([]);
      await announce(stack, options, signal);
      expect(beganAt()).toEqual([place]);
    });

    it('goes on at the page that a failure ended', async () => {
      const said = stopped({ hoursAgo: 25 });
      table
        .on(ScanCommand)
        .resolvesOnce({ Items: [], ScannedCount: 7, LastEvaluatedKey: { imageId: 'second' } })
        .rejectsOnce(new Error('no connection'))
        .resolves({ Items: [] });
      await expect(announce(stack, options, signal)).rejects.toThrow('no connection');
      await announce(stack, options, signal);
      expect(said()).toContain('Going on');
      expect(beganAt().at(-1)).toEqual({ imageId: 'second' });
    });
  });

  it('has these defaults', () => {
    expect(parsedOptions(announceCommand, [])).toEqual({ arguments: [], rate: 50 });
  });
});
