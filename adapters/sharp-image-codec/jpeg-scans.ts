/**
 * Whether a progressive JPEG has come as far as its last refinement of the luma (ITU-T T.81, annex G). A file cut before
 * that has lost no rows, but detail everywhere; a file cut within it looks whole.
 */
export function reachesFullDetail(bytes: Uint8Array): boolean {
  let luma: number | undefined;
  let at = 2;
  while (at + 4 <= bytes.length) {
    const marker = bytes[at + 1];
    const end = at + 2 + uint16(bytes, at + 2);
    const segment = bytes.subarray(at + 4, end);
    if (marker === SOF2) luma = segment[6];
    if (marker === SOS && refinesToTheEnd(segment, luma)) return true;
    at = marker === SOS ? nextMarker(bytes, end) : end;
  }
  return false;
}

const SOF2 = 0xc2;
const SOS = 0xda;
const LAST_COEFFICIENT = 63;

function refinesToTheEnd(scan: Uint8Array, luma: number | undefined): boolean {
  const count = scan[0] ?? 0;
  const components = Array.from({ length: count }, (_, index) => scan[1 + 2 * index]);
  const lastCoefficient = scan[2 + 2 * count];
  const missingBits = (scan[3 + 2 * count] ?? 0) & 0x0f;
  return components.includes(luma) && lastCoefficient === LAST_COEFFICIENT && missingBits === 0;
}

/** Past the entropy-coded data, in which 0xff is followed by 0 or by a restart marker. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at;
  }
  return bytes.length;
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
