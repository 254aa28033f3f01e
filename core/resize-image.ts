import type { Upload } from './image.ts';
import type { RenditionResult, RenditionTask } from './image-task.ts';
import { type OpenUploadPorts, openUpload } from './open-upload.ts';
import type { EncodedRendition, RenditionStore } from './ports.ts';
import type { RenditionGroup } from './presets.ts';
import { contentTypes, presetsFor, type Rendition, renditionKey } from './rendition.ts';
import { settingsOf } from './settings.ts';

export interface ResizeImagePorts extends OpenUploadPorts {
  readonly renditionStore: RenditionStore;
}

/** Renders and stores one group's presets for one upload. Throws only if a retry may help. */
export async function resizeImage(
  task: RenditionTask,
  ports: ResizeImagePorts,
  groups: readonly RenditionGroup[],
): Promise<RenditionResult> {
  const group = groupNamed(task.group, groups);
  const upload = await openUpload(task, ports);
  if (upload.outcome !== 'open') return upload;

  const rendered = await upload.image.render(
    presetsFor(
      upload.image.header,
      group.presets,
      groups.flatMap(({ presets }) => presets),
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

function groupNamed(name: string, groups: readonly RenditionGroup[]): RenditionGroup {
  const group = groups.find((candidate) => candidate.name === name);
  if (group) return group;
  const known = groups.map((candidate) => candidate.name).join(', ');
  throw new Error(
    `Unknown rendition group "${name}" (known: ${known}). Deploy dispatch-images and resize-image from the same core/presets.ts.`,
  );
}
