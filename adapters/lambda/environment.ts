import { en } from 'zod/locales';
import * as z from 'zod/mini';

// zod/mini is a third of zod in a bundle (docs/decisions/0004), for one thing because it brings no messages of its own.
z.config(en());

export const text = z.string().check(z.minLength(1));
export const positiveInteger = z.coerce.number().check(z.int(), z.positive());

/**
 * The function's settings out of its environment variables, read once when the module loads.
 *
 * @throws {Error} naming every variable that is missing or malformed, in one message.
 */
export function readEnvironment<Shape extends z.core.$ZodShape>(shape: Shape): z.infer<z.ZodMiniObject<Shape>> {
  const parsed = z.object(shape).safeParse(process.env);
  if (!parsed.success) {
    throw new Error(
      `The environment of this function is incomplete: see its Environment in template.yaml. ${z.prettifyError(parsed.error)}`,
    );
  }
  return parsed.data;
}
