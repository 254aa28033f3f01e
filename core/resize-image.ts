import type { Upload } from './image.ts';
import type { RenditionResult, RenditionTask } from './image-task.ts';
import { type OpenUploadPorts, openUpload } from './open-upload.ts';
import type { EncodedRendition, RenditionStore } from './ports.ts';
import type { Preset, RenditionGroup, RetiredGroup } from './presets.ts';
import { contentTypes, presetsFor, type Rendition, renditionKey } from './rendition.ts';
import { settingsOf } from './settings.ts';

export interface ResizeImagePorts extends OpenUploadPorts {
  readonly renditionStore: RenditionStore;
}

/**
 * Renders and stores one group's presets for one upload. Throws only if a retry may help.
 *
 * @param retired names that the dispatcher of the previous release still uses
 */
export async function resizeImage(
  task: RenditionTask,
  ports: ResizeImagePorts,
  groups: readonly RenditionGroup[],
  retired: readonly RetiredGroup[] = [],
): Promise<RenditionResult> {
  const presets = presetsNamed(task.group, groups, retired);
  if (presets.length === 0) return { outcome: 'processed', renditions: [] };
  const upload = await openUpload(task, ports);
  if (upload.outcome !== 'open') return upload;

  const rendered = await upload.image.render(
    presetsFor(
      upload.image.header,
      presets,
      groups.flatMap((group) => group.presets),
    ),
    upload.focus,
  );
  if (rendered.outcome === 'rejected') return rendered;

  const stored = rendered.renditions.map((rendition) => store(rendition, task.image, ports.renditionStore));
  return { outcome: 'processed', renditions: await Promise.all(stored) };
}

async function store(
  { preset, bytes, width, height, frames }: EncodedRendition,
  { imageId, sequencer }: Upload,
  renditionStore: RenditionStore,
): Promise<Rendition> {
  const key = renditionKey(imageId, sequencer, preset);
  const contentType = contentTypes[preset.format];
  await renditionStore.put(key, bytes, contentType);
  return {
    preset: preset.name,
    key,
    contentType,
    width,
    height,
    bytes: bytes.byteLength,
    settings: settingsOf(preset),
    ...(frames !== undefined && { frames }),
  };
}

function presetsNamed(
  name: string,
  groups: readonly RenditionGroup[],
  retired: readonly RetiredGroup[],
): readonly Preset[] {
  const names = retired.find((candidate) => candidate.name === name)?.replacedBy ?? [name];
  return names.flatMap((known) => groupNamed(known, groups).presets);
}

function groupNamed(name: string, groups: readonly RenditionGroup[]): RenditionGroup {
  const group = groups.find((candidate) => candidate.name === name);
  if (group) return group;
  const known = groups.map((candidate) => candidate.name).join(', ');
  throw new Error(
    `Unknown rendition group "${name}" (known: ${known}). If the last release had it, add it to retiredGroups in core/presets.ts; if not, deploy dispatch-images and resize-image from the same core/presets.ts.`,
  );
}
