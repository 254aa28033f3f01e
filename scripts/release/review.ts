/** Shows a change set, and discards it if it would lose data. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { Failure } from '../terminal/failure.ts';
import { print } from '../terminal/print.ts';
import { plainTable } from '../terminal/table.ts';
import type { Artifact } from './artifact.ts';
import { describeChanges, discardChangeSet } from './change-set.ts';
import { changeColumns, changeRows, changesAsMarkdown, changesOf, countsOf, refusalsOf } from './changes.ts';
import { writeReviewed } from './receipt.ts';

interface Review {
  readonly stack: string;
  readonly artifact: Pick<Artifact, 'sha256' | 'commit'>;
  /** Undefined if nothing would change. */
  readonly changeSet: string | undefined;
  /** Resources that a person allowed to be replaced or removed. */
  readonly replace: readonly string[];
  readonly directory: string;
}

/** @throws {Failure} if a resource with data would be replaced or removed; then the change set is deleted. */
export async function review(
  client: CloudFormationClient,
  { stack, artifact, changeSet, replace, directory }: Review,
): Promise<void> {
  const changes = changeSet === undefined ? [] : changesOf(await describeChanges(client, changeSet));
  const refusals = refusalsOf(changes, replace);
  if (changes.length > 0) print(plainTable(changeColumns, changeRows(changes)));
  print(`${stack}: ${countsOf(changes)}.`);
  await writeFile(join(directory, `changes-${stack}.md`), changesAsMarkdown(stack, changes, refusals));
  if (refusals.length > 0) {
    if (changeSet !== undefined) await discardChangeSet(client, changeSet);
    throw new Failure(`This release was stopped.\n${refusals.join('\n')}`);
  }
  await writeReviewed(directory, { stack, artifact: artifact.sha256, commit: artifact.commit, changeSet });
}
