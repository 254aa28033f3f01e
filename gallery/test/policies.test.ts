import { expect, it } from 'vitest';
import * as z from 'zod';
import { exampleParameters, policyDocuments } from '../../scripts/policies/policy-documents.ts';
import { deployedParameters, ofType, readTemplate, templateFor } from '../../scripts/template/template.ts';

/** `npm run policies -- --application gallery`, as IAM Access Analyzer gets it. */

const parameters = { ...exampleParameters, ...deployedParameters('prod', 'gallery') };
const template = templateFor('prod', parameters, readTemplate('gallery/template.yaml'));
const policies = policyDocuments(template);
const resources = z.object({
  Statement: z.array(z.object({ Resource: z.union([z.string(), z.array(z.string())]).optional() })),
});

it('the policies of every role, bucket and queue of the gallery are checked', () => {
  const names = policies.map(({ name }) => name.split(',')[0]);
  for (const type of ['AWS::IAM::Role', 'AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy'])
    for (const [id] of ofType(template, type)) expect(names).toContain(id);
});

it.each(policies)('$name is complete, with examples that IAM accepts', ({ document }) => {
  expect(document).not.toMatch(/"(Ref|Fn::\w+)":|\$\{/);
  for (const { Resource = '*' } of resources.parse(JSON.parse(document)).Statement)
    for (const name of [Resource].flat()) expect(name).toMatch(/^(\*|arn:aws:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+)$/);
});
