import * as z from '../contracts/zod.ts';

/** With commas between them. */
export const names = z.pipe(
  z.text,
  z.transform((text: string): readonly string[] => text.split(',')),
);

export const positiveInteger = z.coerce.number().check(z.int(), z.positive());

/**
 * Reads the function's settings from its environment variables; call it once, when the module loads.
 *
 * @throws {Error} naming every variable that is missing or malformed, in one message.
 */
export function readEnvironment<Shape extends z.core.$ZodShape>(shape: Shape): z.infer<z.ZodMiniObject<Shape>> {
  const parsed = z.object(shape).safeParse(process.env);
  if (!parsed.success) {
    throw new Error(
      `Environment variables are missing or malformed: see this function's Environment in template.yaml. ${z.prettifyError(parsed.error)}`,
    );
  }
  return parsed.data;
}
