import { rejectionReasons } from '../../core/outcome.ts';
import { imageDescription } from './image-description.ts';
import * as z from './zod.ts';

/**
 * What DomainEventBus carries: composed by the workflow (state Announce), promised to everybody who listens. No function
 * reads it: docs/events is made of it, and the tests hold every event to it.
 */

/** Raise it for a change that breaks a consumer: a field that goes, changes its meaning or need not be there any more. */
export const schemaVersion = 1;

const { metadata, rendition } = imageDescription(z.strictObject);

const common = {
  schemaVersion: z.literal(schemaVersion),
  id: z.string().check(z.describe('The same for every repeat of this event: drop doubles by it.')),
  correlationId: z.string().check(z.describe('Finds the image’s lines in the logs.')),
  occurredAt: z.iso.datetime().check(z.describe('When the upload bucket changed, UTC.')),
  image: z.strictObject({
    id: z.string().check(z.regex(/^[0-9a-f]{32}$/), z.describe('Names bucket and key.')),
    bucket: z.string(),
    key: z.string(),
    version: z
      .string()
      .check(z.describe('The upload’s version id; its etag where the bucket has no versions; none of a deletion.')),
    sequencer: z
      .string()
      .check(z.regex(/^[0-9A-F]{32}$/), z.describe('Orders the states of one image: the highest is the newest.')),
  }),
};

/** By detail-type: strict here at every level, so that a test sees what nobody promised; open to additions in docs/events. */
export const domainEvents = {
  ImageProcessed: z
    .strictObject({ ...common, metadata, renditions: z.array(rendition).check(z.minLength(1)) })
    .check(z.describe('The renditions are in place.')),
  ImageRejected: z
    .strictObject({
      ...common,
      reason: z.enum(rejectionReasons),
      message: z.string().check(z.describe('A sentence for whoever uploaded the file.')),
    })
    .check(z.describe('The file cannot become renditions; there are none of it, nor of what it replaced.')),
  ImageDeleted: z.strictObject(common).check(z.describe('The upload is gone, and so are its renditions.')),
  ImageFailed: z
    .strictObject(common)
    .check(z.describe('Five tries failed. What was shown before still is; a redrive may yet process the upload.')),
};
export type DomainEventType = keyof typeof domainEvents;
