import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { imageIdOf } from '../../core/image.ts';
import { currentNames, type Names, newNames } from '../../scripts/rename/names.ts';
import { filesWith, renameAll, renamed } from '../../scripts/rename/renaming.ts';

const before: Names = {
  name: 'oldhouse',
  title: 'Oldhouse',
  eventSource: 'oldhouse.pipeline',
  metricNamespace: 'Oldhouse',
};
const after: Names = {
  name: 'new-house',
  title: 'New House',
  eventSource: 'acme.new-house',
  metricNamespace: 'Acme/Houses',
};
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

describe('a text under new names', () => {
  it.each([
    ['stack_name = "oldhouse-prod"', 'stack_name = "new-house-prod"'],
    ['- arn:*:s3:::oldhouse-*', '- arn:*:s3:::new-house-*'],
    ['Prefix: oldhouse-probe/', 'Prefix: new-house-probe/'],
    ['tags = "project=oldhouse stage=dev"', 'tags = "project=new-house stage=dev"'],
    ['"Source": "oldhouse.pipeline"', '"Source": "acme.new-house"'],
    ['# Oldhouse', '# New House'],
    ['what Oldhouse’s roles may do', 'what New House’s roles may do'],
    ["export const metricNamespace = 'Oldhouse';", "export const metricNamespace = 'Acme/Houses';"],
    [
      'Metric: { Namespace: Oldhouse, MetricName: AttemptsFailed }',
      'Metric: { Namespace: Acme/Houses, MetricName: AttemptsFailed }',
    ],
    ['["Oldhouse", "BytesIn", "service"]', '["Acme/Houses", "BytesIn", "service"]'],
    ['Namespace `Oldhouse`, dimension `service`', 'Namespace `Acme/Houses`, dimension `service`'],
    ['join(project, ".oldhouse", "logs")', 'join(project, ".new-house", "logs")'],
    ['set OLDHOUSE_CACHE', 'set NEW_HOUSE_CACHE'],
    ['oldhouses, xoldhouse, Oldhouse2', 'oldhouses, xoldhouse, Oldhouse2'],
  ])('%s becomes %s, and back', (text, expected) => {
    expect(renamed(text, before, after).text).toBe(expected);
    expect(renamed(expected, after, before).text).toBe(text);
  });

  it('is replaced once in each place, even if the new name contains the old one', () => {
    const longer = { ...before, name: 'big-oldhouse' };
    expect(renamed('oldhouse-dev, oldhouse-prod', before, longer)).toEqual({
      text: 'big-oldhouse-dev, big-oldhouse-prod',
      places: 2,
    });
  });
});

describe('sample events under new names', () => {
  const key = 'rocket.jpg';
  const rename = async (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries((await renameAll(new Map(Object.entries(texts)), before, after)).changed);

  it('have the image ids for the new bucket name, even where the bucket is not mentioned', async () => {
    const imageId = await imageIdOf('oldhouse-local-uploads', key);
    const newId = await imageIdOf('new-house-local-uploads', key);
    const task = (id: string, bucket: string) => JSON.stringify({ image: { bucket, key, imageId: id } });
    const removal = (id: string) => JSON.stringify({ image: { imageId: id }, keys: [`${id}/1/webp-320.webp`] });
    expect(
      await rename({
        'events/resize-image/web.json': task(imageId, 'oldhouse-local-uploads'),
        'events/remove-renditions/own.json': removal(imageId),
      }),
    ).toEqual({
      'events/resize-image/web.json': task(newId, 'new-house-local-uploads'),
      'events/remove-renditions/own.json': removal(newId),
    });
  });

  it('have the checksums of the new messages', async () => {
    const body = (bucket: string) => JSON.stringify({ source: 'aws.s3', detail: { bucket: { name: bucket } } });
    const batch = (text: string) =>
      JSON.stringify({
        Records: [
          { body: text, md5OfBody: md5(text) },
          { body: 'other', md5OfBody: md5('other') },
        ],
      });
    const spaced = (text: string) => text.replaceAll('":"', '": "');
    expect(
      await rename({ 'events/dispatch-images/batch.json': spaced(batch(body('oldhouse-local-uploads'))) }),
    ).toEqual({ 'events/dispatch-images/batch.json': spaced(batch(body('new-house-local-uploads'))) });
  });
});

it('counts the replacements in each file, and omits files that contain no name', async () => {
  const texts = new Map([
    ['README.md', '# Oldhouse\n\nstack oldhouse-dev'],
    ['tsconfig.json', '{}'],
  ]);
  const { changed, places } = await renameAll(texts, before, after);
  expect([...changed.keys()]).toEqual(['README.md']);
  expect([...places]).toEqual([['README.md', 2]]);
});

describe('a new name', () => {
  const files = (name: string, text: string) => filesWith(name, new Map([['a.md', text]]), before);

  it('is rejected if a file uses it for something else, in upper or lower case', () => {
    expect(files('frames', 'Frames are counted.')).toEqual(['a.md']);
    expect(files('frames', 'framesize is another word.')).toEqual([]);
  });

  it('may be part of the current names, or an example for this command', () => {
    expect(files('pipeline', 'source: oldhouse.pipeline')).toEqual([]);
    expect(files('frames', 'npm run rename -- frames')).toEqual([]);
  });

  it('determines the other names, unless they are specified', () => {
    expect(newNames('acme-images')).toEqual({
      name: 'acme-images',
      title: 'Acme Images',
      eventSource: 'acme-images.pipeline',
      metricNamespace: 'AcmeImages',
    });
    expect(newNames('acme', { title: 'Acme House', source: 'com.acme.images', namespace: 'Acme/Images' })).toEqual({
      name: 'acme',
      title: 'Acme House',
      eventSource: 'com.acme.images',
      metricNamespace: 'Acme/Images',
    });
  });

  it('equal to the current one keeps the other current names', () => {
    expect(newNames(currentNames.name, { source: 'com.acme.images' })).toEqual({
      ...currentNames,
      eventSource: 'com.acme.images',
    });
  });

  it.each([
    ['Acme', {}, 'lower-case letters'],
    ['1acme', {}, 'start with a letter'],
    ['acme--images', {}, 'single hyphens'],
    ['acme.images', {}, 'lower-case letters'],
    ['ac', {}, '3 to 19'],
    ['acme-images-of-houses', {}, '3 to 19'],
    ['aws-images', {}, 'prefix that AWS reserves'],
    ['sthree-images', {}, 'prefix that AWS reserves'],
    ['acme', { source: 'aws.images' }, 'EventBridge reserves for AWS services'],
    ['acme', { source: 'acme' }, '--source acme.acme'],
    ['acme', { namespace: 'AWS/Images' }, 'CloudWatch reserves for AWS services'],
    ['acme', { namespace: 'Acme Images' }, '--namespace Acme/Images'],
    ['acme', { title: 'acme' }, 'capital letter'],
    ['acme', { title: 'Acme: "images"' }, '--title "Picture House"'],
  ])('%s with %o is rejected, with advice', (name, chosen, sentence) => {
    expect(() => newNames(name, chosen)).toThrow(sentence);
  });
});
