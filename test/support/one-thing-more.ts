type Path = readonly (string | number)[];

/** A property that no schema knows. */
export const nobodyPromised = { nobodyPromised: true };

/** The same value with that property in one of its objects: once for each of them, with the path to it. */
export function withOneThingMore(value: unknown, path: Path = []): (readonly [path: Path, changed: unknown])[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? [] : [[path, { ...value, ...nobodyPromised }] as const];
  const inner = Object.entries(value).flatMap(([name, part]) =>
    withOneThingMore(part, [...path, Array.isArray(value) ? Number(name) : name]).map(
      ([where, changed]) =>
        [where, Array.isArray(value) ? value.with(Number(name), changed) : { ...value, [name]: changed }] as const,
    ),
  );
  return [...own, ...inner];
}
