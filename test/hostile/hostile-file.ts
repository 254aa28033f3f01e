/** A file that a hostile or careless sender might upload. Made only when needed, because some are large. */
export type Maker = readonly [name: string, make: () => Promise<Buffer>];

/** Hidden in EXIF, XMP and texts wherever a format allows them: must never appear in a rendition. */
export const canary = 'HOSTILE-CANARY';
