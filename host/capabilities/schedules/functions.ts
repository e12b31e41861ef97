// `schedules.*` of wit/, answered by a scheduler: a plugin's own schedules, so no permission is asked for.

import { HostError } from "../../core/errors.ts";
import type { CapabilityFunctions } from "../../core/ports/capability.ts";
import type { SchedulesSchedule } from "../../core/wit.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Times } from "./times.ts";

export function scheduleFunctions(scheduler: Scheduler): CapabilityFunctions {
  return {
    "schedules.set": {
      answer: async ({ plugin }, schedule) => scheduler.set(plugin, { ...schedule, times: timesOf(schedule) }),
    },
    "schedules.cancel": { answer: async ({ plugin }, name) => scheduler.cancel(plugin, name) },
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
