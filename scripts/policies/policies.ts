/** `npm run policies`: IAM Access Analyzer's opinion of every policy in a template, before it is deployed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AccessAnalyzerClient } from '@aws-sdk/client-accessanalyzer';
import { deployedParameters, readTemplate, templateFor } from '../template/template.ts';
import { command, main, nonEmpty, oneOf } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';
import { print } from '../terminal/print.ts';
import { showStep } from '../terminal/progress.ts';
import { projectDirectory } from '../terminal/project.ts';
import { plainTable } from '../terminal/table.ts';
import { checkPolicies, isBlocking } from './check-policies.ts';
import { exampleParameters, policyDocuments } from './policy-documents.ts';

const deployedStages = ['dev', 'prod'] as const;

export const policiesCommand = command({
  name: 'npm run policies',
  summary: 'Checks every policy in template.yaml with IAM Access Analyzer, in your AWS account.',
  syntax: (line) =>
    line
      .option('--stage <stage>', 'dev or prod, with the parameters of samconfig.toml', oneOf(deployedStages), 'prod')
      .option('--application <folder>', 'where template.yaml and samconfig.toml are, below the project', nonEmpty, '.'),
  examples: {
    'npm run policies': 'check the policies of stage prod, before you deploy it',
    'npm run policies -- --application gallery': 'check those of the gallery',
  },
  notes:
    'It deploys and changes nothing. It needs access-analyzer:ValidatePolicy and access-analyzer:CheckNoPublicAccess, and costs about 5 cents ($0.002 for each policy of a resource). The exit code is 1 if a policy has an error or a security warning, or makes a resource public.',
  run: ({ options: { stage, application } }) => check(stage, application),
});

async function check(stage: (typeof deployedStages)[number], application: string): Promise<number> {
  const file = join(application, 'template.yaml');
  if (!existsSync(join(projectDirectory, file))) {
    throw new Failure(`There is no ${file}: pass the folder of an application.`);
  }
  const template = templateFor(
    stage,
    { ...exampleParameters, ...deployedParameters(stage, application) },
    readTemplate(file),
  );
  const policies = policyDocuments(template);
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
