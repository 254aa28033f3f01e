/** Makes the edits of the recipe docs/recipes/change-presets.md, in its order. */
import { sum } from 'simple-statistics';
import type { RenditionGroup } from '../../core/presets.ts';
import { renditionGroups } from '../../core/presets.ts';
import { at, numberAt, stages, templateFor } from '../../scripts/template/template.ts';
import type { ForkedCopy } from './forked-copy.ts';

const PRESETS = 'core/presets.ts';
const TEMPLATE = 'template.yaml';

export async function changePresets(copy: ForkedCopy, groups: readonly RenditionGroup[]): Promise<void> {
  await writePresets(copy, groups);
  const [before, after] = [renditionGroups, groups].map((some) => some.flatMap(({ presets }) => presets).length);
  await copy.replace(TEMPLATE, `"${before} * FILL(processed, 0)`, `"${after} * FILL(processed, 0)`);
  const known = new Set(renditionGroups.map(({ name }) => name));
  for (const { name } of groups.filter((group) => !known.has(group.name))) await addSampleEvent(copy, name);
  if (groups.length !== renditionGroups.length) {
    await reserveWorkers(copy, groups.length);
    await raiseErrorsAlarm(copy, groups.length);
  }
  await copy.script('lab/lab.ts', 'docs');
}

async function writePresets(copy: ForkedCopy, groups: readonly RenditionGroup[]): Promise<void> {
  const [before, declared] = (await copy.read(PRESETS)).split(/(export const renditionGroups[^=]*= )/);
  await copy.write(PRESETS, `${before}${declared}${JSON.stringify(groups, null, 2)};\n`);
}

async function addSampleEvent(copy: ForkedCopy, group: string): Promise<void> {
  const sample = await copy.read(`events/resize-image/${renditionGroups[0].name}.json`);
  await copy.write(
    `events/resize-image/${group}.json`,
    sample.replace(`"group": "${renditionGroups[0].name}"`, `"group": "${group}"`),
  );
}

/** One resize worker per rendition group for each image in progress, and as many spare workers as before. */
async function reserveWorkers(copy: ForkedCopy, groups: number): Promise<void> {
  for (const stage of stages) {
    const { resources } = templateFor(stage);
    const properties = (id: string) => resources.get(id)?.Properties ?? {};
    const imagesInProgress = ['Uploads', 'Overflow']
      .map((event) => at(properties('DispatchImagesFunction')['Events'], event, 'Properties'))
      .map((mapping) => numberAt(mapping, 'BatchSize') * numberAt(mapping, 'ScalingConfig', 'MaximumConcurrency'));
    const more = sum(imagesInProgress) * (groups - renditionGroups.length);
    await raise(
      copy,
      stage,
      'ResizeConcurrency',
      numberAt(properties('ResizeImageFunction')['ReservedConcurrentExecutions']),
      more,
    );
    await raise(
      copy,
      stage,
      'BusyResizeWorkers',
      numberAt(properties('ResizeImageConcurrencyAlarm')['Threshold']),
      more,
    );
  }
}

/** Each group fails separately, so the errors of one image multiply with the number of groups. */
async function raiseErrorsAlarm(copy: ForkedCopy, groups: number): Promise<void> {
  const threshold = numberAt(templateFor('prod').resources.get('ResizeImageErrorsAlarm')?.Properties['Threshold']);
  const head =
    '  ResizeImageErrorsAlarm:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      <<: *worker-errors\n';
  const raised = (threshold * groups) / renditionGroups.length;
  await copy.replace(TEMPLATE, head, `${head}      Threshold: ${raised}\n`);
}

/** Increases a number in the template's Stages mapping. */
async function raise(copy: ForkedCopy, stage: string, name: string, from: number, by: number): Promise<void> {
  const [head = '', row = '', ...rest] = (await copy.read(TEMPLATE)).split(
    new RegExp(`(^    ${stage}:$[^]*?^      ${name}: ${from}$)`, 'm'),
  );
  const raised = row.replace(new RegExp(`${name}: ${from}$`), `${name}: ${from + by}`);
  if (raised === row) throw new Error(`${TEMPLATE} has no ${name}: ${from} for stage ${stage}.`);
  await copy.write(TEMPLATE, [head, raised, ...rest].join(''));
}
