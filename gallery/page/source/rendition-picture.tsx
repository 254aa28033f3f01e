import { useState } from 'preact/hooks';
import type { Gallery } from './gallery.ts';
import { placeholderOf } from './preview.ts';
import { pictureOf, type Rendition } from './renditions.ts';

interface PictureProps {
  readonly renditions: readonly Rendition[];
  readonly thumbhash: string | undefined;
  readonly preview: string | undefined;
  readonly size: 'small' | 'large';
  readonly alt: string;
  readonly gallery: Gallery;
}

const sizes = { small: '(max-width: 600px) 50vw, 360px', large: '(max-width: 900px) 100vw, 65vw' };
const motion = '(prefers-reduced-motion: no-preference)';
const ATTEMPTS = 3;

/** The placeholder, and the picture over it as soon as that is loaded. */
export function RenditionPicture({ renditions, thumbhash, preview, size, alt, gallery }: PictureProps) {
  const picture = pictureOf(renditions, size);
  const placeholder = (thumbhash === undefined ? undefined : placeholderOf(thumbhash)) ?? preview;
  const [loaded, setLoaded] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const url = picture?.fallback.url ?? '';
  const retry = () => {
    if (attempt < ATTEMPTS) void gallery.renewAccess().then(() => setAttempt(attempt + 1));
  };
  return (
    <>
      {placeholder !== undefined && (
        <img class={loaded === url ? 'placeholder covered' : 'placeholder'} src={placeholder} alt="" />
      )}
      {picture !== undefined && (
        <picture key={`${url} ${attempt}`}>
          {picture.sources.map(({ type, srcset, animated }) => (
            <source key={type} type={type} srcset={srcset} sizes={sizes[size]} media={animated ? motion : undefined} />
          ))}
          <img
            class={loaded === url ? 'loaded' : 'loading'}
            src={url}
            width={picture.fallback.width}
            height={picture.fallback.height}
            alt={alt}
            loading={size === 'small' ? 'lazy' : 'eager'}
            decoding="async"
            onLoad={() => setLoaded(url)}
            onError={retry}
          />
        </picture>
      )}
    </>
  );
}
