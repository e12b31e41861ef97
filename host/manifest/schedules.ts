// The schedules of a manifest: turns at a time of day, or again and again.

import { z } from "zod";
import type { ScheduleRequest } from "../capabilities/schedules/scheduler.ts";
import { checkTimes, nextAfter, type Times } from "../capabilities/schedules/times.ts";
import { toHostError } from "../core/errors.ts";

export type ManifestSchedule = ScheduleRequest;

export const MAX_SCHEDULES = 32;
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const ENTRY_POINT = /^(?!__)[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;
const EVERY = /^(\d{1,6})(s|m|h|d)$/;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Any moment will do: whether it ever comes. */
const LONG_AGO = 0;

interface Written {
  readonly name: string;
  readonly entryPoint: string;
  readonly cron?: string | undefined;
  readonly every?: string | undefined;
  readonly at?: string | undefined;
  readonly timezone: string;
  readonly missed: "skip" | "once";
}

const written: z.ZodType<Written> = z.strictObject({
  name: z.string().regex(NAME, "write 1 to 64 lower-case letters, digits and hyphens"),
  entryPoint: z.string().regex(ENTRY_POINT, "write the name of an export"),
  cron: z.string().max(64).optional(),
  every: z.string().regex(EVERY, "write a number and s, m, h or d, such as 15m").optional(),
  at: z.iso.datetime({ offset: true, error: "write a moment such as 2026-12-24T18:00:00+01:00" }).optional(),
  timezone: z.string().max(64).default("UTC"),
  missed: z.enum(["skip", "once"]).default("skip"),
});

export const scheduleSchema: z.ZodType<ManifestSchedule> = written.transform((schedule, context) => {
  const { name, entryPoint, missed } = schedule;
  try {
    const times = checkTimes(timesOf(schedule));
    if (nextAfter(times, LONG_AGO, LONG_AGO) === undefined) throw new RangeError("it never comes due");
    return { name, entryPoint, missed, times };
  } catch (thrown) {
    const message = thrown instanceof RangeError ? thrown.message : toHostError(thrown).message;
    context.addIssue({ code: "custom", path: [], message });
    return z.NEVER;
  }
});

function timesOf({ cron, every, at, timezone }: Written): Times {
  const said: readonly (Times | undefined)[] = [
    cron === undefined ? undefined : { cron, timezone },
    every === undefined ? undefined : { everyMs: durationOf(every) },
    at === undefined ? undefined : { atMs: Date.parse(at) },
  ];
  const [times, second] = said.filter((one) => one !== undefined);
  if (times !== undefined && second === undefined) return times;
  throw new RangeError("write one of cron, every and at");
}

function durationOf(every: string): number {
  const [, count = "", unit = "s"] = EVERY.exec(every) ?? [];
  return Number(count) * UNITS[unit as keyof typeof UNITS];
}
