// Keeps the turns that failed of plugins whose operator wants that, and says in the log which record a failure has. That one cannot be kept fails nobody.

import type { Stores } from "../admin/stores.ts";
import { packageVersion } from "../bounds/package-version.ts";
import { toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { RecordedTurn } from "../core/ports/cell.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";

const SWEEP_MS = 3_600_000;
/** How often it is told of a plugin that something is not kept, or went for something newer. */
const TELL_MS = 60_000;

export interface FailureRecordsPorts {
  readonly core: () => Pick<Host, "plugin">;
  readonly stores: Pick<Stores, "records">;
  readonly clock: Clock;
  readonly log: LogSink;
}

export interface FailureRecords extends Disposable {
  /** What cells tell of turns. Never throws. */
  readonly onRecorded: (turn: RecordedTurn) => void;
}

export function failureRecords({ core, stores, clock, log }: FailureRecordsPorts): FailureRecords {
  const { records } = stores;
  const toldAt = new Map<string, number>();
  const tell = (plugin: string, message: string, cause?: string): void => {
    const now = clock.monotonicMs();
    if (now - (toldAt.get(plugin) ?? Number.NEGATIVE_INFINITY) < TELL_MS) return;
    toldAt.set(plugin, now);
    log.write({ level: "warning", plugin: "host", about: plugin, message, cause });
  };
  let cancel = (): void => {};
  const sweep = (): void => {
    try {
      records.sweep();
    } catch (cause) {
      log.write({ level: "warning", plugin: "host", message: "old records of turns cannot be dropped", cause });
    }
    cancel = clock.after(SWEEP_MS, sweep);
  };
  sweep();
  return {
    onRecorded(turn) {
      const { plugin, entryPoint, traceparent, outcome } = turn;
      const definition = core().plugin(plugin)?.definition;
      if (outcome.ok || definition === undefined) return;
      try {
        const { id, dropped } = records.keep(turn, definition, packageVersion());
        const message = `${entryPoint} failed with ${outcome.error.code} and is kept; "bulkhead replay ${id}" runs it again`;
        log.write({ level: "info", plugin, message, traceparent, record: id });
        if (dropped > 0)
          tell(plugin, `older records went for those of ${plugin}: records.mib and records.mibPerPlugin say how many there can be`);
      } catch (thrown) {
        const { message, detail } = toHostError(thrown);
        tell(plugin, `a turn of ${plugin} that failed is not kept: ${message}`, detail);
      }
    },
    [Symbol.dispose]: () => cancel(),
  };
}
