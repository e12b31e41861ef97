// Fetches the policy and the lists of revocations again and again while the host runs, and stops what they withdraw. What cannot be had is told once, until it can.

import type { RefreshOutcome } from "../admin/trust-operations.ts";
import { durationMs } from "../bounds/durations.ts";
import { toHostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogLevel, LogSink } from "../core/ports/log.ts";
import type { TrustOptions } from "../manifest/trust.ts";

export interface TrustRefreshPorts {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly options: () => TrustOptions;
  /** Does an operation in the host's name. */
  readonly refresh: () => Promise<RefreshOutcome>;
}

/** The first time soon after the start, which waits for no registry. Ends with what it returns. */
export function refreshTrust({ clock, log, options, refresh }: TrustRefreshPorts): Disposable {
  const troubles = new Map<string, string>();
  let isClosed = false;
  let cancel = (): void => {};
  const write = (level: LogLevel, message: string): void => log.write({ level, plugin: "host", message });
  const tell = ({ documents, stopped }: RefreshOutcome): void => {
    for (const { what, version, isNew, problem } of documents) {
      if (problem !== undefined && troubles.get(what) !== problem) write("warning", `${what} could not be had: ${escapeControls(problem)}`);
      if (problem === undefined) troubles.delete(what);
      else troubles.set(what, problem);
      if (isNew) write("info", `${what} is version ${version} now`);
    }
    if (stopped.length > 0) write("warning", `stopped, because a list of revocations withdraws them: ${stopped.join(", ")}`);
  };
  const look = async (): Promise<void> => {
    const { policy, revocations } = options();
    if (policy !== undefined || revocations.length > 0)
      await refresh().then(tell, (thrown: unknown) => write("warning", `trust could not be looked after: ${toHostError(thrown).message}`));
    plan(durationMs(options().refresh) ?? 0);
  };
  const plan = (delayMs: number): void => {
    if (!isClosed) cancel = clock.after(delayMs, () => void look());
  };
  plan(0);
  return {
    [Symbol.dispose]() {
      isClosed = true;
      cancel();
    },
  };
}
