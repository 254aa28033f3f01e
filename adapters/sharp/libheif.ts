import { createRequire } from 'node:module';
import type { MainModule } from 'libheif-js/libheif-wasm/libheif.js';

/**
 * The part of libheif's C API that this project uses, in WebAssembly (docs/decisions/0014-heic.md). A file has an instance
 * for itself: whatever it does to that, the next file gets another. So nothing here is freed.
 */
export interface HeicFile {
  readonly primary: HeicImage;
  /** Smaller copies of the primary image. */
  readonly thumbnails: readonly HeicImage[];
}

/** As displayed: turned, mirrored and cropped. */
export interface HeicImage {
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
  readonly isPremultiplied: boolean;
  /** Length of its ICC profile; 0 without one. */
  readonly profileBytes: number;
  /**
   * RGB or RGBA with eight bits per channel.
   *
   * @throws {HeifError} also if only a part cannot be decoded
   */
  decode(): { readonly width: number; readonly height: number; readonly stride: number; readonly data: Uint8Array };
}

/** What libheif says about a file (heif_error.h). */
export class HeifError extends Error {
  readonly code: number;
  readonly subcode: number;

  constructor(code: number, subcode: number, message: string) {
    super(`libheif: ${message} (${code}.${subcode})`);
    this.code = code;
    this.subcode = subcode;
  }
}

/** Starts an instance. */
export type LoadLibheif = (options: { readonly print: () => void; readonly printErr: () => void }) => MainModule;

/** Undefined if libheif is not installed: a stack without its layer has no HEVC decoder. Loads it when it is called. */
export function findLibheif(): (() => LoadLibheif) | undefined {
  // In Lambda from a layer, through NODE_PATH, where `import` does not look.
  const requireIt = createRequire(process.argv[1] ?? process.execPath);
  try {
    const path = requireIt.resolve('libheif-js/libheif-wasm/libheif.js');
    return () => requireIt(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * Reads the directory of the file, and no pixels.
 *
 * @param maxPixels of any image in the file, whatever its header says
 * @throws {HeifError}
 */
export function openHeic(load: LoadLibheif, bytes: Uint8Array, maxPixels: number): HeicFile {
  const libheif = load({ print: () => undefined, printErr: () => undefined });
  const api = apiOf(libheif);
  const context = libheif._heif_context_alloc();
  api.setUint32(libheif._heif_context_get_security_limits(context) + MAX_IMAGE_SIZE_PIXELS, maxPixels);
  const file = api.allocate(bytes.length);
  libheif.HEAPU8.set(bytes, file);
  api.check((error) => libheif._heif_context_read_from_memory_without_copy(error, context, file, bytes.length, 0));
  const primary = api.result((error, handle) => libheif._heif_context_get_primary_image_handle(error, context, handle));
  return {
    primary: imageOf(libheif, api, primary),
    get thumbnails() {
      const count = Math.min(libheif._heif_image_handle_get_number_of_thumbnails(primary), MAX_THUMBNAILS);
      const ids = api.allocate(4 * count);
      libheif._heif_image_handle_get_list_of_thumbnail_IDs(primary, ids, count);
      return Array.from({ length: count }, (_, index) => {
        const id = api.uint32(ids + 4 * index);
        const handle = api.result((error, out) => libheif._heif_image_handle_get_thumbnail(error, primary, id, out));
        return imageOf(libheif, api, handle);
      });
    },
  };
}

// Phones write one.
const MAX_THUMBNAILS = 4;

// heif_security_limits (heif_security.h): the lower half of 64 bits.
const MAX_IMAGE_SIZE_PIXELS = 8;
// heif_decoding_options (heif_decoding.h)
const CONVERT_HDR_TO_8_BIT = 20;
const STRICT_DECODING = 21;
// heif_image.h
const COLOUR_SPACE_RGB = 1;
const INTERLEAVED_RGB = 10;
const INTERLEAVED_RGBA = 11;
const CHANNEL_INTERLEAVED = 10;

function imageOf(libheif: MainModule, api: Api, handle: number): HeicImage {
  const hasAlpha = libheif._heif_image_handle_has_alpha_channel(handle) !== 0;
  return {
    width: libheif._heif_image_handle_get_width(handle),
    height: libheif._heif_image_handle_get_height(handle),
    hasAlpha,
    isPremultiplied: libheif._heif_image_handle_is_premultiplied_alpha(handle) !== 0,
    profileBytes: libheif._heif_image_handle_get_raw_color_profile_size(handle),
    decode() {
      const options = libheif._heif_decoding_options_alloc();
      api.setUint8(options + CONVERT_HDR_TO_8_BIT, 1);
      // Otherwise libheif calls a file decoded of which most tiles are missing: they stay green.
      api.setUint8(options + STRICT_DECODING, 1);
      const chroma = hasAlpha ? INTERLEAVED_RGBA : INTERLEAVED_RGB;
      const image = api.result((error, out) =>
        libheif._heif_decode_image(error, handle, out, COLOUR_SPACE_RGB, chroma, options),
      );
      const width = libheif._heif_image_get_width(image, CHANNEL_INTERLEAVED);
      const height = libheif._heif_image_get_height(image, CHANNEL_INTERLEAVED);
      const strideAt = api.allocate(4);
      const start = libheif._heif_image_get_plane_readonly(image, CHANNEL_INTERLEAVED, strideAt);
      const stride = api.uint32(strideAt);
      return { width, height, stride, data: api.bytes(start, stride * height) };
    },
  };
}

// ── Calls and memory ────────────────────────────────────────────────────────────────────────────────────────────────────

type Api = ReturnType<typeof apiOf>;

/** The memory moves when it grows, so each access looks it up. Numbers have 32 bits, the lower byte first. */
function apiOf(libheif: MainModule) {
  const memory = (): Uint8Array => libheif.HEAPU8;
  const view = () => new DataView(memory().buffer);
  const allocate = (length: number): number => {
    const at = libheif._malloc(Math.max(length, 1));
    if (at === 0) throw new Error(`libheif: out of memory: ${length} bytes`);
    return at;
  };
  const text = (at: number): string => {
    const end = memory().indexOf(0, at);
    return Buffer.from(memory().subarray(at, Math.min(end, at + MAX_MESSAGE))).toString('latin1');
  };
  /** Functions that return a `heif_error` write it to their first argument. */
  const check = (call: (error: number) => void): void => {
    const error = allocate(12);
    call(error);
    const [code, subcode, message] = [0, 4, 8].map((offset) => view().getUint32(error + offset, true));
    if (code !== 0) throw new HeifError(code ?? 0, subcode ?? 0, text(message ?? 0));
  };
  return {
    allocate,
    check,
    /** Of a function that also writes a pointer. */
    result(call: (error: number, out: number) => void): number {
      const out = allocate(4);
      check((error) => call(error, out));
      return view().getUint32(out, true);
    },
    uint32: (at: number): number => view().getUint32(at, true),
    setUint32: (at: number, value: number): void => view().setUint32(at, value, true),
    setUint8: (at: number, value: number): void => view().setUint8(at, value),
    bytes: (at: number, length: number): Uint8Array => memory().subarray(at, at + length),
  };
}

const MAX_MESSAGE = 200;
