/** How far an announcement has come: a stopped one goes on where it was. */
import * as z from 'zod';
import { openNotebookFile } from '../stack/notebook-file.ts';
import type { Place } from '../stack/record-pages.ts';

/** Everything before it is published. */
export interface Reached {
  readonly place: Place;
  /** Items of the table. */
  readonly read: number;
}

const reached = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.object({ place: z.record(z.string(), z.unknown()), read: z.int() })) satisfies z.ZodType<Reached>;

export type AnnouncementNotebook = ReturnType<typeof openAnnouncementNotebook>;

/** @param path of the file, or `:memory:` */
export function openAnnouncementNotebook(path: string) {
  const { database, place, setPlace } = openNotebookFile(path, '');
  return {
    place,
    setPlace,
    remember: (found: Reached): void => setPlace('reached', JSON.stringify(found)),
    /** Undefined before the end of the first page. */
    reached: (): Reached | undefined => reached.optional().parse(place('reached')),
    close: () => database.close(),
  };
}
