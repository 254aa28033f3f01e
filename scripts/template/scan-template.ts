/**
 * Scans template.yaml, after SAM has translated it for CloudFormation, with cfn-lint and checkov. A checkov finding is
 * accepted only if the resource's metadata waives it. The templates in governance/ are scanned too.
 *
 *   node scripts/template/scan-template.ts <directory of the linters' executables>
 *
 * Or another application's template, with values for its parameters:
 *
 *   node scripts/template/scan-template.ts <directory> gallery/template.yaml Firewall=true
 */
import { globSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { projectName } from '../../core/names.ts';
import { isolatedEnvironment } from '../local/isolated-environment.ts';
import { describeFailure, Failure } from '../terminal/failure.ts';
import { logDirectory, projectDirectory } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import { deployedParameters, readTemplate, type Stage, templateFor } from './template.ts';
import { type Finding, unexplained, waivedAt, waiversOf } from './waivers.ts';

const [linters = '.', template = 'template.yaml', ...overrides] = process.argv.slice(2);
const isPipeline = template === 'template.yaml';
const translated = join(`.${projectName}`, 'translated', dirname(template));
const governance = isPipeline ? globSync('governance/*.yaml', { cwd: projectDirectory }) : [];

/** Incomplete on purpose, so checkov does not scan it. */
const forImport = isPipeline ? ['scripts/teardown/import-retained.yaml'] : [];

const report = z.object({
  results: z.object({
    failed_checks: z.array(z.object({ check_id: z.string(), resource: z.string() })),
    parsing_errors: z.array(z.string()),
  }),
  summary: z.object({ resource_count: z.number() }),
});

try {
  // So that a report of an earlier run cannot be mistaken for this one.
  await rm(join(projectDirectory, translated), { recursive: true, force: true });
  await mkdir(join(projectDirectory, translated), { recursive: true });
  const files = await translate(['dev', 'prod']);
  await run(join(linters, 'cfn-lint'), [
    '--non-zero-exit-code',
    'warning',
    '--',
    ...files,
    ...governance,
    ...forImport,
  ]);
  const problems = await scanWithCheckov();
  if (problems.length > 0) throw new Failure(problems.join('\n'));
} catch (error) {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = 1;
}

async function translate(stages: readonly Stage[]): Promise<string[]> {
  const outputs = stages.map((stage) => [stage, join(translated, `${stage}.json`)] as const);
  const files = outputs.flatMap(([stage, output]) => [
    output,
    ...(isPipeline
      ? Object.entries(deployedParameters(stage)).map(([name, value]) => `${name}=${value}`)
      : [`Stage=${stage}`, ...overrides]),
  ]);
  await run(join(linters, 'python'), ['scripts/template/translate.py', template, ...files]);
  return outputs.map(([, output]) => output);
}

/** checkov guesses how conditions evaluate, and is wrong both ways. So it scans stage prod with all conditions resolved. */
async function scanWithCheckov(): Promise<string[]> {
  const prod = templateFor('prod', {}, readTemplate(join(translated, 'prod.json')));
  const resources = [...prod.resources].map(([id, { Type, Properties }]) => [id, { Type, Properties }]);
  const resolved = join(translated, 'prod-resolved.json');
  await writeFile(
    join(projectDirectory, resolved),
    JSON.stringify({ Resources: Object.fromEntries(resources) }, null, 2),
  );
  const files = [resolved, ...governance].flatMap((file) => ['--file', file]);
  const output = ['--output', 'json', '--output-file-path', translated];
  await run(join(linters, 'checkov'), [
    '--framework',
    'cloudformation',
    '--skip-download',
    '--soft-fail',
    ...output,
    ...files,
  ]);

  const { results, summary } = report.parse(
    JSON.parse(await readFile(join(projectDirectory, translated, 'results_json.json'), 'utf8')),
  );
  if (results.parsing_errors.length > 0 || summary.resource_count < resources.length) {
    throw new Failure(`checkov could not read everything: ${results.parsing_errors.join(', ')}`);
  }
  const findings = results.failed_checks.map(
    ({ check_id, resource }): Finding => ({ id: check_id, resource: waivedAt(prod, resource.replace(/^.*\./, '')) }),
  );
  return unexplained(findings, waiversOf(prod));
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { succeeded, output } = await runCommand({
    command,
    args,
    directory: projectDirectory,
    environment: isolatedEnvironment(),
    log: join(logDirectory, 'scan-template.log'),
  });
  if (!succeeded) throw new Failure(output);
}
