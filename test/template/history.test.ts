import { describe, expect, it } from 'vitest';
import { dayPrefix, historyPrefix } from '../../adapters/contracts/history-keys.ts';
import { historyColumns } from '../../adapters/contracts/history-line.ts';
import { historyEvents } from '../../core/history.ts';
import {
  at,
  type Json,
  numberAt,
  ofType,
  parameterDefault,
  referredId,
  stages,
  templateFor,
} from '../../scripts/template/template.ts';

/** How the stream of the table becomes history, who may change it, and how it is queried. */

const template = templateFor('prod');
const properties = (id: string) => {
  const found = template.resources.get(id)?.Properties;
  if (found === undefined) throw new Error(`template.yaml has no ${id}.`);
  return found;
};
const items = (value: Json | undefined): Json[] => [value ?? []].flat();
const HOUR_SECONDS = 3600;
/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html */
const STREAM_HOURS = 24;

describe('the stream of the image table', () => {
  const mapping = at(properties('RecordHistoryFunction')['Events'], 'Changes', 'Properties');

  it('delivers each item before and after the change', () => {
    expect(properties('ImageTable')['StreamSpecification']).toEqual({ StreamViewType: 'NEW_AND_OLD_IMAGES' });
    expect(at(mapping, 'Stream')).toEqual({ 'Fn::GetAtt': 'ImageTable.StreamArn' });
  });

  it('delivers the changes of an image in their order, from the first on, and never skips one to go on', () => {
    expect(mapping).toMatchObject({
      ParallelizationFactor: 1,
      StartingPosition: 'TRIM_HORIZON',
      BisectBatchOnFunctionError: true,
    });
    expect(at(mapping, 'MaximumRetryAttempts')).toBeUndefined();
    expect(at(mapping, 'FilterCriteria')).toBeUndefined();
  });

  it('gives up a batch only hours before it is lost, puts its place into a queue, and an alarm says so', () => {
    expect(STREAM_HOURS - numberAt(at(mapping, 'MaximumRecordAgeInSeconds')) / HOUR_SECONDS).toBe(4);
    expect(at(mapping, 'DestinationConfig', 'OnFailure')).toEqual({
      Type: 'SQS',
      Destination: { 'Fn::GetAtt': 'UnrecordedChangeQueue.Arn' },
    });
    const [dimension] = items(properties('UnrecordedChangeQueueDepthAlarm')['Dimensions']);
    expect(referredId(at(dimension, 'Value'))).toBe('UnrecordedChangeQueue');
  });

  it('raises an alarm long before changes are lost, if the history falls behind', () => {
    const { MetricName, Threshold } = properties('RecordHistoryIteratorAgeAlarm');
    expect(MetricName).toBe('IteratorAge');
    expect(numberAt(Threshold) / 1000 / HOUR_SECONDS).toBe(1);
  });

  it('is read five minutes at a time in an account, and at once on a laptop, where a developer waits', () => {
    const windows = stages.map((stage) => {
      const { Properties } = templateFor(stage).resources.get('RecordHistoryFunction') ?? {};
      return at(Properties?.['Events'], 'Changes', 'Properties', 'MaximumBatchingWindowInSeconds');
    });
    expect(windows).toEqual([0, 300, 300]);
  });
});

describe('the bucket of history', () => {
  const statements = (parameters = {}) => {
    const policy = templateFor('prod', parameters).resources.get('HistoryBucketPolicy')?.Properties['PolicyDocument'];
    return items(at(policy, 'Statement'));
  };
  const denying = (action: string, parameters = {}) =>
    statements(parameters).find(
      (statement) => at(statement, 'Effect') === 'Deny' && items(at(statement, 'Action')).includes(action),
    );
  const OperatorRoleArn = 'arn:aws:iam::111122223333:role/operator';

  it('takes history from the function and an operator only, whatever other policies allow', () => {
    const forged = denying('s3:PutObject', { OperatorRoleArn });
    expect(at(forged, 'Resource')).toEqual({ 'Fn::Sub': `\${HistoryBucket.Arn}/${historyPrefix}*` });
    const writers = items(at(forged, 'Condition', 'ArnNotLike', 'aws:PrincipalArn'));
    expect(writers).toEqual([
      { 'Fn::GetAtt': 'RecordHistoryRole.Arn' },
      { 'Fn::Sub': 'arn:${AWS::Partition}:sts::${AWS::AccountId}:assumed-role/${RecordHistoryRole}/*' },
      OperatorRoleArn,
    ]);
  });

  it.each(['s3:DeleteObject', 's3:DeleteObjectVersion'])('lets only an operator use %s on history', (action) => {
    expect(at(denying(action, { OperatorRoleArn }), 'Condition')).toEqual({
      ArnNotLike: { 'aws:PrincipalArn': OperatorRoleArn },
    });
    expect(denying(action)).not.toHaveProperty('Condition');
  });

  it('keeps history for as long as the parameter says, and a month of what was changed in it', () => {
    const rules = items(at(properties('HistoryBucket')['LifecycleConfiguration'], 'Rules'));
    const rule = (id: string) => rules.find((found) => at(found, 'Id') === id);
    expect(rule('expire-history')).toMatchObject({
      Prefix: historyPrefix,
      ExpirationInDays: parameterDefault('HistoryRetentionDays'),
    });
    expect(at(rule('expire-replaced-versions'), 'NoncurrentVersionExpiration', 'NoncurrentDays')).toBe(30);
    expect(properties('HistoryBucket')['VersioningConfiguration']).toEqual({ Status: 'Enabled' });
  });

  it('has no lock: a person can be erased', () => {
    expect(Object.keys(properties('HistoryBucket')).filter((name) => name.startsWith('ObjectLock'))).toEqual([]);
  });
});

