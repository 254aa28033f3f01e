/**
 * Some encoders let small parts share their bytes: two resolutions of a TIFF, transparent tiles of an AVIF. This
 * many more than the file has cost nothing that matters.
 */
export const SHARED_BYTES = 1_000_000;
