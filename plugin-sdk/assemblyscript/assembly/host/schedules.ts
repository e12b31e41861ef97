// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Turns at a time of day, or again and again. A plugin's schedules are its own, outlive the host and need no permission; its manifest can have some too.

import * as abi from "../imports";
import { jsonFrom } from "../answers";
import { jsonBlock } from "../json";
import { textBlock } from "../memory";
import { Result } from "../result";
import { Some } from "../some";

/** What becomes of a time that passed while the plugin or the host did not run. */
export abstract class Missed {
  static readonly skip: string = "skip";
  static readonly once: string = "once";
}

export class Schedule {
  constructor(
    /** 1 to 64 lower-case letters, digits and hyphens. Setting a name anew replaces its schedule. */
    public name: string = "",
    /** The export that is entered, with the JSON object `{"name", "due", "late"}` as its input: the time in ISO 8601, and how many milliseconds ago it was. */
    public entryPoint: string = "",
    /** One of these three. A cron expression: five fields, or six with seconds first. */
    public cron: string | null = null,
    /** Milliseconds from one time to the next, 1,000 or more. */
    public everyMs: Some<u64> | null = null,
    /** One moment, in milliseconds since 1970. */
    public atMs: Some<u64> | null = null,
    /** Of cron, such as `Europe/Berlin`; none is UTC. */
    public timezone: string | null = null,
    public missed: string = "",
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("name")) { this.name = reader.value<string>(); return 1; }
    if (reader.keyIs("entry-point")) { this.entryPoint = reader.value<string>(); return 2; }
    if (reader.keyIs("cron")) { this.cron = reader.value<string | null>(); return 3; }
    if (reader.keyIs("every-ms")) { this.everyMs = reader.value<Some<u64> | null>(); return 4; }
    if (reader.keyIs("at-ms")) { this.atMs = reader.value<Some<u64> | null>(); return 5; }
    if (reader.keyIs("timezone")) { this.timezone = reader.value<string | null>(); return 6; }
    if (reader.keyIs("missed")) { this.missed = reader.value<string>(); return 7; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "name";
    if (!(seen & ((<u64>1) << 1))) return "entry-point";
    if (!(seen & ((<u64>1) << 6))) return "missed";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<string>("name", this.name);
    writer.field<string>("entry-point", this.entryPoint);
    writer.field<string | null>("cron", this.cron);
    writer.field<Some<u64> | null>("every-ms", this.everyMs);
    writer.field<Some<u64> | null>("at-ms", this.atMs);
    writer.field<string | null>("timezone", this.timezone);
    writer.field<string>("missed", this.missed);
  }
}

export class Planned {
  constructor(
    public name: string = "",
    /** In milliseconds since 1970; none for what has had its one moment. */
    public nextMs: Some<u64> | null = null,
    /** It stands in the manifest, so it cannot be cancelled. */
    public byManifest: bool = false,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("name")) { this.name = reader.value<string>(); return 1; }
    if (reader.keyIs("next-ms")) { this.nextMs = reader.value<Some<u64> | null>(); return 2; }
    if (reader.keyIs("by-manifest")) { this.byManifest = reader.value<bool>(); return 3; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "name";
    if (!(seen & ((<u64>1) << 2))) return "by-manifest";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<string>("name", this.name);
    writer.field<Some<u64> | null>("next-ms", this.nextMs);
    writer.field<bool>("by-manifest", this.byManifest);
  }
}

/**
 * Plans a schedule and answers its next time, in milliseconds since 1970. A turn is entered once at a time: what comes due meanwhile is the next time.
 *
 * Fails with invalid-message (a name, an entry point, a time that never comes), conflict (a name of the manifest), quota-exceeded (more than 100 schedules),
 * storage-failed.
 */
export function set(schedule: Schedule): Result<u64> {
  return jsonFrom<u64>(abi.schedules_set(jsonBlock<Schedule>(schedule)));
}

/** Ends a schedule and says whether there was one. Fails with conflict for one of the manifest. */
export function cancel(name: string): Result<bool> {
  return jsonFrom<bool>(abi.schedules_cancel(textBlock(name)));
}

/** All of them, by name. */
export function upcoming(): Result<Planned[]> {
  return jsonFrom<Planned[]>(abi.schedules_upcoming());
}