describe('queries of history', () => {
  const queries = ofType(template, 'AWS::Athena::NamedQuery');
  const input = properties('HistoryTable')['TableInput'];

  it('find a day where the function writes it', () => {
    const parameters = at(input, 'Parameters');
    expect(at(parameters, 'storage.location.template')).toEqual({
      'Fn::Sub': `s3://\${HistoryBucket}/${dayPrefix('${!day}')}`,
    });
    expect(at(parameters, 'projection.day.format')).toBe('yyyy-MM-dd');
    expect(items(at(input, 'PartitionKeys')).map((key) => at(key, 'Name'))).toEqual(['day']);
  });

  it('stop at a price, and their answers are encrypted, stay in this stack and expire after a day', () => {
    const settings = properties('HistoryWorkGroup')['WorkGroupConfiguration'];
    // $5 per terabyte.
    expect((numberAt(at(settings, 'BytesScannedCutoffPerQuery')) / 1024 ** 4) * 5).toBeLessThan(0.05);
    expect(settings).toMatchObject({
      EnforceWorkGroupConfiguration: true,
      ResultConfiguration: {
        OutputLocation: { 'Fn::Sub': 's3://${HistoryBucket}/query-results/' },
        EncryptionConfiguration: { EncryptionOption: 'SSE_KMS', KmsKey: { 'Fn::GetAtt': 'DataKey.Arn' } },
      },
    });
    const rules = items(at(properties('HistoryBucket')['LifecycleConfiguration'], 'Rules'));
    expect(rules.find((rule) => at(rule, 'Prefix') === 'query-results/')).toMatchObject({ ExpirationInDays: 1 });
  });

  it('are four, in the group with the bound', () => {
    expect(queries).toHaveLength(4);
    for (const [, { Properties, Condition }] of queries) {
      expect(Condition).toBe('IsAccount');
      expect(Properties).toMatchObject({
        Database: { Ref: 'HistoryDatabase' },
        WorkGroup: { Ref: 'HistoryWorkGroup' },
      });
    }
  });

  describe.each(queries)('%s', (_, { Properties }) => {
    const query = String(at(Properties['QueryString'], 'Fn::Sub') ?? Properties['QueryString']);

    it('reads columns and events that exist, of a bounded period', () => {
      const given = [...query.matchAll(/\bAS (\w+)/g)].map(([, name]) => name);
      const words = query.replaceAll(/'[^']*'/g, '').match(/\b[a-z][a-z_0-9]*\b(?!\s*\()/g) ?? [];
      const known = new Set([...historyColumns, 'day', 'history', 'current_date', ...given]);
      expect(words.filter((word) => !known.has(word))).toEqual([]);
      const values = [...query.matchAll(/event = '([a-z-]+)'/g)].map(([, value = '']) => value);
      expect(values.filter((value) => !historyEvents.some((event) => event === value))).toEqual([]);
      expect(query).toContain('WHERE day >=');
    });
  });

  it('of one image use the image id of the pipeline', () => {
    const query = String(at(properties('ImageHistoryNamedQuery')['QueryString'], 'Fn::Sub'));
    expect(query).toContain("substr(lower(to_hex(sha256(to_utf8('${UploadBucket}/' || 'KEY')))), 1, 32)");
  });
});
