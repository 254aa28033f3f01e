import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { at, ofType, readTemplate, templateFor } from '../../scripts/template/template.ts';
import { problems } from '../core/answer.ts';

/** What API Gateway and AWS WAF answer by themselves. The emulator has neither. */

const source: unknown = parse(readFileSync(new URL('../api/openapi.yaml', import.meta.url), 'utf8'));
const document = z
  .looseObject({
    'x-amazon-apigateway-gateway-responses': z.record(
      z.string(),
      z.object({
        statusCode: z.int(),
        responseParameters: z.record(z.string(), z.string()),
        responseTemplates: z.object({ 'application/json': z.string() }),
      }),
    ),
    paths: z.record(z.string(), z.record(z.string(), z.unknown())),
    components: z.looseObject({ schemas: z.looseObject({ Problem: z.record(z.string(), z.unknown()) }) }),
  })
  .parse(source);
const responses = document['x-amazon-apigateway-gateway-responses'];
const isProblem = new Ajv({ strict: false }).compile(document.components.schemas.Problem);
const problem = z.object({ type: z.string(), title: z.string(), status: z.int() });

const headersOf = (response: string) =>
  Object.fromEntries(
    Object.entries(responses[response]?.responseParameters ?? {}).map(([name, value]) => [
      name.replace('gatewayresponse.header.', ''),
      // A text is in quotes; anything else would be a variable.
      /^'(.*)'$/.exec(value)?.[1],
    ]),
  );
/** API Gateway puts a JSON text, with its quotes, in the place of this variable. */
const bodyOf = (response: string): unknown =>
  JSON.parse(
    (responses[response]?.responseTemplates['application/json'] ?? '').replaceAll(
      '$context.error.messageString',
      '"why"',
    ),
  );

describe('each operation', () => {
  // The emulator also accepts the security of the whole document.
  it('names its own security, because API Gateway ignores that of the document', () => {
    expect(document['security']).toBeUndefined();
    const own = Object.values(document.paths).flatMap((item) =>
      Object.values(item).flatMap((operation) => {
        const found = z.object({ operationId: z.string(), security: z.json() }).safeParse(operation);
        return found.success ? [[found.data.operationId, found.data.security]] : [];
      }),
    );
    expect(Object.fromEntries(own)).toEqual({
      ...{ createUpload: [{ token: [] }], listImages: [{ token: [] }], getImage: [{ token: [] }] },
      ...{ deleteImage: [{ token: [] }], checkHealth: [] },
    });
  });
});

describe.each(Object.keys(responses))('the gateway’s own answer %s', (response) => {
  it('is a problem of the catalogue, with the status that the answer has', () => {
    const body = bodyOf(response);
    expect(isProblem(body), JSON.stringify(isProblem.errors)).toBe(true);
    const { type, title, status } = problem.parse(body);
    const [, known] = Object.entries(problems).find(([name]) => type === `urn:gallery:problem:${name}`) ?? [];
    expect(status).toBe(known?.status);
    expect(status).toBe(responses[response]?.statusCode);
    // A path that does not exist is not an image that does not exist.
    if (response !== 'MISSING_AUTHENTICATION_TOKEN') expect(title).toBe(known?.title);
    expect(headersOf(response)['Content-Type']).toBe('application/problem+json');
  });
});

describe('the gateway’s own answers', () => {
  // https://docs.aws.amazon.com/apigateway/latest/api/API_PutGatewayResponse.html, without REQUEST_TOO_LARGE, whose customization API
  // Gateway accepts and ignores.
  const customizable = [
    ...['ACCESS_DENIED', 'API_CONFIGURATION_ERROR', 'AUTHORIZER_CONFIGURATION_ERROR', 'AUTHORIZER_FAILURE'],
    ...['BAD_REQUEST_BODY', 'BAD_REQUEST_PARAMETERS', 'DEFAULT_4XX', 'DEFAULT_5XX', 'EXPIRED_TOKEN'],
    ...['INTEGRATION_FAILURE', 'INTEGRATION_TIMEOUT', 'INVALID_API_KEY', 'INVALID_SIGNATURE'],
    ...['MISSING_AUTHENTICATION_TOKEN', 'QUOTA_EXCEEDED', 'RESOURCE_NOT_FOUND', 'THROTTLED', 'UNAUTHORIZED'],
    ...['UNSUPPORTED_MEDIA_TYPE', 'WAF_FILTERED'],
  ];

  it('are some that API Gateway lets one customize', () => {
    expect(customizable).toEqual(expect.arrayContaining(Object.keys(responses)));
  });

  it.each(['UNAUTHORIZED', 'ACCESS_DENIED'])('to a call without a valid token are 401: %s', (response) => {
    expect(responses[response]?.statusCode).toBe(401);
    expect(headersOf(response)['WWW-Authenticate']).toBe('Bearer');
  });

  it('to a flood is 429, and says when to come back', () => {
    expect(responses['THROTTLED']?.statusCode).toBe(429);
    expect(Number(headersOf('THROTTLED')['Retry-After'])).toBeGreaterThan(0);
  });

  // https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
  it('are never 403, which a page takes for the end of its session', () => {
    const by403 = ['ACCESS_DENIED', 'MISSING_AUTHENTICATION_TOKEN', 'WAF_FILTERED'];
    for (const response of by403) expect(responses[response]?.statusCode, response).not.toBe(403);
    expect(Object.values(responses).map(({ statusCode }) => statusCode)).not.toContain(403);
  });

  it('let pages of other sites read nothing: no answer has a CORS header, and no path has a preflight', () => {
    const { resources } = templateFor('prod', {}, readTemplate('gallery/template.yaml'));
    for (const text of [JSON.stringify(source), JSON.stringify([...resources])]) {
      expect(text).not.toMatch(/access-control-/i);
    }
    expect(Object.values(document.paths).flatMap((item) => Object.keys(item))).not.toContain('options');
    expect(at(resources.get('Api')?.Properties, 'Cors')).toBeUndefined();
  });
});

