/** What a release did to one stack, as a file: the next stage takes only an artifact that the stage before runs. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { Failure } from '../terminal/failure.ts';
import { shownPath } from '../terminal/project.ts';

/** A change set that was made and shown, and has not run yet. */
const reviewed = z.object({
  stack: z.string(),
  artifact: z.string(),
  commit: z.string(),
  /** Absent if the stack already is as the artifact wants it. */
  changeSet: z.string().optional(),
});
export type Reviewed = z.infer<typeof reviewed>;

/** The time is CloudFormation's, of the stack's last change. */
const receipt = reviewed.extend({ releasedAt: z.iso.datetime() });
export type Receipt = z.infer<typeof receipt>;

const fileOf = (kind: 'changes' | 'receipt', directory: string, stack: string) =>
  join(directory, `${kind}-${stack}.json`);

export async function writeReviewed(directory: string, given: Reviewed): Promise<void> {
  await writeFile(fileOf('changes', directory, given.stack), `${JSON.stringify(given, null, 2)}\n`);
}

export async function writeReceipt(directory: string, given: Receipt): Promise<void> {
  await writeFile(fileOf('receipt', directory, given.stack), `${JSON.stringify(given, null, 2)}\n`);
}

export async function readReviewed(directory: string, stack: string): Promise<Reviewed> {
  const file = fileOf('changes', directory, stack);
  return reviewed.parse(
    await readJson(file, `make the change set first, with npm run release -- changes --stage STAGE --stack ${stack}`),
  );
}

export async function readReceipt(file: string): Promise<Receipt> {
  return receipt.parse(
    await readJson(file, 'give --after the receipt of the stage before, which npm run release -- deploy writes'),
  );
}

async function readJson(file: string, advice: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    throw new Failure(`${shownPath(file)} cannot be read: ${advice}.`);
  }
}

/** @throws {Failure} if another artifact was released to the stage before. */
export function assertSameArtifact(before: Receipt, artifact: string): void {
  if (before.artifact === artifact) return;
  throw new Failure(
    `${before.stack} runs another artifact (${before.artifact.slice(0, 12)}) than this one (${artifact.slice(0, 12)}): ` +
      `release this artifact to ${before.stack} and verify it there first.`,
  );
}

/** @throws {Failure} if another artifact was built or downloaded since the change set was made. */
export function assertReviewed({ stack, artifact: made }: Reviewed, artifact: string): void {
  if (made === artifact) return;
  throw new Failure(
    `The change set for ${stack} is of another artifact (${made.slice(0, 12)}) than this one (${artifact.slice(0, 12)}): run changes again.`,
  );
}

/** @throws {Failure} if another release to the stack came in between. */
export function assertNotReleasedSince({ stack, releasedAt }: Receipt, updatedAt: string): void {
  if (releasedAt === updatedAt) return;
  throw new Failure(
    `${stack} was released again at ${updatedAt}, after this artifact (${releasedAt}): what was verified may be the other one. Run this release again.`,
  );
}
