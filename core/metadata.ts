export const inputFormats = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff', 'heic', 'bmp', 'ico'] as const;
export type InputFormat = (typeof inputFormats)[number];

/** For sentences that people read. */
export const formatNames: Readonly<Record<InputFormat, string>> = {
  jpeg: 'JPEG',
  png: 'PNG',
  webp: 'WebP',
  avif: 'AVIF',
  gif: 'GIF',
  tiff: 'TIFF',
  heic: 'HEIC',
  bmp: 'BMP',
  ico: 'ICO',
};

/** EXIF's eight orientations; 1 is upright, 5 to 8 swap width and height. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What the first bytes of an image reveal, before any pixel is decoded. Width and height as stored, before rotation. */
export interface ImageHeader {
  readonly format: InputFormat;
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  /** The largest size that the decoder holds, if that is not the displayed one: an AVIF or HEIC may contain larger parts. */
  readonly decodedSize?: { readonly width: number; readonly height: number } | undefined;
  /** Frames of an animation, or pages; 1 for a still image. */
  readonly frames: number;
  /** Only of an animation (GIF, WebP): whether renditions keep its motion, or it exceeds a limit and they show its first frame. */
  readonly animated?: boolean | undefined;
  /** Progressive JPEG, interlaced PNG, TIFF in tiles: decoding holds the whole image in memory. */
  readonly progressive: boolean;
  readonly hasAlpha: boolean;
  /** libvips' name: `srgb`, `b-w`, `cmyk`, `rgb16`, … */
  readonly colourSpace: string;
  /** The upload is a camera raw, of which the JPEG is shown that the camera embedded. Absent otherwise. */
  readonly preview?: boolean | undefined;
  /** The upload is made for brighter screens (PQ or HLG), which is not taken into account. Absent otherwise. */
  readonly approximateColours?: boolean | undefined;
}

/** What only the pixels and the EXIF block reveal. */
export interface Portrait {
  /** `#rrggbb` */
  readonly dominantColour: string;
  /** Base64 of a ThumbHash: a placeholder of about 25 bytes to display until a rendition has loaded. */
  readonly thumbhash: string;
  readonly camera?: { readonly make?: string | undefined; readonly model?: string | undefined } | undefined;
  /** Local time of the camera, ISO 8601; with an offset only if the camera wrote one. */
  readonly capturedAt?: string | undefined;
  /** Decimal degrees, WGS 84. */
  readonly location?: { readonly latitude: number; readonly longitude: number } | undefined;
  /** The file violates its format, but all or nearly all of the image could be read. */
  readonly damaged: boolean;
}

/** The record's description of the upload. Width and height as displayed: orientation applied. */
export interface Metadata {
  readonly format: InputFormat;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly colourSpace: string;
  readonly hasAlpha: boolean;
  readonly orientation: Orientation;
  readonly frames: number;
  readonly animated?: ImageHeader['animated'];
  readonly dominantColour: string;
  readonly thumbhash: string;
  readonly damaged: boolean;
  readonly camera?: Portrait['camera'];
  readonly capturedAt?: string | undefined;
  /** Only if the stack's KeepLocation parameter is true. */
  readonly location?: Portrait['location'];
  /** True for a camera raw, of which the embedded JPEG is shown; otherwise absent. */
  readonly preview?: boolean | undefined;
  /** True if the upload is made for brighter screens (PQ or HLG), which is not taken into account; otherwise absent. */
  readonly approximateColours?: boolean | undefined;
}
