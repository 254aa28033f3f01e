import { serveImages } from '../../../adapters/sharp/serve-images.ts';
import { sharpImageCodec } from '../../../adapters/sharp/sharp-image-codec.ts';
import { defaultLimits, type Work } from '../../../core/limits.ts';

/** An image process that decodes whatever it is sent, like one whose checks overlooked something. */
const { channels } = defaultLimits.work;
const boundless = Number.POSITIVE_INFINITY;
const work: Work = {
  ...{ scannedPixels: boundless, decodedPixels: boundless, readings: boundless, pieces: boundless, channels },
  ...{
    items: boundless,
    tagPairs: boundless,
    unpackedBytes: boundless,
    profileSteps: boundless,
    profileTableBytes: boundless,
    compressedTexts: boundless,
  },
};
serveImages(sharpImageCodec({ ...defaultLimits, frames: boundless, work }));
