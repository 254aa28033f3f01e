import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { templateFor } from '../../scripts/template/template.ts';
import { unexplained, waivedAt, waiversOf } from '../../scripts/template/waivers.ts';

const noVpc = { id: 'CKV_AWS_117', resource: 'ResizeImageFunction' };
const noKey = { id: 'CKV_AWS_27', resource: 'UploadQueue' };

it('the linters use the same version of the translator as SAM CLI', () => {
  const translator = (tool: string) =>
    /^aws-sam-translator==\S+/m.exec(readFileSync(`scripts/local/requirements/${tool}.txt`, 'utf8'))?.[0];
  expect(translator('linters')).toBeDefined();
  expect(translator('linters')).toBe(translator('sam'));
});

describe('a checkov finding', () => {
  it('is explained if it has a waiver, and every waiver has a finding', () => {
    expect(unexplained([noVpc, noKey], [noKey, noVpc])).toEqual([]);
  });

  it('is not explained by a waiver of another resource, and that waiver is reported as unused', () => {
    expect(unexplained([noVpc], [{ ...noVpc, resource: 'ResizeImagesFunction' }])).toEqual([
      'CKV_AWS_117 of ResizeImageFunction is neither fixed nor waived.',
      'CKV_AWS_117 of ResizeImagesFunction is waived but not found: remove the waiver.',
    ]);
  });

  const withMetadata = (Metadata: { checkov: { skip: { id: string; comment?: string }[] } }) => ({
    ...templateFor('prod'),
    resources: new Map([['UploadQueue', { Type: 'AWS::SQS::Queue', Metadata, Properties: {} }]]),
  });

  it('is waived in the resource’s metadata, with a reason', () => {
    expect(
      waiversOf(withMetadata({ checkov: { skip: [{ id: 'CKV_AWS_27', comment: 'Holds no secrets.' }] } })),
    ).toEqual([noKey]);
  });

  it('of the stage that SAM makes for an API is waived where the API is', () => {
    const template = {
      ...templateFor('prod'),
      resources: new Map([
        ['ApiliveStage', { Type: 'AWS::ApiGateway::Stage', Properties: { RestApiId: { Ref: 'Api' } } }],
        ['LiveStage', { Type: 'AWS::ApiGatewayV2::Stage', Properties: { ApiId: { Ref: 'LiveApi' } } }],
      ]),
    };
    expect(waivedAt(template, 'ApiliveStage')).toBe('Api');
    expect(waivedAt(template, 'LiveStage')).toBe('LiveStage');
  });

  it.each([[{ id: 'CKV_AWS_27' }], [{ id: 'CKV_AWS_27', comment: '' }]])('is not waived by %j', (skip) => {
    expect(() => waiversOf(withMetadata({ checkov: { skip: [skip] } }))).toThrow('UploadQueue has a waiver without');
  });
});
