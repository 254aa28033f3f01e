/** Images of one colour: any size in a few bytes. */
import sharp from 'sharp';

export function flat(width: number, height = width) {
  return sharp({ create: { width, height, channels: 3, background: '#123456' }, limitInputPixels: false });
}

export function flatAndClear(width: number, height = width) {
  const background = { r: 18, g: 52, b: 86, alpha: 0.5 };
  return sharp({ create: { width, height, channels: 4, background }, limitInputPixels: false });
}
