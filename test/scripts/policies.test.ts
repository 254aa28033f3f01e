import {
  AccessAnalyzerClient,
  CheckNoPublicAccessCommand,
  ValidatePolicyCommand,
} from '@aws-sdk/client-accessanalyzer';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { checkPolicies, isBlocking } from '../../scripts/policies/check-policies.ts';
import { policyDocuments } from '../../scripts/policies/policy-documents.ts';
import { type Json, templateFor } from '../../scripts/template/template.ts';
import { mockClient } from '../support/mock-client.ts';

const template = templateFor('prod');
const policies = policyDocuments(template);
const named = (name: string) => policies.filter((policy) => policy.name === name);

describe('the policies of the template', () => {
  /** Counts what looks like a policy, wherever it is. */
  function countIn(value: Json): number {
    if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countIn(item), 0);
    if (typeof value !== 'object' || value === null) return 0;
    const own = 'Version' in value && 'Statement' in value ? 1 : 0;
    return Object.values(value).reduce<number>((sum, item) => sum + countIn(item), own);
  }

  it('are all found, wherever they are', () => {
    // A bus’s policy is a bare statement.
    const buses = [...template.resources.values()].filter(({ Type }) => Type === 'AWS::Events::EventBusPolicy');
    const all = [...template.resources.values()].reduce((sum, { Properties }) => sum + countIn(Properties), 0);
    expect(policies).toHaveLength(all + buses.length);
    expect(all).toBeGreaterThan(25);
  });

  it.each(policies)('$name is complete JSON, with examples in place of references', ({ document }) => {
    expect(document).not.toMatch(/"(Ref|Fn::\w+)":|\$\{/);
    const statements = z.object({ Statement: z.array(z.looseObject({ Effect: z.enum(['Allow', 'Deny']) })).min(1) });
    expect(() => statements.parse(JSON.parse(document))).not.toThrow();
  });

  it('have examples that IAM accepts: ARNs of the right service', () => {
    for (const { name, document } of policies)
      for (const [arn] of document.matchAll(/arn:[^"]*/g))
        expect(arn, name).toMatch(/^arn:aws:([a-z0-9-]+|\*):[a-z0-9-]*\**:(\d{12})?:.+$/);
    const [read] = policies.filter(({ name }) => name.startsWith('ResizeImageRole, '));
    expect(read?.document).toContain('arn:aws:s3:::example-uploadbucket/*');
  });

  it('of roles are checked for who may assume them, and those of resources for who may use them', () => {
    const [trust] = named('ResizeImageRole');
    expect(trust).toMatchObject({ type: 'RESOURCE_POLICY', publicCheckAs: 'AWS::IAM::AssumeRolePolicyDocument' });
    const checked = new Set(policies.map(({ publicCheckAs }) => publicCheckAs));
    expect([...checked].sort()).toEqual([
      ...['AWS::IAM::AssumeRolePolicyDocument', 'AWS::KMS::Key', 'AWS::S3::Bucket', 'AWS::SNS::Topic'],
      ...['AWS::SQS::Queue', undefined],
    ]);
  });
});

describe('a policy', () => {
  const analyzer = mockClient(AccessAnalyzerClient);
  const client = new AccessAnalyzerClient({ region: 'us-east-1' });
  const bucket = policies.filter(({ name }) => name === 'UploadBucketPolicy');
  beforeEach(() => {
    analyzer.reset();
    analyzer.on(ValidatePolicyCommand).resolves({ findings: [] });
    analyzer.on(CheckNoPublicAccessCommand).resolves({ result: 'PASS' });
  });
  const check = () => Array.fromAsync(checkPolicies(bucket, client));

  it('without findings is accepted', async () => {
    expect(await check()).toEqual([]);
    expect(analyzer.commandCalls(ValidatePolicyCommand)[0]?.args[0].input).toMatchObject({
      policyType: 'RESOURCE_POLICY',
      validatePolicyResourceType: 'AWS::S3::Bucket',
    });
  });

  it('that makes its resource public stops the deployment', async () => {
    analyzer
      .on(CheckNoPublicAccessCommand)
      .resolves({ result: 'FAIL', message: 'Public.', reasons: [{ description: 'Statement 0.' }] });
    const findings = await check();
    expect(findings).toEqual([{ policy: 'UploadBucketPolicy', kind: 'public', what: 'Public. Statement 0.' }]);
    expect(findings.every(isBlocking)).toBe(true);
  });

  it.each([
    ['ERROR', true],
    ['SECURITY_WARNING', true],
    ['WARNING', false],
    ['SUGGESTION', false],
  ] as const)('with a finding of type %s stops it: %s', async (findingType, blocks) => {
    const finding = {
      findingType,
      issueCode: 'INVALID_ACTION',
      findingDetails: 'No such action.',
      learnMoreLink: '',
      locations: [],
    };
    analyzer
      .on(ValidatePolicyCommand)
      .resolvesOnce({ findings: [], nextToken: 'more' })
      .resolves({ findings: [finding] });
    const findings = await check();
    expect(findings).toEqual([
      { policy: 'UploadBucketPolicy', kind: findingType, what: 'INVALID_ACTION: No such action.' },
    ]);
    expect(findings.some(isBlocking)).toBe(blocks);
  });
});
