import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod/mini';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { imageTask, removalTask, renditionTask } from '../../adapters/lambda/workflow-task.ts';
import { imageIdOf } from '../../core/image.ts';
import { renditionGroups } from '../../core/presets.ts';
import { folderOf, steps, workers } from '../../core/steps.ts';
import { stackName } from '../../scripts/local/deploy.ts';
import { at, templateFor } from '../../scripts/template/template.ts';

const project = new URL('../../', import.meta.url);
const files = globSync('events/*/*.json', { cwd: project }).sort();
const readEvent = (file: string): unknown => JSON.parse(readFileSync(new URL(file, project), 'utf8'));
const eventsOf = (stem: string) => files.filter((file) => basename(dirname(file)) === stem);

// Stage local has fixed bucket names, so that these files can use them.
const bucket = `${stackName}-uploads`;

interface NamedUpload {
  readonly bucket: string;
  readonly key: string;
  readonly imageId: string;
  readonly etag?: string;
  readonly size?: number;
}

/** The upload is an unchanged sample that `npm start` sends, or does not exist. */
async function expectRealUpload(upload: NamedUpload): Promise<void> {
  expect(upload.bucket).toBe(bucket);
  expect(upload.imageId).toBe(await imageIdOf(bucket, upload.key));
  const sample = new URL(`docs/samples/${upload.key}`, project);
  if (upload.key === 'gone.jpg') {
    expect(existsSync(sample)).toBe(false);
    return;
  }
  const bytes = readFileSync(sample);
  expect(upload).toMatchObject({ size: bytes.length, etag: createHash('md5').update(bytes).digest('hex') });
}

it('the upload bucket of stage local has the name used in the events', () => {
  const { Properties } = templateFor('local').resources.get('UploadBucket') ?? {};
  expect(JSON.stringify(Properties?.['BucketName']).replace(/\$\{AWS::StackName\}/, stackName)).toContain(bucket);
});

const schemas: Readonly<Record<(typeof workers)[number]['takes'], z.ZodMiniType<{ image: object }>>> = {
  image: imageTask,
  rendition: renditionTask,
  removal: removalTask,
};

it.each(steps.map(({ name }) => folderOf(name)))('events/%s has events', (folder) => {
  expect(
    eventsOf(folder).length,
    `events/ has no sample event for ${folder}: add events/${folder}/photo.json, for npm run invoke -- ${folder} photo.`,
  ).toBeGreaterThan(0);
});

const tasks = workers.flatMap(({ name, takes }) =>
  eventsOf(folderOf(name)).map((file) => ({ file, schema: schemas[takes] })),
);

describe.each(tasks)('$file', ({ file, schema }) => {
  it('is a task that the handler accepts', () => {
    expect(schema.parse(readEvent(file))).toEqual(readEvent(file));
  });

  it.each(['correlationId', 'image'])('is rejected without its %s', (name) => {
    const { [name]: _, ...rest } = readEvent(file) as Record<string, unknown>;
    expect(schema.safeParse(rest).success).toBe(false);
  });

  it.each([
    ['imageId', 'cat.jpg'],
    ['sequencer', '0055aed6dcd90281e5'],
  ])('is rejected with an %s like "%s"', (name, value) => {
    const event = readEvent(file) as { image: object };
    expect(schema.safeParse({ ...event, image: { ...event.image, [name]: value } }).success).toBe(false);
  });
});

const ofUploads = workers.filter(({ takes }) => takes !== 'removal').flatMap(({ name }) => eventsOf(folderOf(name)));

describe.each(ofUploads)('%s', (file) => {
  it('names an upload of npm start, or one that does not exist', async () => {
    await expectRealUpload(imageTask.parse(readEvent(file)).image as NamedUpload);
  });
});

const resizeEvents = eventsOf('resize-image').map((file) => ({ file, task: renditionTask.parse(readEvent(file)) }));

it.each(renditionGroups.map(({ name }) => name))('events/resize-image has an event for rendition group %s', (name) => {
  const found = resizeEvents.some(({ task }) => task.group === name);
  expect(
    found,
    `events/resize-image has no event for rendition group ${name}: copy one of its events and change "group" to "${name}".`,
  ).toBe(true);
});

it.each(resizeEvents)('$file names a rendition group of core/presets.ts', ({ file, task: { group } }) => {
  const names = renditionGroups.map(({ name }) => name);
  expect(names, `${file} names rendition group ${group}: change it to one of ${names.join(', ')}.`).toContain(group);
});

it('events/remove-renditions removes what events/resize-image rendered', () => {
  const [rendered] = resizeEvents.map(({ task }) => task.image).filter(({ key }) => key !== 'gone.jpg');
  if (rendered === undefined) throw new Error('events/resize-image has no event of an upload that npm start sends.');
  const [older, own] = ['older', 'own'].map((name) =>
    removalTask.parse(readEvent(`events/remove-renditions/${name}.json`)),
  );
  expect(own).toMatchObject({ scope: 'own', image: { imageId: rendered.imageId, sequencer: rendered.sequencer } });
  expect(older).toMatchObject({ scope: 'older', image: { imageId: rendered.imageId } });
  expect(String(older?.image.sequencer) > rendered.sequencer).toBe(true);
});

it('events/probe-pipeline is what the schedule sends', () => {
  const input = at(templateFor('prod').resources.get('ProbeSchedule')?.Properties['Target'], 'Input');
  expect(eventsOf('probe-pipeline').map(readEvent)).toEqual([JSON.parse(String(input))]);
});

describe.each(eventsOf('dispatch-images'))('%s', (file) => {
  const { Records } = readEvent(file) as SQSEvent;

  it('is a batch of the upload queue with correct checksums', () => {
    for (const { body, md5OfBody, eventSource, eventSourceARN } of Records) {
      expect(md5OfBody).toBe(createHash('md5').update(body).digest('hex'));
      expect(eventSource).toBe('aws:sqs');
      expect(eventSourceARN).toMatch(new RegExp(`:${stackName}-UploadQueue$`));
    }
  });

  it('names only uploads of npm start, or ones that do not exist', async () => {
    const events = await Promise.all(Records.map(({ body }) => parseS3Event(body, [bucket]).catch(() => undefined)));
    for (const event of events.filter((found) => found !== undefined))
      await expectRealUpload(event.image as NamedUpload);
  });
});

describe('events/dispatch-images/batch.json', () => {
  const { Records } = readEvent('events/dispatch-images/batch.json') as SQSEvent;
  const read = (index: number) => parseS3Event(Records[index]?.body ?? '', [bucket]);

  it('contains an upload with its version, a deletion by delete marker, and a message that is not from S3', async () => {
    expect(await read(0)).toMatchObject({
      change: 'created',
      image: { versionId: 'IYV3p45BT0ac8hjHg1houSdS1a.Mro8e' },
    });
    // The delete marker's own version id is not the image's.
    const deletion = await read(1);
    expect(deletion).toMatchObject({ change: 'deleted', image: { key: 'gone.jpg' } });
    expect(deletion.image.versionId).toBeUndefined();
    await expect(read(2)).rejects.toThrow();
  });

  it.each(['id', 'time', 'detail-type', 'detail'])('its upload is rejected without %s', async (name) => {
    const { [name]: _, ...rest } = JSON.parse(Records[0]?.body ?? '') as Record<string, unknown>;
    await expect(parseS3Event(JSON.stringify(rest), [bucket])).rejects.toThrow(name);
  });
});
