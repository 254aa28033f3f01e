import { at, type Json } from '../template/template.ts';

/** A file that a template names, and that SAM CLI leaves where it is in the project. */
export interface Definition {
  readonly path: string;
  readonly rename: (path: string) => void;
}

/** Workflows, of SAM's resource type and of CloudFormation's own, and included descriptions of APIs. */
export function definitionsIn(template: Json): Definition[] {
  const resources = at(template, 'Resources');
  return Object.values(isObject(resources) ? resources : {}).flatMap((resource) => {
    const properties = at(resource, 'Properties');
    const included = at(properties, 'DefinitionBody', 'Fn::Transform', 'Parameters');
    return [
      ...definitionAt(properties, 'DefinitionUri'),
      ...definitionAt(properties, 'DefinitionS3Location'),
      ...definitionAt(included, 'Location'),
    ];
  });
}

function definitionAt(holder: Json | undefined, property: string): Definition[] {
  const path = at(holder, property);
  if (!isObject(holder) || typeof path !== 'string') return [];
  const rename = (renamed: string) => {
    holder[property] = renamed;
  };
  return [{ path, rename }];
}

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
