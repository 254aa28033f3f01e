import type { Json } from '../template/template.ts';

/**
 * The same template for a temporary stack: deleting the stack deletes everything in it. Otherwise, each pull request
 * would leave three buckets, a table and a key.
 */
export function disposable(template: Json): Json {
  const { Resources, ...rest } = objectAt(template, 'The template');
  const resources = Object.entries(objectAt(Resources, 'Resources')).map(([id, resource]): [string, Json] => {
    const { DeletionPolicy, UpdateReplacePolicy, Properties, ...others } = objectAt(resource, id);
    const kept = Properties === undefined ? others : { ...others, Properties: unprotected(Properties) };
    return [
      id,
      {
        ...kept,
        ...(DeletionPolicy === undefined ? {} : { DeletionPolicy: 'Delete' }),
        ...(UpdateReplacePolicy === undefined ? {} : { UpdateReplacePolicy: 'Delete' }),
      },
    ];
  });
  return { ...rest, Resources: Object.fromEntries(resources) };
}

/** A protected table could not be deleted. */
function unprotected(properties: Json): Json {
  const { DeletionProtectionEnabled: _, ...others } = objectAt(properties, 'Properties');
  return others;
}

function objectAt(value: Json | undefined, name: string): Record<string, Json> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error(`${name} is not an object.`);
}
