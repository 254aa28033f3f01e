import type { Upload } from './image.ts';
import type { RenditionResult, RenditionTask } from './image-task.ts';
import { type OpenUploadPorts, openUpload } from './open-upload.ts';
import type { Picture, RenditionStore } from './ports.ts';
import type { RenditionGroup } from './presets.ts';
import { contentTypes, presetsFor, type Rendition, renditionKey } from './rendition.ts';

export interface ResizeImagePorts extends OpenUploadPorts {
  readonly renditions: RenditionStore;
}

/** Makes and stores one group's renditions of one upload. Throws only where another try may help. */
export async function resizeImage(
  task: RenditionTask,
  ports: ResizeImagePorts,
  groups: readonly RenditionGroup[],
): Promise<RenditionResult> {
  const group = groupNamed(task.group, groups);
  const upload = await openUpload(task, ports);
  if (upload.outcome !== 'open') return upload;

  const { bytes, header } = upload;
  const rendered = await ports.codec.render(bytes, header, presetsFor(header, group.presets));
  if (rendered.outcome === 'rejected') return rendered;

  const stored = rendered.pictures.map((picture) => store(picture, task.image, ports.renditions));
  return { outcome: 'processed', renditions: await Promise.all(stored) };
}

async function store(
  { preset, bytes, width, height }: Picture,
  { imageId, sequencer }: Upload,
  renditions: RenditionStore,
): Promise<Rendition> {
  const key = renditionKey(imageId, sequencer, preset);
  const contentType = contentTypes[preset.format];
  await renditions.put(key, bytes, contentType);
  return { preset: preset.name, key, contentType, width, height, bytes: bytes.byteLength };
}

function groupNamed(name: string, groups: readonly RenditionGroup[]): RenditionGroup {
  const group = groups.find((candidate) => candidate.name === name);
  if (group) return group;
  const known = groups.map((candidate) => candidate.name).join(', ');
  throw new Error(
    `There is no rendition group "${name}" (known: ${known}). Deploy the dispatcher and resize-image from one core/presets.ts.`,
  );
}
