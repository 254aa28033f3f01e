/** Writes openapi.yaml as a page to read: gallery/docs/api.md. */
import * as z from 'zod';

const schema = z.object({
  $ref: z.string().optional(),
  type: z.string().optional(),
  description: z.string().optional(),
  enum: z.array(z.string()).optional(),
  pattern: z.string().optional(),
  format: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  default: z.number().optional(),
  required: z.array(z.string()).default([]),
  get properties() {
    return z.record(z.string(), schema).optional();
  },
  get items() {
    return schema.optional();
  },
  get allOf() {
    return z.array(schema).optional();
  },
});
type Schema = z.infer<typeof schema>;

const reference = z.object({ $ref: z.string() });
const content = z.record(z.string(), z.object({ schema }));
const response = z.object({
  description: z.string(),
  headers: z.record(z.string(), z.object({ description: z.string().optional() })).default({}),
  content: content.default({}),
});
const parameter = z.object({
  name: z.string(),
  in: z.string(),
  required: z.boolean().default(false),
  description: z.string().optional(),
  schema,
});
const operation = z.object({
  summary: z.string(),
  description: z.string().optional(),
  security: z.array(z.unknown()),
  parameters: z.array(z.union([parameter, reference])).default([]),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.union([response, reference])),
});
const document = z.object({
  info: z.object({ description: z.string() }),
  paths: z.record(z.string(), z.looseObject({ parameters: z.array(z.union([parameter, reference])).default([]) })),
  components: z.object({
    parameters: z.record(z.string(), parameter),
    responses: z.record(z.string(), response),
    schemas: z.record(z.string(), schema),
  }),
});
type Document = z.infer<typeof document>;

/** @param live what a client does with the messages of the WebSocket */
export function referencePage(openApi: unknown, live: string): string {
  const { info, paths, components } = document.parse(openApi);
  const operations = Object.entries(paths).flatMap(([path, { parameters: shared, ...methods }]) =>
    Object.entries(methods).map(([method, found]) => {
      const { parameters, ...rest } = operation.parse(found);
      return { ...rest, title: `${method.toUpperCase()} ${path}`, parameters: [...shared, ...parameters] };
    }),
  );
  const parts = [
    '# The API',
    '<!-- Written by `npm run generate` in gallery/, from openapi.yaml. Do not edit. -->',
    info.description,
    'All addresses begin with that of the page. Send the access token of the sign-in as `Authorization: Bearer …`. ' +
      'The contract for programs is [openapi.yaml](../api/openapi.yaml), and the README names the [limits](../README.md#limits).',
    table(
      ['operation', 'for'],
      operations.map(({ title, summary }) => [`[${title}](#${slugOf(title)})`, summary]),
    ),
    ...operations.flatMap((one) => describeOperation(one, components)),
    '## Live messages',
    'OpenAPI cannot describe the messages of a WebSocket. Their types are in [live.ts](../api/live.ts).',
    live,
    '## Objects',
    ...Object.entries(components.schemas).flatMap(([name, found]) => describeSchema(name, found)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function describeOperation(
  {
    title,
    summary,
    description,
    security,
    parameters,
    requestBody,
    responses,
  }: z.infer<typeof operation> & { readonly title: string },
  components: Document['components'],
): string[] {
  const found = parameters.map((one) => ('$ref' in one ? named(one, components.parameters) : one));
  const body = requestBody?.content['application/json']?.schema;
  const answers = Object.entries(responses).map(([status, one]) => {
    const { content: bodies, headers, ...rest } = '$ref' in one ? named(one, components.responses) : one;
    const sent = Object.values(bodies).map(({ schema: form }) => typeOf(form));
    const more = Object.entries(headers).map(([name, header]) =>
      header.description === undefined ? `With \`${name}\`.` : `With \`${name}\`: ${header.description}`,
    );
    return [status, sent.join(), [rest.description, ...more].join(' ')];
  });
  return [
    `## ${title}`,
    `${summary}${security.length === 0 ? ', without a token' : ''}.${description === undefined ? '' : ` ${description}`}`,
    ...(found.length === 0
      ? []
      : [
          table(
            ['parameter', 'in', 'type', 'meaning'],
            found.map(({ name, required, schema: form, description: meaning = '', ...rest }) => [
              nameOf(name, required),
              rest.in,
              typeOf(form),
              meaning,
            ]),
          ),
        ]),
    ...(body === undefined ? [] : [`The body is an ${typeOf(body)}, as JSON.`]),
    table(['answer', 'body', 'meaning'], answers),
  ];
}

function describeSchema(name: string, { description, properties = {}, required, ...rest }: Schema): string[] {
  const rows = Object.entries(properties).map(([property, { description: meaning = '', ...form }]) => [
    nameOf(property, required.includes(property)),
    typeOf({ ...form }),
    meaning,
  ]);
  return [
    `### ${name}`,
    ...(description === undefined ? [] : [description]),
    rows.length === 0 ? `Type: ${typeOf({ ...rest, required })}` : table(['property', 'type', 'meaning'], rows),
  ];
}

function typeOf({ $ref, allOf: [base] = [], items, properties, required, ...form }: Schema): string {
  const name = nameIn($ref ?? base?.$ref);
  if (name !== undefined) return `[${name}](#${slugOf(name)})`;
  if (items !== undefined) return `list of ${typeOf(items)}`;
  if (properties !== undefined)
    return `object with ${Object.keys(properties)
      .map((one) => `\`${one}\``)
      .join(', ')}`;
  if (form.enum !== undefined) return form.enum.map((value) => `\`${value}\``).join(', ');
  return [
    form.format ?? form.type,
    form.pattern && `like \`${form.pattern}\``,
    rangeOf(form),
    form.default === undefined ? undefined : `${form.default} if absent`,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}

function rangeOf({ type, minimum, maximum, minLength, maxLength }: Partial<Schema>): string | undefined {
  const [least, most] = [minimum ?? minLength, maximum ?? maxLength];
  if (least === undefined && most === undefined) return undefined;
  const ends = [least === undefined ? [] : `from ${least}`, most === undefined ? [] : `up to ${most}`].flat();
  return `${ends.join(' ')}${type === 'string' ? ' characters' : ''}`;
}

function nameOf(name: string, required: boolean): string {
  return required ? `\`${name}\`` : `\`${name}\`, optional`;
}

function nameIn($ref: string | undefined): string | undefined {
  return $ref?.split('/').at(-1);
}

function named<Value>({ $ref }: z.infer<typeof reference>, all: Readonly<Record<string, Value>>): Value {
  const found = all[nameIn($ref) ?? ''];
  if (found === undefined) throw new Error(`openapi.yaml refers to ${$ref}, which it does not have.`);
  return found;
}

/** Of a heading, as GitHub makes it. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}
