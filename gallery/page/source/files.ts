/** The files that a person drops or pastes, also those in folders. */

/** Must be called while the event is handled: the browser empties the list afterwards. */
export async function filesOf(transfer: DataTransfer): Promise<readonly File[]> {
  const entries = [...transfer.items].filter(({ kind }) => kind === 'file').map((item) => item.webkitGetAsEntry());
  const plain = [...transfer.files];
  // Pasted pictures have no entries.
  if (entries.some((entry) => entry === null)) return plain;
  const found = await Promise.all(entries.map((entry) => (entry === null ? [] : filesIn(entry))));
  return found.flat();
}

async function filesIn(entry: FileSystemEntry): Promise<readonly File[]> {
  // .DS_Store and the like.
  if (entry.name.startsWith('.') || entry.name === 'Thumbs.db') return [];
  if (isFile(entry)) return [await new Promise<File>((resolve, reject) => entry.file(resolve, reject))];
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const files: File[] = [];
  for (;;) {
    // At most 100 at a time in Chromium.
    const some = await new Promise<readonly FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return files;
    for (const one of some) files.push(...(await filesIn(one)));
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;

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
