import { GetRolePolicyCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import * as z from 'zod';
import type { emulatedPipeline } from './emulated-pipeline.ts';

const policyDocument = z.object({
  Version: z.string(),
  Statement: z.array(z.looseObject({ Sid: z.string(), Action: z.union([z.string(), z.array(z.string())]) })),
});

/** Removes permissions from the functions' deployed roles, and restores them. */
export function rolePermissions({ iam, physicalId }: Pick<ReturnType<typeof emulatedPipeline>, 'iam' | 'physicalId'>) {
  const undo: (() => Promise<unknown>)[] = [];
  return {
    async takeAway(stem: string, sid: string, action: string): Promise<void> {
      const RoleName = await physicalId(`${stem}Role`);
      const PolicyName = stem.replace(/[a-z](?=[A-Z])/g, '$&-').toLowerCase();
      const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      const original = decodeURIComponent(PolicyDocument);
      const { Version, Statement } = policyDocument.parse(JSON.parse(original));
      const reduced = Statement.map((statement) => ({
        ...statement,
        Action: [statement.Action].flat().filter((other) => statement.Sid !== sid || other !== action),
      })).filter((statement) => statement.Action.length > 0);
      const actions = (statements: typeof reduced) => statements.flatMap(({ Action }) => Action).length;
      if (actions(reduced) === Statement.flatMap(({ Action }) => Action).length) {
        throw new Error(`The role of ${stem} has no ${action} in ${sid}.`);
      }
      undo.push(() => iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: original })));
      await iam.send(
        new PutRolePolicyCommand({
          RoleName,
          PolicyName,
          PolicyDocument: JSON.stringify({ Version, Statement: reduced }),
        }),
      );
    },

    async restore(): Promise<void> {
      for (const step of undo.splice(0)) await step();
    },
  };
}
