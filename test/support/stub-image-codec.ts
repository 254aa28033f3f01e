import type { ImageHeader, Portrait } from '../../core/metadata.ts';
import type { Rejection } from '../../core/outcome.ts';
import type { Bytes, ImageCodec, OpenImage } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { type FocusPoint, isAnimated, renditionSize } from '../../core/rendition.ts';

export const photoHeader: ImageHeader = {
  format: 'jpeg',
  width: 4000,
  height: 3000,
  orientation: 6,
  frames: 1,
  progressive: false,
  hasAlpha: false,
  colourSpace: 'srgb',
};

export const photoPortrait: Portrait = {
  dominantColour: '#336699',
  thumbhash: 'nBgGBYAGV5aKh3hxemiHdwamcwBs',
  camera: { make: 'Apple', model: 'iPhone 5' },
  capturedAt: '2012-09-29T16:11:25',
  location: { latitude: 47.6, longitude: -122.3 },
  damaged: false,
};

/** Returns the given results without reading a byte; a rendition's bytes are its preset's name. */
export class StubImageCodec implements ImageCodec {
  header: ImageHeader = photoHeader;
  portrait: Portrait = photoPortrait;
  unreadable: Rejection | undefined;
  undecodable: Rejection | undefined;
  readonly rendered: (readonly Preset[])[] = [];
  /** Of the last rendering. */
  focus: FocusPoint | undefined;

  async open(_: Bytes): ReturnType<ImageCodec['open']> {
    const { header } = this;
    return (
      this.unreadable ?? {
        outcome: 'open',
        header,
        portray: async () => this.undecodable ?? { outcome: 'portrayed', ...this.portrait },
        render: async (presets, focus) => {
          this.focus = focus;
          return this.undecodable ?? this.#render(header, presets);
        },
      }
    );
  }

  #render(header: ImageHeader, presets: readonly Preset[]): Awaited<ReturnType<OpenImage['render']>> {
    this.rendered.push(presets);
    const renditions = presets.map((preset) => ({
      preset,
      bytes: new TextEncoder().encode(preset.name),
      ...renditionSize(header, preset),
      ...(header.animated && isAnimated(preset) && { frames: header.frames }),
    }));
    return { outcome: 'rendered', renditions };
  }
}
