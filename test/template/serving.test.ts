import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { CACHE_CONTROL } from '../../core/rendition.ts';
import { at, type Json, parseTemplate, templateFor } from '../../scripts/template/template.ts';

/** docs/serving.md and docs/browser-uploads.md: what a stack that shows images gets, and only on request. */

const projectFile = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const text = projectFile('docs/serving.md');
// References are kept as written.
const tags = ['Ref', 'Sub'].map((name) => ({ tag: `!${name}`, resolve: (value: string) => `!${name} ${value}` }));
const added = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, block]) => parse(String(block), { customTags: tags }));

const distribution = 'arn:aws:cloudfront::111122223333:distribution/E1ABC';
const policies = (overrides = {}) => {
  const { resources } = templateFor('prod', overrides);
  const statements = (id: string, property: string): readonly Json[] =>
    [at(resources.get(id)?.Properties[property], 'Statement') ?? []].flat();
  return {
    key: statements('DataKey', 'KeyPolicy'),
    renditions: statements('RenditionBucketPolicy', 'PolicyDocument'),
    uploads: statements('UploadBucketPolicy', 'PolicyDocument'),
  };
};
const ofCloudFront = (statements: readonly Json[]) =>
  statements.filter((found) => JSON.stringify(found).includes('cloudfront'));

describe('RenditionReaderDistributionArn', () => {
  it('lets one distribution read and decrypt renditions, and nothing else', () => {
    const { key, renditions, uploads } = policies({ RenditionReaderDistributionArn: distribution });
    const ofTheDistribution = {
      Effect: 'Allow',
      Principal: { Service: 'cloudfront.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceArn': distribution } },
    };
    expect(ofCloudFront(renditions)).toEqual([
      {
        ...{ Sid: 'CloudFrontReads', Action: 's3:GetObject', Resource: { 'Fn::Sub': '${RenditionBucket.Arn}/*' } },
        ...ofTheDistribution,
      },
    ]);
    expect(ofCloudFront(key)).toEqual([
      { ...{ Sid: 'CloudFrontDecrypts', Action: 'kms:Decrypt', Resource: '*' }, ...ofTheDistribution },
    ]);
    expect(ofCloudFront(uploads)).toEqual([]);
  });

  it('is empty by default, and then no distribution reads anything', () => {
    const { key, renditions, uploads } = policies();
    expect(renditions.length * key.length * uploads.length).toBeGreaterThan(0);
    expect(ofCloudFront([...key, ...renditions, ...uploads])).toEqual([]);
  });
});

describe('UploadPageOrigin', () => {
  const corsOf = (overrides = {}) =>
    at(templateFor('prod', overrides).resources.get('UploadBucket')?.Properties, 'CorsConfiguration');

  it('lets the pages of one site upload and read the answer, and read no image', () => {
    expect(corsOf({ UploadPageOrigin: 'https://www.example.com' })).toEqual({
      CorsRules: [
        expect.objectContaining({ AllowedOrigins: ['https://www.example.com'], AllowedMethods: ['POST', 'PUT'] }),
      ],
    });
  });

  it('is empty by default, and then the bucket has no CORS rule', () => {
    expect(corsOf()).toBeUndefined();
  });
});

it.each([
  ['RenditionReaderDistributionArn', distribution, 'arn:aws:cloudfront::111122223333:distribution/*'],
  ['UploadPageOrigin', 'https://d111.cloudfront.net', 'https://d111.cloudfront.net/'],
  ['UploadPageOrigin', 'https://www.example.com:8443', '*'],
])('%s may be %s, and not %s', (parameter, good, bad) => {
  const pattern = new RegExp(
    `^(${z.string().parse(at(parseTemplate('template.yaml'), 'Parameters', parameter, 'AllowedPattern'))})$`,
  );
  expect(['', good, bad].map((value) => pattern.test(value))).toEqual([true, true, false]);
});

it('browsers run nothing that is stored as a rendition, and guess no type', () => {
  const headers = at(added[0], 'ImagesOnly', 'Properties', 'ResponseHeadersPolicyConfig', 'SecurityHeadersConfig');
  expect(at(headers, 'ContentTypeOptions')).toEqual({ Override: true });
  const { ContentSecurityPolicy: policy, Override } = z
    .object({ ContentSecurityPolicy: z.string(), Override: z.literal(true) })
    .parse(at(headers, 'ContentSecurityPolicy'));
  expect(Override).toBe(true);
  expect(policy.split('; ')).toEqual(expect.arrayContaining(["default-src 'none'", 'sandbox']));
});

it('docs/serving.md states the Cache-Control header of renditions', () => {
  expect(text).toContain(`Cache-Control: ${CACHE_CONTROL}`);
});
