import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { CACHE_CONTROL } from '../../core/rendition.ts';
import { at, type Json, templateFor } from '../../scripts/template/template.ts';

/** docs/serving.md: the statements that a fork adds to let CloudFront read renditions. */

const projectFile = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const text = projectFile('docs/serving.md');
const { resources } = templateFor('prod');
const statements = (id: string, property: string): readonly Json[] =>
  [at(resources.get(id)?.Properties[property], 'Statement') ?? []].flat();
// References are kept as written.
const tags = ['Ref', 'Sub'].map((name) => ({ tag: `!${name}`, resolve: (value: string) => `!${name} ${value}` }));
const added = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, block]) => parse(String(block), { customTags: tags }));

it('the statements in docs/serving.md let one distribution read, and nothing else', () => {
  const ofTheDistribution = {
    Effect: 'Allow',
    Principal: { Service: 'cloudfront.amazonaws.com' },
    Condition: { StringEquals: { 'aws:SourceArn': '!Ref DistributionArn' } },
  };
  expect(added).toEqual([
    [
      expect.objectContaining({
        ...ofTheDistribution,
        Action: 's3:GetObject',
        Resource: '!Sub ${RenditionBucket.Arn}/*',
      }),
    ],
    [expect.objectContaining({ ...ofTheDistribution, Action: 'kms:Decrypt', Resource: '*' })],
    { ImagesOnly: expect.anything() },
  ]);
});

it('the template does not contain these statements yet', () => {
  const there = [...statements('RenditionBucketPolicy', 'PolicyDocument'), ...statements('DataKey', 'KeyPolicy')];
  expect(there.length).toBeGreaterThan(0);
  expect(JSON.stringify(there)).not.toContain('cloudfront');
});

it('browsers run nothing that is stored as a rendition, and guess no type', () => {
  const headers = at(added[2], 'ImagesOnly', 'Properties', 'ResponseHeadersPolicyConfig', 'SecurityHeadersConfig');
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
