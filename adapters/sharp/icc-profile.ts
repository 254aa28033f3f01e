/**
 * How many operations a colour profile takes for one colour, as far as its author can choose: those of its `mpet` tags
 * (ICC.1:2022, 10.16), of which any number of elements may share the same bytes. All other kinds of tag have a fixed number
 * of stages. Stops at the first step beyond `max`.
 */
export function profileSteps(profile: Uint8Array, max: number): number {
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength);
  const tags = Math.min(uint32(view, TAG_COUNT_AT), MAX_TAGS);
  let steps = 0;
  for (let tag = 0; tag < tags && steps <= max; tag += 1) {
    const at = uint32(view, TAG_COUNT_AT + 8 + 12 * tag);
    if (uint32(view, at) === MPET) steps += elementSteps(view, at, max - steps);
  }
  return steps;
}

const TAG_COUNT_AT = 128;
// lcms refuses profiles with more.
const MAX_TAGS = 100;
const MPET = 0x6d706574;
const CURVES = 0x63767374;
const MATRIX = 0x6d617466;
const TABLE = 0x636c7574;

function elementSteps(view: DataView, tagAt: number, max: number): number {
  const elements = uint32(view, tagAt + 12);
  let steps = 0;
  for (let element = 0; element < elements && steps <= max; element += 1) {
    const at = tagAt + uint32(view, tagAt + 16 + 8 * element);
    const [inputs, outputs] = [uint16(view, at + 8), uint16(view, at + 10)];
    steps += 1;
    switch (uint32(view, at)) {
      case CURVES:
        steps += segments(view, at, inputs, max - steps);
        break;
      case MATRIX:
        steps += inputs * outputs;
        break;
      case TABLE:
        // Interpolates between all corners of a cell.
        steps += 2 ** inputs * outputs;
        break;
    }
  }
  return steps;
}

/** lcms searches the segments of a curve one by one. */
function segments(view: DataView, elementAt: number, curves: number, max: number): number {
  let steps = 0;
  for (let curve = 0; curve < curves && steps <= max; curve += 1) {
    steps += 1 + uint16(view, elementAt + uint32(view, elementAt + 12 + 8 * curve) + 8);
  }
  return steps;
}

/** Zero beyond the end of the profile. */
function uint32(view: DataView, at: number): number {
  return at + 4 <= view.byteLength ? view.getUint32(at) : 0;
}

function uint16(view: DataView, at: number): number {
  return at + 2 <= view.byteLength ? view.getUint16(at) : 0;
}
