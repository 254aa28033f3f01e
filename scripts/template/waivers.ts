import * as z from 'zod';
import { Failure } from '../terminal/failure.ts';
import { at, type Template } from './template.ts';

/** What checkov has against a resource: `CKV_AWS_117` of `ResizeImageFunction`. */
export interface Finding {
  readonly id: string;
  readonly resource: string;
}

const skip = z.array(z.strictObject({ id: z.string(), comment: z.string().min(10) }));

/** Beside each resource, where checkov itself would read them: `Metadata: { checkov: { skip: [{ id, comment }] } }`. */
export function waiversOf({ resources }: Template): Finding[] {
  return [...resources].flatMap(([resource, { Type, Metadata }]) => {
    // SAM copies a function's metadata to it.
    if (Type === 'AWS::Lambda::EventInvokeConfig') return [];
    const { success, data } = skip.safeParse(at(Metadata, 'checkov', 'skip') ?? []);
    if (!success) throw new Failure(`${resource} has a waiver without { id, comment }: say why, in a sentence.`);
    return data.map(({ id }) => ({ id, resource }));
  });
}

/** One sentence for each finding without a waiver, and for each waiver without a finding. None: all is explained. */
export function unexplained(findings: readonly Finding[], waivers: readonly Finding[]): string[] {
  const text = ({ id, resource }: Finding) => `${id} of ${resource}`;
  const found = new Set(findings.map(text));
  const waived = new Set(waivers.map(text));
  return [
    ...[...found].filter((id) => !waived.has(id)).map((id) => `${id} is neither mended nor waived.`),
    ...[...waived].filter((id) => !found.has(id)).map((id) => `${id} is waived and not found: drop the waiver.`),
  ];
}
