import * as z from 'zod';
import { Failure } from '../terminal/failure.ts';
import { at, referredId, type Template } from './template.ts';

/** A checkov finding for a resource: `CKV_AWS_117` of `ResizeImageFunction`. */
export interface Finding {
  readonly id: string;
  readonly resource: string;
}

const skip = z.array(z.strictObject({ id: z.string(), comment: z.string().min(10) }));

/** From each resource's metadata, in checkov's format: `Metadata: { checkov: { skip: [{ id, comment }] } }`. */
export function waiversOf({ resources }: Template): Finding[] {
  return [...resources].flatMap(([resource, { Type, Metadata }]) => {
    // SAM copies a function's metadata to it.
    if (Type === 'AWS::Lambda::EventInvokeConfig') return [];
    const { success, data } = skip.safeParse(at(Metadata, 'checkov', 'skip') ?? []);
    if (!success)
      throw new Failure(`${resource} has a waiver without { id, comment }: add a comment that gives the reason.`);
    return data.map(({ id }) => ({ id, resource }));
  });
}

/** The resource of the template whose metadata can waive a finding: SAM makes the stage of an API, and gives it no metadata. */
export function waivedAt({ resources }: Template, resource: string): string {
  const found = resources.get(resource);
  const api = found?.Type === 'AWS::ApiGateway::Stage' ? referredId(found.Properties['RestApiId']) : undefined;
  return api ?? resource;
}

/** One sentence per finding without a waiver, and per waiver without a finding. */
export function unexplained(findings: readonly Finding[], waivers: readonly Finding[]): string[] {
  const text = ({ id, resource }: Finding) => `${id} of ${resource}`;
  const found = new Set(findings.map(text));
  const waived = new Set(waivers.map(text));
  return [
    ...[...found].filter((id) => !waived.has(id)).map((id) => `${id} is neither fixed nor waived.`),
    ...[...waived].filter((id) => !found.has(id)).map((id) => `${id} is waived but not found: remove the waiver.`),
  ];
}
