import { execFileSync } from 'node:child_process';

export interface Process {
  readonly id: number;
  readonly parent: number;
  readonly command: string;
}

export function processes(): Process[] {
  return execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 2 ** 24 })
    .split('\n')
    .flatMap((line) => {
      const [, id, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return command === undefined ? [] : [{ id: Number(id), parent: Number(parent), command }];
    });
}

/** The children of a process that are still running, and their children. */
export function descendantsOf(ancestor: number): Process[] {
  const children = Map.groupBy(processes(), ({ parent }) => parent);
  const found: Process[] = [];
  const visit = (id: number): void => {
    for (const child of children.get(id) ?? []) {
      found.push(child);
      visit(child.id);
    }
  };
  visit(ancestor);
  return found;
}

/** Returns the targets that still existed. */
export function signal<Target extends Pick<Process, 'id'>>(
  name: NodeJS.Signals,
  targets: readonly Target[],
): readonly Target[] {
  return targets.filter(({ id }) => {
    try {
      return process.kill(id, name);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
      throw error;
    }
  });
}
