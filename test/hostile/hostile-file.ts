/** A file that nobody should upload, and that somebody will. Made only when its turn comes: some are large. */
export type Maker = readonly [name: string, make: () => Promise<Buffer>];

/** Hidden in EXIF, XMP and texts wherever a format holds them: to be found nowhere in what comes out. */
export const canary = 'HOSTILE-CANARY';
