/**
 * The Lambda functions that an image passes through, in order. This is the only list of them: tests, chaos, crash
 * points, load charts and costs use it, and a test names what a step in it still lacks.
 */

interface Step {
  /** `ResizeImage` of functions/resize-image, ResizeImageFunction and the state ResizeImage. */
  readonly name: string;
  /** Messages of the queue, or a task of the workflow: image-task.ts. There is one rendition task per rendition group. */
  readonly takes: 'messages' | 'image' | 'rendition' | 'removal';
  /** Whether it decodes images: core/limits.ts depends on its memory. */
  readonly decodes: boolean;
}

export const steps = [
  { name: 'DispatchImages', takes: 'messages', decodes: false },
  { name: 'ExtractMetadata', takes: 'image', decodes: true },
  { name: 'ResizeImage', takes: 'rendition', decodes: true },
  { name: 'RemoveRenditions', takes: 'removal', decodes: false },
] as const satisfies readonly Step[];

export type StepName = (typeof steps)[number]['name'];

/** The steps that the workflow calls. */
export const workers = steps.filter((step) => step.takes !== 'messages');

/** `resize-image` of ResizeImage. */
export function folderOf(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}
