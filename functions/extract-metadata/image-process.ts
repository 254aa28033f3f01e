import { serveImages } from '../../adapters/sharp/serve-images.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { defaultLimits } from '../../core/limits.ts';

serveImages(sharpImageCodec(defaultLimits));
