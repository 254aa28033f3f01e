import * as z from 'zod';
import { at, type Json, parseTemplate } from '../../scripts/template/template.ts';

/** The actions of all policy statements within a part of a template. */
export function actionsIn(value: Json | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(actionsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'Action' ? z.array(z.string()).parse([inner].flat()) : actionsIn(inner),
  );
}

const deployRole = parseTemplate('governance/deploy-role.yaml');

/** What a policy of governance/deploy-role.yaml allows. */
export function actionsOfPolicy(logicalId: string): string[] {
  return actionsIn(at(deployRole, 'Resources', logicalId, 'Properties', 'PolicyDocument'));
}

/** What a role of it may do in addition to its managed policies. @param names of its policies, some of which depend on the stage */
export function inlineActionsOf(logicalId: string, ...names: readonly string[]): string[] {
  const policies = z.array(z.json()).parse(at(deployRole, 'Resources', logicalId, 'Properties', 'Policies'));
  return policies
    .map((policy) => at(policy, 'Fn::If', 1) ?? policy)
    .filter((policy) => names.includes(String(at(policy, 'PolicyName'))))
    .flatMap(actionsIn);
}