describe('the firewall', () => {
  const template = (overrides = {}) => templateFor('prod', overrides, readTemplate('gallery/template.yaml'));
  const withFirewall = template({ Firewall: 'true' });
  const firewall = withFirewall.resources.get('ApiFirewall')?.Properties;
  const rules = z
    .array(z.looseObject({ Name: z.string() }))
    .parse(at(firewall, 'Rules'))
    .map((rule) => [rule.Name, rule] as const);
  const rule = (name: string) => JSON.parse(JSON.stringify(new Map(rules).get(name)));

  it('is in front of the stage of the API, in its region', () => {
    expect(ofType(withFirewall, 'AWS::WAFv2::WebACLAssociation').map(([, { Properties }]) => Properties)).toEqual([
      {
        ResourceArn: {
          'Fn::Sub': 'arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Api.Stage}',
        },
        WebACLArn: { 'Fn::GetAtt': 'ApiFirewall.Arn' },
      },
    ]);
    expect(at(firewall, 'Scope')).toBe('REGIONAL');
    expect(at(firewall, 'DefaultAction')).toEqual({ Allow: {} });
  });

  it('is not there, and costs nothing, unless someone asks for it', () => {
    const { resources } = template();
    const types = [...resources.values()].map(({ Type }) => Type);
    expect(types.filter((type) => type.startsWith('AWS::WAFv2'))).toEqual([]);
    for (const id of ['OriginSecret', 'ViewerAddress']) {
      expect(resources.has(id)).toBe(false);
      expect(JSON.stringify([...resources])).not.toContain(id);
    }
  });

  const secret = { 'Fn::Sub': '{{resolve:secretsmanager:${OriginSecret}}}' };
  const fromCloudFront = {
    ByteMatchStatement: {
      FieldToMatch: { SingleHeader: { Name: 'x-origin-verify' } },
      PositionalConstraint: 'EXACTLY',
      SearchString: secret,
      TextTransformations: [{ Priority: 0, Type: 'NONE' }],
    },
  };

  it('limits each address behind CloudFront, by a header that it believes with the secret only', () => {
    expect(at(rule('rate'), 'Statement', 'RateBasedStatement')).toEqual({
      Limit: expect.any(Number),
      AggregateKeyType: 'FORWARDED_IP',
      ForwardedIPConfig: { HeaderName: 'x-viewer-address', FallbackBehavior: 'NO_MATCH' },
      ScopeDownStatement: fromCloudFront,
    });
    expect(withFirewall.resources.get('OriginSecret')?.Properties['GenerateSecretString']).toEqual({
      ...{ PasswordLength: 64, ExcludePunctuation: true },
    });
  });

  it('limits who calls the API directly by the address of the connection, as much as others', () => {
    expect(at(rule('rate-direct'), 'Statement', 'RateBasedStatement')).toEqual({
      Limit: at(rule('rate'), 'Statement', 'RateBasedStatement', 'Limit'),
      AggregateKeyType: 'IP',
      ScopeDownStatement: { NotStatement: { Statement: fromCloudFront } },
    });
  });

  it('knows CloudFront by a secret that it sends to the API, and to no other origin', () => {
    const origins = z
      .array(z.looseObject({ Id: z.string(), OriginCustomHeaders: z.json().optional() }))
      .parse(at(withFirewall.resources.get('Distribution')?.Properties, 'DistributionConfig', 'Origins'));
    expect(origins.flatMap(({ Id, OriginCustomHeaders: sent }) => (sent === undefined ? [] : [[Id, sent]]))).toEqual([
      ['api', [{ HeaderName: 'x-origin-verify', HeaderValue: secret }]],
    ]);
  });

  it.each(['rate', 'rate-direct'])('answers like the other limits: %s', (name) => {
    const answer = at(rule(name), 'Action', 'Block', 'CustomResponse');
    expect(at(answer, 'ResponseCode')).toBe(429);
    expect(at(answer, 'ResponseHeaders')).toEqual([{ Name: 'Retry-After', Value: '60' }]);
    const body = at(firewall, 'CustomResponseBodies', String(at(answer, 'CustomResponseBodyKey')), 'Content');
    expect(JSON.parse(String(body))).toEqual(bodyOf('THROTTLED'));
  });

  it('refuses what AWS’s common rules refuse', () => {
    expect(at(rule('common'), 'Statement', 'ManagedRuleGroupStatement')).toEqual({
      VendorName: 'AWS',
      Name: 'AWSManagedRulesCommonRuleSet',
    });
    expect(at(rule('common'), 'OverrideAction')).toEqual({ None: {} });
  });
});
