import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { at, readTemplate, templateFor } from '../../scripts/template/template.ts';
import { operations } from '../api/operations.ts';

/** Which part of CloudFront's distribution answers which path, and what it keeps. The emulator has no CloudFront. */

const account = templateFor(
  'prod',
  { CookieKeyGroupId: 'group', RenditionBucketName: 'renditions' },
  readTemplate('gallery/template.yaml'),
);
const behavior = z.looseObject({
  PathPattern: z.string().default('*'),
  TargetOriginId: z.string(),
  ViewerProtocolPolicy: z.string(),
  AllowedMethods: z.array(z.string()).default(['GET', 'HEAD']),
  CachePolicyId: z.string(),
  OriginRequestPolicyId: z.string().optional(),
  TrustedKeyGroups: z.array(z.unknown()).default([]),
});
const config = z
  .looseObject({
    DefaultCacheBehavior: behavior,
    CacheBehaviors: z.array(behavior),
    Origins: z.array(z.looseObject({ Id: z.string() })),
  })
  .parse(at(account.resources.get('Distribution')?.Properties, 'DistributionConfig'));

/** As CloudFront chooses it: the first pattern that matches, case-sensitive, `*` for any characters and `?` for one. */
function behaviorFor(path: string) {
  const matches = (pattern: string) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('?', '.').replaceAll('*', '.*')}$`).test(path);
  return config.CacheBehaviors.find(({ PathPattern }) => matches(PathPattern)) ?? config.DefaultCacheBehavior;
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
const CACHING_OPTIMIZED = '658327ea-f89d-4fab-a63d-7e88639e58f6';
const CACHING_DISABLED = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad';
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
const ALL_VIEWER_EXCEPT_HOST_HEADER = 'b689b0a8-53d0-40ab-baf2-68738e2966ac';

const imageId = '0123456789abcdef0123456789abcdef';
const rendition = `/renditions/${imageId}/00000000000000000000000000000001/large.avif`;

describe('the distribution', () => {
  it.each<[path: string, origin: string]>([
    ['/', 'page'],
    ['/index.html', 'page'],
    ['/page-ABCDEFGH.js', 'page'],
    ['/config.json', 'page'],
    [rendition, 'renditions'],
    ['/live', 'live'],
    ...Object.values(operations).map(({ path }): [string, string] => [path.replace('{id}', imageId), 'api']),
  ])('%s is answered by %s', (path, origin) => {
    expect(behaviorFor(path).TargetOriginId).toBe(origin);
  });

  it.each(Object.entries(operations))(
    '%s reaches the API with its method, its token and its query, and is not kept',
    (_, { path, method }) => {
      const found = behaviorFor(path);
      expect(found.AllowedMethods).toContain(method.toUpperCase());
      expect(found.CachePolicyId).toBe(CACHING_DISABLED);
      expect(found.OriginRequestPolicyId).toBe(ALL_VIEWER_EXCEPT_HOST_HEADER);
    },
  );

  it('passes a WebSocket on with all headers of its handshake and the token in its query', () => {
    const found = behaviorFor('/live');
    expect([found.CachePolicyId, found.OriginRequestPolicyId]).toEqual([
      CACHING_DISABLED,
      ALL_VIEWER_EXCEPT_HOST_HEADER,
    ]);
  });

  it('keeps what is the same for everyone, and passes no cookie, header or query on to a bucket', () => {
    for (const path of ['/', rendition]) {
      const found = behaviorFor(path);
      expect(found.CachePolicyId).toBe(CACHING_OPTIMIZED);
      expect(found.OriginRequestPolicyId).toBeUndefined();
      expect(found.AllowedMethods).toEqual(['GET', 'HEAD']);
    }
  });

  it('asks for a signed cookie for renditions, and for nothing else', () => {
    const asking = [config.DefaultCacheBehavior, ...config.CacheBehaviors].filter(
      ({ TrustedKeyGroups }) => TrustedKeyGroups.length > 0,
    );
    expect(asking).toEqual([behaviorFor(rendition)]);
  });

  it('speaks TLS with browsers and with every origin, and signs what it asks the buckets for', () => {
    for (const { ViewerProtocolPolicy } of [config.DefaultCacheBehavior, ...config.CacheBehaviors]) {
      expect(['https-only', 'redirect-to-https']).toContain(ViewerProtocolPolicy);
    }
    for (const origin of config.Origins) {
      const toBucket = ['page', 'renditions'].includes(origin.Id);
      expect(origin).toMatchObject(
        toBucket
          ? { OriginAccessControlId: { Ref: 'BucketAccess' } }
          : { CustomOriginConfig: { OriginProtocolPolicy: 'https-only', OriginSSLProtocols: ['TLSv1.2'] } },
      );
    }
    expect(at(account.resources.get('BucketAccess')?.Properties, 'OriginAccessControlConfig', 'SigningBehavior')).toBe(
      'always',
    );
  });

  describe('with the firewall', () => {
    const { resources } = templateFor('prod', { Firewall: 'true' }, readTemplate('gallery/template.yaml'));
    const code = String(resources.get('ViewerAddress')?.Properties['FunctionCode']);

    it.each([
      ['198.51.100.7', '198.51.100.7'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
      ['2001:0db8:0001:0002::6', '2001:0db8:0001:0002::'],
      ['2001:db8::6', '2001:db8:0:0::'],
      ['2001:db8::4:5:6:7:8', '2001:db8:0:4::'],
      ['2001:db8::', '2001:db8:0:0::'],
    ])('says that %s calls from %s, whatever the caller says', (ip, expected) => {
      const headers = { 'x-viewer-address': { value: '192.0.2.1' }, authorization: { value: 'Bearer' } };
      const event = { viewer: { ip }, request: { method: 'GET', uri: '/v1/images', headers } };
      const sent: unknown = runInNewContext(`${code}; handler(event)`, { event });
      expect(sent).toEqual({
        ...event.request,
        headers: { 'x-viewer-address': { value: expected }, authorization: { value: 'Bearer' } },
      });
    });

    it('says so of all calls of the API, and of nothing else', () => {
      const behaviors = z
        .array(z.looseObject({ PathPattern: z.string(), FunctionAssociations: z.json().optional() }))
        .parse(at(resources.get('Distribution')?.Properties, 'DistributionConfig', 'CacheBehaviors'));
      const associated = behaviors.filter(({ FunctionAssociations }) => FunctionAssociations !== undefined);
      expect(associated.map(({ PathPattern, FunctionAssociations }) => [PathPattern, FunctionAssociations])).toEqual([
        ['/v1/*', [{ EventType: 'viewer-request', FunctionARN: { 'Fn::GetAtt': 'ViewerAddress.FunctionARN' } }]],
      ]);
    });
  });

  it('asks the rendition bucket for the key of the rendition, which begins with the id of the image', () => {
    const found = account.resources.get('RenditionPaths');
    const event = { request: { uri: rendition, method: 'GET' } };
    const asked: unknown = runInNewContext(`${String(found?.Properties['FunctionCode'])}; handler(event)`, { event });
    expect(asked).toMatchObject({ uri: rendition.replace('/renditions', ''), method: 'GET' });
    expect(JSON.stringify(behaviorFor(rendition))).toContain('RenditionPaths.FunctionARN');
  });
});
