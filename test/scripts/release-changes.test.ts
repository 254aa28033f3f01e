import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  changeRows,
  changesAsMarkdown,
  changesOf,
  countsOf,
  type DescribedChange,
  describedChange,
  refusalsOf,
} from '../../scripts/release/changes.ts';

/** Answers of DescribeChangeSet, as AWS documents them: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-samples.html */

type Answer = z.input<typeof describedChange>['ResourceChange'];

const recorded = (...changes: readonly Answer[]): DescribedChange[] =>
  z.array(describedChange).parse(changes.map((ResourceChange) => ({ Type: 'Resource', ResourceChange })));

const newCode: Answer = {
  Action: 'Modify',
  LogicalResourceId: 'ResizeImageFunction',
  PhysicalResourceId: 'stack-ResizeImageFunction-1',
  ResourceType: 'AWS::Lambda::Function',
  Replacement: 'False',
  Details: [
    {
      Target: {
        Attribute: 'Properties',
        Name: 'MemorySize',
        Path: '/Properties/MemorySize',
        RequiresRecreation: 'Never',
        BeforeValue: '1769',
        AfterValue: '2048',
      },
    },
  ],
};
const renamedTable: Answer = {
  Action: 'Modify',
  LogicalResourceId: 'ImageTable',
  PhysicalResourceId: 'stack-ImageTable-1',
  ResourceType: 'AWS::DynamoDB::Table',
  Replacement: 'True',
  PolicyAction: 'ReplaceAndRetain',
  Details: [
    {
      Target: {
        Attribute: 'Properties',
        Name: 'KeySchema',
        Path: '/Properties/KeySchema',
        RequiresRecreation: 'Always',
      },
    },
  ],
};
const queueMaybe: Answer = {
  Action: 'Modify',
  LogicalResourceId: 'UploadQueue',
  ResourceType: 'AWS::SQS::Queue',
  Replacement: 'Conditional',
  PolicyAction: 'ReplaceAndDelete',
  Details: [{ Target: { Attribute: 'Properties', Name: 'QueueName', RequiresRecreation: 'Conditionally' } }],
};
const bucketGone: Answer = {
  Action: 'Remove',
  LogicalResourceId: 'RenditionBucket',
  PhysicalResourceId: 'stack-renditionbucket-1',
  ResourceType: 'AWS::S3::Bucket',
  PolicyAction: 'Delete',
};
const versionGone: Answer = {
  Action: 'Remove',
  LogicalResourceId: 'ResizeImageFunctionVersion0123abcd',
  ResourceType: 'AWS::Lambda::Version',
  PolicyAction: 'Retain',
};
const replacedAlarm: Answer = {
  Action: 'Modify',
  LogicalResourceId: 'ResizeImageErrorsAlarm',
  ResourceType: 'AWS::CloudWatch::Alarm',
  Replacement: 'True',
};
const newTopic: Answer = { Action: 'Add', LogicalResourceId: 'PageTopic', ResourceType: 'AWS::SNS::Topic' };

describe('a change set', () => {
  it('is shown with what matters most first', () => {
    const changes = changesOf(recorded(newTopic, newCode, queueMaybe, renamedTable, versionGone));
    expect(changeRows(changes).map(([effect, id]) => [effect, id])).toEqual([
      ['removed', 'ResizeImageFunctionVersion0123abcd'],
      ['REPLACED, DATA', 'ImageTable'],
      ['PERHAPS REPLACED, DATA', 'UploadQueue'],
      ['changed', 'ResizeImageFunction'],
      ['added', 'PageTopic'],
    ]);
    expect(countsOf(changes)).toBe('1 removed, 1 replaced, 1 perhaps replaced, 1 changed, 1 added');
  });

  it('names each property with its old and its new value, and says which one needs the replacement', () => {
    const [table, code] = changesOf(recorded(newCode, renamedTable));
    expect(code?.properties).toEqual(['MemorySize: 1769 → 2048']);
    expect(table?.properties).toEqual(['KeySchema (needs replacement)']);
  });

  it('without changes says so', () => {
    expect(countsOf(changesOf([]))).toBe('no changes');
  });

  it('prints values of the template as text in Markdown', () => {
    const hostile: Answer = { ...newTopic, LogicalResourceId: 'A|<img src=x>' };
    const page = changesAsMarkdown('stack', changesOf(recorded(hostile, replacedAlarm)));
    expect(page).toContain(String.raw`A\|\<img src=x\>`);
    expect(page).toContain('| **replaced** | ResizeImageErrorsAlarm |');
  });
});

describe('a release', () => {
  const refusals = (...changes: readonly Answer[]) => refusalsOf(changesOf(recorded(...changes)));

  it('runs if no resource with data is replaced or removed', () => {
    expect(refusals(newCode, newTopic, versionGone, replacedAlarm)).toEqual([]);
    expect(refusals({ ...renamedTable, Replacement: 'False', PolicyAction: undefined })).toEqual([]);
  });

  it('is stopped if it would replace a table, which it names with the reason and what to do', () => {
    expect(refusals(newCode, renamedTable)).toEqual([
      'ImageTable (AWS::DynamoDB::Table) would be replaced by an empty one because of KeySchema (needs replacement): ' +
        'the stack would lose it, with its records; CloudFormation would keep it outside of the stack. ' +
        'Take that change back, or move the data first and pass --replace ImageTable.',
    ]);
  });

  it('is stopped if CloudFormation cannot tell yet whether a queue is replaced', () => {
    expect(refusals(queueMaybe)).toEqual([
      expect.stringContaining('UploadQueue (AWS::SQS::Queue) might be replaced by an empty one because of QueueName'),
    ]);
  });

  it('is stopped if it would remove a bucket', () => {
    expect(refusals(bucketGone)).toEqual([
      expect.stringMatching(
        /^RenditionBucket .* would be removed: CloudFormation would delete it with its objects\. Put it back/,
      ),
    ]);
  });

  it.each([
    ...['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::KMS::Key', 'AWS::SQS::Queue', 'AWS::Events::EventBus'],
    ...['AWS::Cognito::UserPool', 'AWS::CloudFront::Distribution'],
  ])('is stopped if it would remove any %s', (ResourceType) => {
    expect(refusals({ ...bucketGone, ResourceType })).toHaveLength(1);
  });

  it('is stopped if CloudFormation decides about a bucket only while it runs', () => {
    expect(
      refusals({ Action: 'Dynamic', LogicalResourceId: 'UploadBucket', ResourceType: 'AWS::S3::Bucket' }),
    ).toHaveLength(1);
  });

  it('runs if a person has allowed the replacement of exactly that resource', () => {
    const changes = changesOf(recorded(renamedTable, bucketGone));
    expect(refusalsOf(changes, ['ImageTable'])).toEqual([expect.stringContaining('RenditionBucket')]);
  });
});
