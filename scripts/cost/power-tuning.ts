/** Memory → time → cost of the two workers that compute, from the CPU time that was measured. */
import type { Deployment } from './deployment.ts';
import type { Measured, MeasuredUpload, Times } from './measured.ts';
import { gigabyteSecond, gigabytes, MEGABYTES_PER_VCPU, photographs, workerSeconds } from './model.ts';
import { prices } from './prices.ts';

const memorySizes = [512, 1024, 1536, MEGABYTES_PER_VCPU, 2654, 2 * MEGABYTES_PER_VCPU] as const;

export interface Setting {
  readonly memory: number;
  readonly vcpus: number;
  /** For one image, all its rendition groups. */
  readonly millis: number;
  /** US dollars. */
  readonly cost: number;
}

/** With one thread, as shipped, or with two where there are two vCPUs. */
export function settings(
  worker: 'metadata' | 'resize',
  deployment: Deployment,
  measured: Measured,
  threads: 1 | 2 = 1,
): Setting[] {
  const uploads = measured.uploads.filter(({ name }) => photographs.includes(name));
  const price = prices[gigabyteSecond(deployment.architecture)].usd;
  return memorySizes.map((memory) => {
    const gain = threads === 2 && memory >= 2 * MEGABYTES_PER_VCPU ? secondThreadGain(measured) : 1;
    const sized = { ...deployment, memory: { ...deployment.memory, [worker]: memory } };
    const spent = uploads.map((upload) => {
      const { metadata, resize } = workerSeconds(fasterBy(gain, upload), sized);
      return worker === 'metadata' ? metadata : sum(resize);
    });
    const seconds = sum(spent) / spent.length;
    return {
      memory,
      vcpus: memory / MEGABYTES_PER_VCPU,
      millis: 1000 * seconds,
      cost: gigabytes(memory) * seconds * price,
    };
  });
}

function fasterBy(gain: number, upload: MeasuredUpload): MeasuredUpload {
  const faster = <Item extends Times>(item: Item) => ({ ...item, cpuMillis: item.cpuMillis / gain });
  return { ...upload, metadata: faster(upload.metadata), groups: upload.groups.map(faster) };
}

/** How much faster two threads are than one. */
function secondThreadGain({ threads }: Measured): number {
  const wall = (count: number) => threads.find((run) => run.threads === count)?.wallMillis ?? Number.NaN;
  return wall(1) / wall(2);
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
