import { join } from 'node:path';
import { Failure } from '../terminal/failure.ts';
import { showStep } from '../terminal/progress.ts';
import { logDirectory } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import type { Artifact } from './artifact.ts';

/** What the application brought along, with the credentials of this process. @throws {Failure} with its reason */
export async function runAfterRelease({ afterRelease }: Pick<Artifact, 'afterRelease'>, stack: string): Promise<void> {
  if (afterRelease === undefined) return;
  await showStep(`After the release of ${stack}`, async () => {
    const { succeeded, output } = await runCommand({
      command: process.execPath,
      args: [afterRelease, '--stack', stack],
      environment: process.env,
      log: join(logDirectory, `after-release-${stack}.log`),
    });
    if (succeeded) return;
    throw new Failure(
      `${stack} is released, and what follows failed: ${output.trim()}\nRun the release again from its start: it repeats only what is missing.`,
    );
  });
}
