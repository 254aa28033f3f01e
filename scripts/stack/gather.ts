import { DONE, type Notebook } from './notebook.ts';
import type { Page, Sources } from './sources.ts';

interface Gathering {
  readonly notebook: Notebook;
  readonly sources: Pick<Sources, 'uploads' | 'records'>;
  readonly report: (progress: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Lists uploads and records into the notebook. Goes on where it stopped. */
export async function gather({ notebook, sources, report, signal }: Gathering): Promise<void> {
  let images = 0;
  const copy = async <Item>(
    name: 'uploads' | 'records',
    list: (from: string | undefined) => AsyncIterable<Page<Item>>,
    note: (items: readonly Item[], place: string) => void,
  ) => {
    const place = notebook.place(name);
    if (place === DONE) return;
    for await (const { items, next } of list(place)) {
      note(items, next ?? DONE);
      images += items.length;
      report(`${images} uploads and records listed`);
      signal?.throwIfAborted();
    }
  };
  await Promise.all([
    copy('uploads', (from) => sources.uploads(from), notebook.noteUploads),
    copy('records', (from) => sources.records(from), notebook.noteRecords),
  ]);
}
