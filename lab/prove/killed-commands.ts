import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import { type Report, showStep } from '../../scripts/terminal/progress.ts';
import { shownPath, workDirectory } from '../../scripts/terminal/project.ts';
import { fastWorkflows } from '../../test/faults/fast-clock.ts';
import { divertingEnvironment, type FaultProxy, startFaultProxy } from '../../test/faults/fault-proxy.ts';
import { emulatedPipeline } from '../../test/support/emulated-pipeline.ts';
import { type Command, exitCodeOf, startCommand } from './command.ts';
import { type CommandCase, commandCases, defectsOfRerun, earlier, nameOf } from './command-cases.ts';
import { commandStories } from './command-stories.ts';
import type { Proof, ProofOptions } from './proof.ts';

const listing = join(workDirectory, 'killed-commands.txt');

// This many take four minutes on two idle cores.
const SOME = 12;

/** Commands that are killed at one of their AWS calls, or denied it, and run again; some of these cases, or with `long` all. */
export async function proveKilledCommands({ seed, runs, long }: ProofOptions): Promise<readonly Proof[]> {
  isolateThisProcess();
  const diverting = divertingEnvironment();
  const { stack, emulator } = await startLocalStack(0, showStep, { ...diverting, ...fastWorkflows });
  const proxy = await startFaultProxy(emulator);
  try {
    const pipeline = emulatedPipeline(stack);
    const stories = commandStories(pipeline, await pipeline.subscribe());
    let serial = 0;

    /** Ends when nothing is in progress. Without a case, it is not disturbed. */
    const tell = async (name: Command['name'], tried?: CommandCase) => {
      serial += 1;
      const folder = `killed-${serial}/`;
      const { args, end } = await stories[name].begin(folder);
      await pipeline.queueIsEmpty();
      const run = () => {
        const FAULT_COMMAND = name;
        const environment = { ...emulator.environment, ...diverting, FAULT_COMMAND };
        return exitCodeOf(startCommand({ name, args }, stack, { environment }));
      };
      const image = { key: folder, imageId: folder };
      const faults = tried === undefined ? [] : [{ caller: name, image, times: 1, ...tried }];
      const plan = proxy.plan(faults);
      const first = proxy.calls.length;
      await run();
      const happened = faults.reduce((sum, fault) => sum + plan.happened(fault), 0);
      proxy.plan([]);
      const calls = actionsOf(proxy, name, first);
      const exitCode = await run();
      await pipeline.queueIsEmpty();
      return { calls, happened, exitCode, end: await end() };
    };
    const controls = await showStep('Commands without faults', async () => ({
      erase: await tell('erase'),
      backfill: await tell('backfill'),
      rerender: await tell('rerender'),
    }));
    const attempt = async (tried: CommandCase): Promise<Ending> => {
      const rerun = await tell(tried.command, tried);
      const before = rerun.happened === 0 ? earlier(tried) : undefined;
      if (before !== undefined) return await attempt(before);
      return { tried, defects: defectsOfRerun({ ...rerun, control: controls[tried.command].end }) };
    };

    const { erase, backfill, rerender } = controls;
    const all = commandCases({ erase: erase.calls, backfill: backfill.calls, rerender: rerender.calls }, seed);
    const cases = all.slice(0, runs ?? (long ? all.length : SOME));
    const endings = await showStep(`Killed commands: ${cases.length} of ${all.length}`, async (report: Report) => {
      const ended: Ending[] = [];
      for (const tried of cases) {
        report(`${ended.length} of ${cases.length}`);
        ended.push(await attempt(tried));
      }
      return ended;
    });
    await writeFile(
      listing,
      endings.map(({ tried, defects }) => `${[nameOf(tried), ...defects].join('; ')}\n`).join(''),
    );
    return [proofOf(endings, { erase: erase.end, backfill: backfill.end, rerender: rerender.end })];
  } finally {
    await proxy.stop();
    stack.close();
    await emulator.stop();
  }
}

interface Ending {
  readonly tried: CommandCase;
  readonly defects: readonly string[];
}

/** Of a command, in order. */
function actionsOf({ calls }: FaultProxy, name: Command['name'], from: number): readonly string[] {
  return calls.slice(from).flatMap(({ caller, action }) => (caller === name ? [action] : []));
}

function proofOf(endings: readonly Ending[], controls: Readonly<Record<Command['name'], object>>): Proof {
  const against = endings.filter(({ defects }) => defects.length > 0);
  const calls = new Set(endings.map(({ tried: { command, action } }) => `${command} ${action}`)).size;
  return {
    promise: 'a command that is killed at any AWS call, or denied it, and run again, ends as if nothing had happened',
    evidence:
      `${endings.length} cases of ${calls} calls of ${Object.keys(controls).join(', ')}; each in ${shownPath(listing)}. ` +
      `Without a fault: ${JSON.stringify(controls)}`,
    against:
      against.length === 0
        ? undefined
        : against.map(({ tried, defects }) => `${nameOf(tried)}: ${defects.join(' ')}`).join('\n'),
  };
}
