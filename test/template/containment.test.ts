import { describe, expect, it } from 'vitest';
import { at, ofType, stages, statementsOf, templateFor } from '../../scripts/template/template.ts';
import { denialsOf } from '../support/policy-evaluation.ts';

/** What somebody cannot do who has taken over a worker, with a file that its decoder could not handle. */

describe.each(stages)('in stage %s, a rendition', (stage) => {
  const { resources } = templateFor(stage);
  const policy = at(resources.get('RenditionBucketPolicy')?.Properties['PolicyDocument'], 'Statement');
  const write = (context: Readonly<Record<string, string>>) =>
    denialsOf(policy, {
      action: 's3:PutObject',
      resource: 'RenditionBucket.Arn/image/version/webp-320.webp',
      context: { 'aws:securetransport': 'true', ...context },
    });

  it('is written on the condition that its key is free', () => {
    expect(write({ 's3:if-none-match': '*' })).toEqual([]);
  });

  it('is never replaced, whoever asks', () => {
    expect(write({})).toEqual(['NeverReplaceRenditions']);
    expect(write({ 's3:if-match': '"etag"' })).toEqual(['NeverReplaceRenditions']);
  });
});

describe.each(stages)('in stage %s, no role', (stage) => {
  const roles = ofType(templateFor(stage), 'AWS::IAM::Role');
  const ofKms = roles.flatMap(([id, role]) =>
    statementsOf(role)
      .filter(({ Action }) => Action.some((action) => action.startsWith('kms:')))
      .map((statement) => ({ id, statement })),
  );

  it('decrypts anything itself: the key works through the services that hold the data', () => {
    expect(ofKms.length).toBeGreaterThan(3);
    for (const { id, statement } of ofKms) {
      const through = [at(statement.Condition, 'StringEquals', 'kms:ViaService') ?? []].flat();
      const services = through.map((service) => String(at(service, 'Fn::Sub')));
      expect(services.length, id).toBeGreaterThan(0);
      for (const service of services)
        expect(service, id).toMatch(/^(s3|sqs|dynamodb)\.\$\{AWS::Region\}\.amazonaws\.com$/);
    }
  });
});
