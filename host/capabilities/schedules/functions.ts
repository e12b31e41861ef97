// `schedules.*` of wit/, answered by a scheduler: a plugin's own schedules, so no permission is asked for.

import { HostError } from "../../core/errors.ts";
import type { CapabilityFunctions, CheckedCall } from "../../core/ports/capability.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { SchedulesSchedule } from "../../core/wit.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Times } from "./times.ts";

export function scheduleFunctions(scheduler: Scheduler, clock: Clock): CapabilityFunctions {
  // Looking for a time that never comes takes ten milliseconds, writing it down waits for the disk: whoever asks too often waits for its answers.
  const billed = <T>(call: CheckedCall, work: () => T): T => {
    const began = clock.monotonicMs();
    try {
      return work();
    } finally {
      call.spend(clock.monotonicMs() - began);
    }
  };
  return {
    "schedules.set": {
      answer: async (call, schedule) => billed(call, () => scheduler.set(call.plugin, { ...schedule, times: timesOf(schedule) })),
    },
    "schedules.cancel": { answer: async (call, name) => billed(call, () => scheduler.cancel(call.plugin, name)) },
    "schedules.upcoming": {
      answer: async ({ plugin }) => scheduler.list(plugin).map(({ name, nextMs, byManifest }) => ({ name, nextMs, byManifest })),
    },
  };
}

function timesOf({ name, cron, everyMs, atMs, timezone = "UTC" }: SchedulesSchedule): Times {
  const said: readonly (Times | undefined)[] = [
    cron === undefined ? undefined : { cron, timezone },
    everyMs === undefined ? undefined : { everyMs },
    atMs === undefined ? undefined : { atMs },
  ];
  const [times, second] = said.filter((one) => one !== undefined);
  if (times !== undefined && second === undefined) return times;
  throw new HostError("invalid-message", `the schedule ${name} needs one of cron, every-ms and at-ms`);
}
