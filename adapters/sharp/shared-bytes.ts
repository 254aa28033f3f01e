/**
 * Some encoders let small parts share their bytes: two resolutions of a TIFF, transparent tiles of an AVIF. That
 * many extra bytes cost little.
 */
export const SHARED_BYTES = 1_000_000;
