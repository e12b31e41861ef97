// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Turns at a time of day, or again and again. A plugin's schedules are its own, outlive the host and need no permission; its manifest can have some too.

import * as host from "bulkhead:plugin/schedules@0.2.0";
import { asking } from "./host-error.ts";

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
export function set(schedule: Schedule): number {
  return asking(() => host.set(schedule));
}

/**
 * Ends a schedule and says whether there was one. Fails with conflict for one of the manifest.
 */
export function cancel(name: string): boolean {
  return asking(() => host.cancel(name));
}

/**
 * All of them, by name.
 */
export function upcoming(): Planned[] {
  return asking(() => host.upcoming());
}
