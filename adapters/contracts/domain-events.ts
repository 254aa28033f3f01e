import { rejectionReasons } from '../../core/outcome.ts';
import { imageDescription } from './image-description.ts';
import * as z from './zod.ts';

/**
 * The public contract of the events on DomainEventBus, which the workflow composes (states ComposeEvent and Announce). No
 * function imports it: docs/events is generated from it, and tests check every event against it.
 */

/**
 * Increment it for a change that breaks consumers: a field removed, made optional or given another meaning, or a closed
 * list changed. Version 2: the reasons `too-complex` and `unreadable`. Version 3: the format `heic`. Version 4: the formats `bmp` and
 * `ico`, and the reason `malware`, also of an image that was processed before.
 */
export const schemaVersion = 4;

const { metadata, rendition } = imageDescription(z.strictObject);

const common = {
  schemaVersion: z.literal(schemaVersion),
  id: z.string().check(z.describe('Identical in every repeat of this event: use it to drop duplicates.')),
  correlationId: z.string().check(z.describe('Finds the image in the logs.')),
  occurredAt: z.iso.datetime().check(z.describe('When the upload bucket changed, UTC.')),
  image: z.strictObject({
    id: z.string().check(z.regex(/^[0-9a-f]{32}$/), z.describe('Identifies bucket and key.')),
    bucket: z.string(),
    key: z.string(),
    version: z
      .string()
      .check(z.describe('The upload’s version id; its etag if the bucket is not versioned; none for a deletion.')),
    sequencer: z
      .string()
      .check(z.regex(/^[0-9A-F]{32}$/), z.describe('Orders the versions of one image: the highest is the newest.')),
  }),
};

/** By detail-type. Strict at every level, so that tests detect undocumented properties; docs/events allows additions. */
export const domainEvents = {
  ImageProcessed: z
    .strictObject({ ...common, metadata, renditions: z.array(rendition).check(z.minLength(1)) })
    .check(z.describe('The renditions are in place.')),
  ImageRejected: z
    .strictObject({
      ...common,
      reason: z.enum(rejectionReasons),
      message: z.string().check(z.describe('A sentence for the person who uploaded the file.')),
    })
    .check(
      z.describe(
        'The file cannot be rendered, or has malware in it. It has no renditions, and those of the version it replaced are removed.',
      ),
    ),
  ImageDeleted: z.strictObject(common).check(z.describe('The upload was deleted and its renditions are removed.')),
  ImageFailed: z
    .strictObject(common)
    .check(
      z.describe(
        'Five attempts failed. Renditions of an earlier version remain; a redrive may still process the upload.',
      ),
    ),
};
export type DomainEventType = keyof typeof domainEvents;

/** Sent before the result of an upload, only by stacks with `AnnounceDescriptions`. Consumers of results need not know them. */
export const progressEvents = {
  ImageDescribed: z
    .strictObject({ ...common, metadata })
    .check(
      z.describe(
        'The upload could be read, and its renditions are being made. The event of the result follows, unless a newer upload comes first.',
      ),
    ),
};

/** Everything that the bus carries, by detail-type. */
export const publishedEvents = { ...domainEvents, ...progressEvents };
export type PublishedEventType = keyof typeof publishedEvents;
