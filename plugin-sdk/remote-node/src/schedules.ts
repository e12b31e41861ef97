// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Turns at a time of day, or again and again. A plugin's schedules are its own, outlive the host and need no permission; its manifest can have some too.

import { asking } from "./asking.ts";
import type { Shape } from "./blocks.ts";

const schedulesMissed: Shape = { enum: ["skip", "once"] };
const schedulesSchedule: Shape = { record: [["name", "name", "string"], ["entry-point", "entryPoint", "string"], ["cron", "cron", { option: "string" }], ["every-ms", "everyMs", { option: "u64" }], ["at-ms", "atMs", { option: "u64" }], ["timezone", "timezone", { option: "string" }], ["missed", "missed", schedulesMissed]] };
const schedulesPlanned: Shape = { record: [["name", "name", "string"], ["next-ms", "nextMs", { option: "u64" }], ["by-manifest", "byManifest", "bool"]] };

/**
 * What becomes of a time that passed while the plugin or the host did not run.
 */
export type Missed = "skip" | "once";

export interface Schedule {
  /**
   * 1 to 64 lower-case letters, digits and hyphens. Setting a name anew replaces its schedule.
   */
  readonly name: string;
  /**
   * The export that is entered, with the JSON object `{"name", "due", "late"}` as its input: the time in ISO 8601, and how many milliseconds ago it was.
   */
  readonly entryPoint: string;
  /**
   * One of these three. A cron expression: five fields, or six with seconds first.
   */
  readonly cron?: string | undefined;
  /**
   * Milliseconds from one time to the next, 1,000 or more.
   */
  readonly everyMs?: number | undefined;
  /**
   * One moment, in milliseconds since 1970.
   */
  readonly atMs?: number | undefined;
  /**
   * Of cron, such as `Europe/Berlin`; none is UTC.
   */
  readonly timezone?: string | undefined;
  readonly missed: Missed;
}

export interface Planned {
  readonly name: string;
  /**
   * In milliseconds since 1970; none for what has had its one moment.
   */
  readonly nextMs?: number | undefined;
  /**
   * It stands in the manifest, so it cannot be cancelled.
   */
  readonly byManifest: boolean;
}

/**
 * Plans a schedule and answers its next time, in milliseconds since 1970. A turn is entered once at a time: what comes due meanwhile is the next time.
 *
 * Fails with invalid-message (a name, an entry point, a time that never comes), conflict (a name of the manifest), quota-exceeded (more than 100 schedules),
 * storage-failed.
 */
export function set(schedule: Schedule): Promise<number> {
  return asking("schedules.set", [[schedulesSchedule, schedule]], "u64");
}

/**
 * Ends a schedule and says whether there was one. Fails with conflict for one of the manifest.
 */
export function cancel(name: string): Promise<boolean> {
  return asking("schedules.cancel", [["string", name]], "bool");
}

/**
 * All of them, by name.
 */
export function upcoming(): Promise<Planned[]> {
  return asking("schedules.upcoming", [], { list: schedulesPlanned });
}
