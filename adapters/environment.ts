import * as z from 'zod';

/**
 * The function's settings out of its environment variables, read once when the module loads.
 *
 * @throws {Error} naming every variable that is missing or malformed, in one message.
 */
export function readEnvironment<Shape extends z.ZodRawShape>(shape: Shape): z.infer<z.ZodObject<Shape>> {
  const parsed = z.object(shape).safeParse(process.env);
  if (!parsed.success) {
    throw new Error(
      `The environment of this function is incomplete: see its Environment in template.yaml. ${z.prettifyError(parsed.error)}`,
    );
  }
  return parsed.data;
}
