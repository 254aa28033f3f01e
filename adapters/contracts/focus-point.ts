import type { FocusPoint } from '../../core/rendition.ts';
import * as z from './zod.ts';

const share = z.number().check(z.minimum(0), z.maximum(1));

/** The metadata `x-amz-meta-focus` of an upload: `0.31,0.62`. */
export const focusPoint = z.pipe(
  z.pipe(
    z.string().check(z.regex(/^\d{0,9}\.?\d{1,9}, ?\d{0,9}\.?\d{1,9}$/)),
    z.transform((text): FocusPoint => {
      const [x = Number.NaN, y = Number.NaN] = text.split(',').map(Number);
      return { x, y };
    }),
  ),
  z.object({ x: share, y: share }),
) satisfies z.ZodMiniType<FocusPoint>;
