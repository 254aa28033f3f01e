import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at, type Json, parseTemplate } from '../../scripts/template/template.ts';

/** Names that differ between AWS's partitions: the commercial regions, GovCloud and China. */

const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const template = parseTemplate('template.yaml');

function* stringsIn(value: Json | undefined): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) yield* stringsIn(item);
}

describe.each(['aws', 'aws-us-gov', 'aws-cn'])('in the partition %s', (partition) => {
  const foreignIn = (texts: Iterable<string>) =>
    [...texts].filter((text) => [...text.matchAll(/\barn:([a-z-]+):/g)].some(([, found]) => found !== partition));

  it('every ARN of the template is of that partition', () => {
    const inPartition = [...stringsIn(at(template, 'Resources')), ...stringsIn(at(template, 'Outputs'))].map((text) =>
      text.replaceAll('${AWS::Partition}', partition),
    );
    expect(inPartition.filter((text) => text.includes(`arn:${partition}:`)).length).toBeGreaterThan(10);
    expect(foreignIn(inPartition)).toEqual([]);
  });

  it.each(['ImagePipeline', 'IntakeBreaker'])('so is every ARN of %s', (id) => {
    const properties = at(template, 'Resources', id, 'Properties');
    expect(at(properties, 'DefinitionSubstitutions', 'Partition')).toEqual({ Ref: 'AWS::Partition' });
    const tasks = JSON.parse(
      textOf(String(at(properties, 'DefinitionS3Location'))).replaceAll('${Partition}', partition),
    );
    expect(JSON.stringify(tasks)).toContain(`arn:${partition}:states:::`);
    expect(foreignIn(stringsIn(tasks))).toEqual([]);
  });
});

it('a deployment in China is refused in one sentence', () => {
  expect(at(template, 'Rules', 'KnownPartition', 'Assertions')).toEqual([
    {
      Assert: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AWS::Partition' }, 'aws-cn'] }] },
      AssertDescription: expect.stringContaining("does not run in AWS's regions in China"),
    },
  ]);
});
