/** Memory, time and cost of the two computing workers, from times measured on the corresponding shares of a CPU. */
import { sum } from 'simple-statistics';
import type { Deployment } from './deployment.ts';
import type { Measured, Times } from './measured.ts';
import { gigabyteSecond, gigabytes, MEGABYTES_PER_VCPU, photographs, waitSeconds, workerSeconds } from './model.ts';
import { prices } from './prices.ts';

export const memorySizes = [512, 1024, 1536, MEGABYTES_PER_VCPU, 2654, 2 * MEGABYTES_PER_VCPU] as const;

/** For an average photograph with all its rendition groups; times in milliseconds. */
export interface Setting {
  readonly memory: number;
  readonly vcpus: number;
  readonly threads: number;
  /** On the benchmark machine. */
  readonly measured: { readonly median: number; readonly least: number; readonly most: number };
  /** What the time would be if a share of a CPU only stretched the CPU time. */
  readonly computed: number;
  /** Waiting for S3. */
  readonly waits: number;
  /** Billed on Lambda, in total. */
  readonly paid: number;
  /** US dollars. */
  readonly cost: number;
}

export function settings(worker: 'metadata' | 'resize', deployment: Deployment, measured: Measured): Setting[] {
  const uploads = measured.uploads.filter(({ name }) => photographs.includes(name));
  const average = (value: (upload: Measured['uploads'][number]) => number) => sum(uploads.map(value)) / uploads.length;
  const jobs = (upload: Measured['uploads'][number]): readonly Times[] =>
    worker === 'metadata' ? [upload.metadata] : upload.groups;
  return (uploads[0]?.metadata.runs ?? []).map(({ memory, threads }) => {
    const vcpus = memory / MEGABYTES_PER_VCPU;
    const sized = { ...deployment, memory: { ...deployment.memory, metadata: memory, resize: memory } };
    const measuredAs = (read: 'millis' | 'least' | 'most') =>
      average((upload) =>
        sum(
          jobs(upload).flatMap(({ runs }) =>
            runs.filter((run) => run.memory === memory && run.threads === threads).map((run) => run[read]),
          ),
        ),
      );
    const paid = average((upload) => sum([workerSeconds(upload, measured, sized, threads)[worker]].flat()));
    return {
      ...{ memory, vcpus, threads },
      measured: { median: measuredAs('millis'), least: measuredAs('least'), most: measuredAs('most') },
      computed: average((upload) => sum(jobs(upload).map(({ cpuMillis }) => cpuMillis))) / Math.min(threads, vcpus),
      waits: 1000 * average((upload) => jobs(upload).length * waitSeconds(upload)[worker]),
      paid: 1000 * paid,
      cost: gigabytes(memory) * paid * prices[gigabyteSecond(deployment)].usd,
    };
  });
}
