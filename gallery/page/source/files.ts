/** The files that a person drops or pastes, also those in folders. */

/** What people drop or paste, anywhere on the page. Returns how to stop. */
export function receiveFiles(
  receive: (transfer: DataTransfer) => void,
  setDragging: (dragging: boolean) => void = () => undefined,
): () => void {
  const stopped = new AbortController();
  const { signal } = stopped;
  const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') === true;
  addEventListener(
    'dragover',
    (event) => {
      if (!hasFiles(event)) return;
      // Otherwise the browser opens the file instead of the page.
      event.preventDefault();
      setDragging(true);
    },
    { signal },
  );
  addEventListener(
    'dragleave',
    (event) => {
      // Null where the pointer leaves the window, not only an element.
      if (event.relatedTarget === null) setDragging(false);
    },
    { signal },
  );
  addEventListener(
    'drop',
    (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDragging(false);
      if (event.dataTransfer !== null) receive(event.dataTransfer);
    },
    { signal },
  );
  addEventListener(
    'paste',
    (event) => {
      if (event.clipboardData?.types.includes('Files') === true) receive(event.clipboardData);
    },
    { signal },
  );
  return () => stopped.abort();
}

/** What this needs of a browser's DataTransfer. */
interface Transfer {
  readonly items: Iterable<{ readonly kind: string; webkitGetAsEntry(): Entry | null }>;
  readonly files: Iterable<File>;
}

export interface Entry {
  readonly name: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}

export interface FileEntry extends Entry {
  file(found: (file: File) => void, failed: (error: DOMException) => void): void;
}

export interface FolderEntry extends Entry {
  createReader(): {
    readEntries(found: (entries: readonly Entry[]) => void, failed: (error: DOMException) => void): void;
  };
}

/** Must be called while the event is handled: the browser empties the list afterwards. */
export async function filesOf(transfer: Transfer): Promise<readonly File[]> {
  const entries = [...transfer.items].filter(({ kind }) => kind === 'file').map((item) => item.webkitGetAsEntry());
  const plain = [...transfer.files];
  // Pasted pictures have no entries.
  if (entries.some((entry) => entry === null)) return plain;
  const found = await Promise.all(entries.map((entry) => (entry === null ? [] : filesIn(entry))));
  return found.flat();
}

async function filesIn(entry: Entry): Promise<readonly File[]> {
  // .DS_Store and the like.
  if (entry.name.startsWith('.') || entry.name === 'Thumbs.db') return [];
  const files: File[] = [];
  try {
    if (isFile(entry)) files.push(await new Promise<File>((resolve, reject) => entry.file(resolve, reject)));
    else if (isFolder(entry)) for await (const one of entriesIn(entry)) files.push(...(await filesIn(one)));
  } catch {
    files.push(new UnreadableFile(entry.name));
  }
  return files;
}

async function* entriesIn(folder: FolderEntry): AsyncGenerator<Entry> {
  const reader = folder.createReader();
  for (;;) {
    // At most 100 at a time in Chromium.
    const some = await new Promise<readonly Entry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    yield* some;
  }
}

/** Stands for what a browser cannot read, so that the page can say so where the file would be. */
class UnreadableFile extends File {
  constructor(name: string) {
    super([], name);
  }

  override slice(): never {
    throw new Error(`${this.name} cannot be read.`);
  }
}

const isFile = (entry: Entry): entry is FileEntry => entry.isFile;
const isFolder = (entry: Entry): entry is FolderEntry => entry.isDirectory;

/** Photographs to try the page with. */
export async function sampleFiles(urls: readonly string[]): Promise<readonly File[]> {
  return Promise.all(
    urls.map(async (url) => {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
      const blob = await response.blob();
      const name = decodeURIComponent(url.split('/').at(-1) ?? 'photograph');
      return new File([blob], name, { type: blob.type });
    }),
  );
}
