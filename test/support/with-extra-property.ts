type Path = readonly (string | number)[];

/** A property that is in no schema. */
export const extraProperty = { extraProperty: true };

/** Copies of the value with that property added to one of its objects: one copy per object, with the path to it. */
export function withExtraProperty(value: unknown, path: Path = []): (readonly [path: Path, changed: unknown])[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? [] : [[path, { ...value, ...extraProperty }] as const];
  const inner = Object.entries(value).flatMap(([name, part]) =>
    withExtraProperty(part, [...path, Array.isArray(value) ? Number(name) : name]).map(
      ([where, changed]) =>
        [where, Array.isArray(value) ? value.with(Number(name), changed) : { ...value, [name]: changed }] as const,
    ),
  );
  return [...own, ...inner];
}
