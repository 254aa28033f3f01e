/** `npm run help`: npm can list scripts, but not describe them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command, main } from '../terminal/command.ts';
import { print } from '../terminal/print.ts';
import { projectDirectory } from '../terminal/project.ts';
import { plainTable } from '../terminal/table.ts';

export const summaries = {
  start: 'send photos through the pipeline on an AWS emulator, and see the results',
  test: 'run all tests: unit and picture tests, then pipeline tests on the emulator',
  'test:unit': 'run the fast tests: all that need neither the emulator nor many pictures',
  'test:changed': 'run the unit and picture tests that your uncommitted changes affect',
  check: 'run everything that CI runs',
  invoke: 'run one function in a container, with one of its sample events',
  redrive: 'see why uploads failed, and move them back to the queue',
  verify: 'check a deployed stack: alarms, queues, permissions, versions, quotas, and each reason to reject a file',
  audit: 'compare uploads, records and renditions, and repair what does not agree',
  history: 'show what happened to an image, or rebuild the table of records from the history',
  rerender: 'render images again that were made with other presets',
  erase: 'erase images for good, and report what remains elsewhere until when',
  announce: 'publish the current state of all images, for a new consumer',
  replay: 'send the events of a period to a consumer once more',
  intake: 'pause or resume the pipeline; while paused, uploads wait in the queue',
  release: 'from a commit to production: build, show the changes, deploy; rehearse on the emulator',
  policies: 'check the policies of template.yaml with IAM Access Analyzer, before you deploy',
  warm: 'start or stop warm workers, and see what is warm',
  protect: 'keep a stack in your account from being deleted',
  teardown: 'delete a stack in your account, and see what stays',
  load: 'run a load test, on the emulator or on a stack in your account',
  rename: 'rename the project in every file',
  lab: 'test and measure the pipeline: cost, scale, benchmarks, a bad release, injected faults',
  docs: 'generate the event schemas and the tables in the lab docs',
  help: 'show this list',
} as const;

export const helpCommand = command({
  name: 'npm run help',
  summary: 'Lists the commands of the project.',
  syntax: (line) => line,
  run: async () => {
    print(
      plainTable(['Command', 'What it does'], commandRows(projectDirectory)),
      '',
      'For the options of a command: npm run NAME -- --help',
    );
  },
});

/** Commands in folders that a fork may have deleted. */
const foldersOf: Readonly<Record<string, string>> = { load: 'load-tests', lab: 'lab' };

export function commandRows(project: string): string[][] {
  return Object.entries(summaries)
    .filter(([name]) => existsSync(join(project, foldersOf[name] ?? '')))
    .map(([name, summary]) => [typed(name), summary]);
}

function typed(name: string): string {
  return ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;
}

if (import.meta.main) await main(helpCommand);
