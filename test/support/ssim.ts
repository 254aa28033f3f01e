/** Eight bits per channel, row by row. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

const WINDOW = 8;
const STEP = 4;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/** Mean structural similarity of the luma (Wang et al., 2004; 8 × 8 windows): 1 means identical images. */
export function ssim(one: Raster, other: Raster): number {
  if (one.width !== other.width || one.height !== other.height) throw new Error('SSIM needs images of the same size');
  const a = lumaOf(one);
  const b = lumaOf(other);
  let sum = 0;
  let windows = 0;
  for (let top = 0; top + WINDOW <= one.height; top += STEP) {
    for (let left = 0; left + WINDOW <= one.width; left += STEP) {
      sum += windowSsim(a, b, one.width, left, top);
      windows += 1;
    }
  }
  return sum / windows;
}

function windowSsim(a: Float64Array, b: Float64Array, rowLength: number, left: number, top: number): number {
  let sumA = 0;
  let sumB = 0;
  let squaresA = 0;
  let squaresB = 0;
  let products = 0;
  for (let y = top; y < top + WINDOW; y += 1) {
    for (let x = left; x < left + WINDOW; x += 1) {
      const valueA = a[y * rowLength + x] ?? 0;
      const valueB = b[y * rowLength + x] ?? 0;
      sumA += valueA;
      sumB += valueB;
      squaresA += valueA * valueA;
      squaresB += valueB * valueB;
      products += valueA * valueB;
    }
  }
  const count = WINDOW * WINDOW;
  const meanA = sumA / count;
  const meanB = sumB / count;
  const varianceA = squaresA / count - meanA * meanA;
  const varianceB = squaresB / count - meanB * meanB;
  const covariance = products / count - meanA * meanB;
  return (
    ((2 * meanA * meanB + C1) * (2 * covariance + C2)) /
    ((meanA * meanA + meanB * meanB + C1) * (varianceA + varianceB + C2))
  );
}

/** ITU-R BT.601. */
function lumaOf({ width, height, channels, data }: Raster): Float64Array {
  return Float64Array.from({ length: width * height }, (_, pixel) => {
    const red = data[pixel * channels] ?? 0;
    const green = channels >= 3 ? (data[pixel * channels + 1] ?? 0) : red;
    const blue = channels >= 3 ? (data[pixel * channels + 2] ?? 0) : red;
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  });
}
