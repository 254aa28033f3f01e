/** `npm run policies`: IAM Access Analyzer's opinion of every policy in template.yaml, before it is deployed. */
import { AccessAnalyzerClient } from '@aws-sdk/client-accessanalyzer';
import { deployedParameters, templateFor } from '../template/template.ts';
import { command, main, oneOf } from '../terminal/command.ts';
import { print } from '../terminal/print.ts';
import { showStep } from '../terminal/progress.ts';
import { plainTable } from '../terminal/table.ts';
import { checkPolicies, isBlocking } from './check-policies.ts';
import { policyDocuments } from './policy-documents.ts';

const deployedStages = ['dev', 'prod'] as const;

export const policiesCommand = command({
  name: 'npm run policies',
  summary: 'Checks every policy in template.yaml with IAM Access Analyzer, in your AWS account.',
  syntax: (line) =>
    line.option('--stage <stage>', 'dev or prod, with the parameters of samconfig.toml', oneOf(deployedStages), 'prod'),
  examples: { 'npm run policies': 'check the policies of stage prod, before you deploy it' },
  notes:
    'It deploys and changes nothing. It needs access-analyzer:ValidatePolicy and access-analyzer:CheckNoPublicAccess, and costs about 5 cents ($0.002 for each policy of a resource). The exit code is 1 if a policy has an error or a security warning, or makes a resource public.',
  run: ({ options: { stage } }) => check(stage),
});

async function check(stage: (typeof deployedStages)[number]): Promise<number> {
  const policies = policyDocuments(templateFor(stage, deployedParameters(stage)));
  const client = new AccessAnalyzerClient({});
  const findings = await showStep(`IAM Access Analyzer: ${policies.length} policies`, () =>
    Array.fromAsync(checkPolicies(policies, client)),
  );
  if (findings.length > 0) {
    const rows = findings.map(({ policy, kind, what }) => [kind.toLowerCase().replace('_', ' '), policy, what]);
    print(plainTable(['Finding', 'Policy', 'What it says'], rows));
  }
  const blocking = findings.filter(isBlocking).length;
  print(
    blocking === 0
      ? `No policy of ${policies.length} has an error or a security warning, or makes a resource public.`
      : `${blocking} to correct before you deploy.`,
  );
  return blocking === 0 ? 0 : 1;
}

if (import.meta.main) await main(policiesCommand);
