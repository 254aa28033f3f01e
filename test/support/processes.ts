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

/** What a process has started, and what that has, as far as it still runs. */
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

/** Sends it to those that are still there. */
export function signal(name: NodeJS.Signals, targets: readonly Pick<Process, 'id'>[]): void {
  for (const { id } of targets) {
    try {
      process.kill(id, name);
    } catch {
      // It has ended meanwhile.
    }
  }
}
