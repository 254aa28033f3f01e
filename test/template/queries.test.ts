import { describe, expect, it } from 'vitest';
import { at, type Json, ofType, referredId, templateFor } from '../../scripts/template/template.ts';
import { captureLog } from '../support/captured-log.ts';
import { answersOfAws, loadedHandlers } from '../support/loaded-handlers.ts';

const template = templateFor('prod');
const queries = ofType(template, 'AWS::Logs::QueryDefinition');
const logged = captureLog();

/** What Lambda itself logs at the end of a call: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html */
const platformReport = {
  time: '2026-01-02T03:04:05.000Z',
  type: 'platform.report',
  record: {
    requestId: '6ad49eb8-4ff9-4a1f-9e0a-5a6c0d6a7b0e',
    metrics: { durationMs: 1, billedDurationMs: 1, memorySizeMB: 512, maxMemoryUsedMB: 100, initDurationMs: 200 },
    status: 'success',
  },
};
/** What an EXPRESS workflow logs: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html */
const workflowLine = {
  id: '7',
  type: 'ExecutionFailed',
  details: { error: 'States.Timeout', cause: 'too slow' },
  previous_event_id: '6',
  event_timestamp: '1767323045000',
  execution_arn: 'arn:aws:states:us-east-1:123456789012:express:image-pipeline:correlation-1:7',
};
// Logs Insights discovers the first ones; Powertools adds the trace if there is one, and stored outcomes have `repeated`.
const everywhere = ['@timestamp', '@log', '@message', 'xray_trace_id', 'repeated'];

function fieldsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, inner]) => fieldsOf(inner, path === '' ? name : `${path}.${name}`));
}

/** The fields that a query reads: its words, without keywords, functions, strings and its own aliases. */
function fieldsIn(query: string): string[] {
  const given = [...query.matchAll(/\bas (\w+)/g)].map(([, name]) => name);
  const words = query.replaceAll(/'[^']*'/g, '').match(/@?[a-zA-Z_][\w.]*(?!\w*\()/g) ?? [];
  const language = /^(fields|filter|sort|stats|limit|by|as|and|or|not|like|asc|desc)$/;
  return words.filter((word) => !language.test(word) && !given.includes(word) && !query.includes(`${word}(`));
}

let written: Promise<ReadonlySet<string>> | undefined;

/** Of all lines that the handlers, Lambda and the workflow write. */
async function fieldsWritten(): Promise<ReadonlySet<string>> {
  answersOfAws();
  const { dispatch, describePhotograph } = await loadedHandlers();
  await dispatch(['processed-1', 'fails-2', 'rejects-3']);
  await describePhotograph();
  const lines = [...logged('info'), ...logged('warn'), ...logged('error'), platformReport, workflowLine];
  return new Set([...everywhere, ...lines.flatMap((line) => fieldsOf(line))]);
}

describe.each(queries)('%s', (_, { Properties, Condition }) => {
  it('uses fields that the code logs', async () => {
    // Once for all queries, because it loads the handlers.
    written ??= fieldsWritten();
    const read = fieldsIn(String(Properties['QueryString']));
    expect(read.length).toBeGreaterThan(2);
    for (const field of read) expect(await written, field).toContain(field);
  });

  it('uses log groups that exist', () => {
    const groups = [Properties['LogGroupNames'] ?? []].flat().map((group: Json) => referredId(group) ?? '');
    expect(groups.length).toBeGreaterThan(0);
    for (const group of groups) expect(template.resources.get(group)?.Type).toBe('AWS::Logs::LogGroup');
  });

  it('is saved under the stack’s name, in an account', () => {
    expect(at(Properties['Name'], 'Fn::Sub')).toMatch(/^\$\{AWS::StackName\}\/[a-z-]+$/);
    expect(Condition).toBe('IsAccount');
  });
});

/** Their lines are about the stack, a release, or many images at once. */
const withoutImages = [
  'IntakeBreakerLogGroup',
  'CheckReleaseLogGroup',
  'RecordHistoryLogGroup',
  'BackfillLogGroup',
  'BackfillImagesLogGroup',
];

it('the query for one image searches every log group that has lines about images', () => {
  const groups = template.resources.get('ImageWayQuery')?.Properties['LogGroupNames'];
  const found = [groups ?? []].flat().map((group) => referredId(group));
  expect(found.sort()).toEqual(
    ofType(template, 'AWS::Logs::LogGroup')
      .map(([id]) => id)
      .filter((id) => !withoutImages.includes(id))
      .sort(),
  );
});
