import type { Work } from '../../core/limits.ts';

export type ProfileWork = Pick<Work, 'profileSteps' | 'profileTableBytes'>;

/**
 * How many operations a colour profile takes for one colour, and how many bytes its tables take in memory: of its `mpet`
 * tags only (ICC.1:2022, 10.16), of which any number of elements may share the same bytes. All other kinds of tag have a
 * fixed number of stages, and lcms reads each of them once. Stops at the first element beyond `max`.
 */
export function profileWork(profile: Uint8Array, max: ProfileWork): ProfileWork {
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength);
  const tags = Math.min(uint32(view, TAG_COUNT_AT), MAX_TAGS);
  let [profileSteps, profileTableBytes] = [0, 0];
  for (let tag = 0; tag < tags; tag += 1) {
    const at = uint32(view, TAG_COUNT_AT + 8 + 12 * tag);
    const elements = uint32(view, at) === MPET ? uint32(view, at + 12) : 0;
    for (let element = 0; element < elements; element += 1) {
      if (profileSteps > max.profileSteps || profileTableBytes > max.profileTableBytes) break;
      const { steps, bytes } = elementCost(view, at + uint32(view, at + 16 + 8 * element), max.profileSteps);
      profileSteps += steps;
      profileTableBytes += bytes;
    }
  }
  return { profileSteps, profileTableBytes };
}

const TAG_COUNT_AT = 128;
// lcms refuses profiles with more.
const MAX_TAGS = 100;
const MPET = 0x6d706574;
const CURVES = 0x63767374;
const MATRIX = 0x6d617466;
const TABLE = 0x636c7574;
const SAMPLED = 0x73616d66;
const FLOAT = 4;
// A grid has sixteen bytes.
const MAX_INPUTS = 16;

interface Cost {
  readonly steps: number;
  readonly bytes: number;
}

function elementCost(view: DataView, at: number, maxSteps: number): Cost {
  const [inputs, outputs] = [uint16(view, at + 8), uint16(view, at + 10)];
  switch (uint32(view, at)) {
    case CURVES:
      return curvesCost(view, at, inputs, maxSteps);
    case MATRIX:
      return { steps: 1 + inputs * outputs, bytes: 0 };
    case TABLE:
      // Interpolates between all corners of a cell.
      return { steps: 1 + 2 ** inputs * outputs, bytes: tableNumbers(view, at + 12, inputs) * outputs * FLOAT };
    default:
      return { steps: 1, bytes: 0 };
  }
}

/** Of a table's grid, as its points are claimed: lcms allocates them before it reads them. */
function tableNumbers(view: DataView, gridAt: number, inputs: number): number {
  let points = 1;
  for (let input = 0; input < Math.min(inputs, MAX_INPUTS); input += 1) points *= uint8(view, gridAt + input);
  return points;
}

/** lcms searches the segments of a curve one by one. */
function curvesCost(view: DataView, elementAt: number, curves: number, maxSteps: number): Cost {
  let [steps, bytes] = [1, 0];
  for (let curve = 0; curve < curves && steps <= maxSteps; curve += 1) {
    const at = elementAt + uint32(view, elementAt + 12 + 8 * curve);
    const segments = uint16(view, at + 8);
    steps += 1 + segments;
    if (steps <= maxSteps) bytes += sampledBytes(view, at, segments);
  }
  return { steps, bytes };
}

function sampledBytes(view: DataView, curveAt: number, segments: number): number {
  let bytes = 0;
  // Behind the breaks between the segments.
  let at = curveAt + 12 + FLOAT * Math.max(0, segments - 1);
  for (let segment = 0; segment < segments; segment += 1) {
    if (uint32(view, at) === SAMPLED) {
      const samples = uint32(view, at + 8) * FLOAT;
      bytes += samples;
      at += 12 + samples;
    } else {
      at += 12 + FLOAT * (uint16(view, at + 8) === 0 ? 4 : 5);
    }
  }
  return bytes;
}

/** Zero beyond the end of the profile. */
function uint32(view: DataView, at: number): number {
  return at + 4 <= view.byteLength ? view.getUint32(at) : 0;
}

function uint16(view: DataView, at: number): number {
  return at + 2 <= view.byteLength ? view.getUint16(at) : 0;
}

function uint8(view: DataView, at: number): number {
  return at < view.byteLength ? view.getUint8(at) : 0;
}
