// Watches how much room the disk of a folder has: says once when it is as good as full and once when there is room again.

import { statfs } from "node:fs/promises";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";

const INTERVAL_MS = 5_000;
const MIB = 1_024 * 1_024;
/** Below that writes of plugins and of the host itself may fail at any moment. */
const LEAST_FREE_BYTES = 16 * MIB;

export interface DiskSpace extends Disposable {
  /** In words, what is wrong; undefined while there is room. */
  problem(): string | undefined;
}

export async function watchDiskSpace(folder: string, { clock, log }: { readonly clock: Clock; readonly log: LogSink }): Promise<DiskSpace> {
  let problem: string | undefined;
  let cancel = (): void => {};
  let closed = false;
  const look = async (): Promise<void> => {
    const found = await statfs(folder).catch(() => undefined);
    const free = found === undefined ? Number.POSITIVE_INFINITY : found.bavail * found.bsize;
    const before = problem;
    problem =
      free < LEAST_FREE_BYTES
        ? `the disk of ${folder} has ${Math.floor(free / MIB)} MiB left; plugins and the host cannot write`
        : undefined;
    if (before === undefined && problem !== undefined) log.write({ level: "error", plugin: "host", message: `${problem}; make room` });
    if (before !== undefined && problem === undefined)
      log.write({ level: "info", plugin: "host", message: `the disk of ${folder} has room again` });
    if (!closed) cancel = clock.after(INTERVAL_MS, () => void look());
  };
  await look();
  return {
    problem: () => problem,
    [Symbol.dispose]() {
      closed = true;
      cancel();
    },
  };
}
