/** Memory → time → cost of the two workers that compute, from the CPU time that was measured. */
import { assumptions } from './assumptions.ts';
import type { Deployment } from './deployment.ts';
import type { Measured } from './measured.ts';
import { cpuMillisOf, gigabyteSecond, gigabytes, MEGABYTES_PER_VCPU, vcpus } from './model.ts';
import { prices } from './prices.ts';

export const memorySizes = [512, 1024, 1536, MEGABYTES_PER_VCPU, 2654, 2 * MEGABYTES_PER_VCPU] as const;

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
  const cpuMillis = averageCpuMillis(worker, deployment, measured);
  const { reads, writes } =
    worker === 'metadata'
      ? { reads: 1, writes: 0 }
      : { reads: deployment.groups.length, writes: deployment.groups.length };
  const megabytes = average(measured.uploads.filter(isPhotograph).map(({ bytes }) => bytes)) / 1e6;
  const waiting =
    reads * (assumptions.s3GetMillis + (1000 * megabytes) / assumptions.s3MegabytesPerSecond) +
    writes * assumptions.s3PutMillis;
  return memorySizes.map((memory) => {
    const gain = threads === 2 && memory >= 2 * MEGABYTES_PER_VCPU ? secondThreadGain(measured) : 1;
    const millis = cpuMillis / vcpus(memory) / gain + waiting;
    const price = prices[gigabyteSecond(deployment.architecture)].usd;
    return { memory, vcpus: memory / MEGABYTES_PER_VCPU, millis, cost: gigabytes(memory) * (millis / 1000) * price };
  });
}

/** How much faster two threads are than one. */
export function secondThreadGain({ threads }: Measured): number {
  const wall = (count: number) => threads.find((run) => run.threads === count)?.wallMillis ?? Number.NaN;
  return wall(1) / wall(2);
}

function averageCpuMillis(worker: 'metadata' | 'resize', deployment: Deployment, { uploads }: Measured): number {
  return average(
    uploads
      .filter(isPhotograph)
      .map((upload) =>
        worker === 'metadata'
          ? upload.metadata.cpuMillis
          : deployment.groups.reduce((sum, group) => sum + cpuMillisOf(group, upload, deployment), 0),
      ),
  );
}

const isPhotograph = ({ name }: { readonly name: string }) => name.startsWith('photo-');
const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
