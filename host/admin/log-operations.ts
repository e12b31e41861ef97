// What an operator can do with the log of a running host: read its last lines, and say from what level on whose lines are written.

import { z } from "zod";
import { type HeldLevel, HOST, LOG_LEVELS, type LogLevels } from "../bounds/log-levels.ts";
import type { LinePage, RecentLines, WantedLines } from "../bounds/recent-lines.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { LogLevel } from "../core/ports/log.ts";
import { checked, type Operation } from "./checked.ts";
import type { RecordEntry } from "./dead-letters.ts";

export interface LiveLog {
  readonly levels: LogLevels;
  readonly recent: Pick<RecentLines, "read">;
}

export interface LogOperationsPorts {
  /** Throws HostError when no host runs. */
  live(): LiveLog;
  /** The names of all plugins that there are. */
  plugins(): readonly string[];
  readonly record: RecordEntry;
}

/** From what level on somebody's lines are written: a plugin's own, or all that the host says (`host`). */
export interface ShownLevel extends HeldLevel {
  readonly plugin: string;
}

interface ReadInput extends WantedLines {
  readonly after?: number | undefined;
  readonly limit: number;
}

interface SetInput {
  readonly plugin: string;
  /** `configured`: as drivers.log and the plugin's section have it. */
  readonly level: LogLevel | "configured";
}

const level: z.ZodType<LogLevel> = z.enum(LOG_LEVELS);
const readSchema: z.ZodType<ReadInput> = z.strictObject({
  plugin: z.string().max(63).optional(),
  level: level.optional(),
  after: z.int().nonnegative().optional(),
  limit: z.int().min(1).max(2_000).default(100),
});
const setSchema: z.ZodType<SetInput> = z.strictObject({ plugin: z.string(), level: z.union([level, z.literal("configured")]) });

export function logOperations({ live, plugins, record }: LogOperationsPorts): readonly (readonly [string, Operation])[] {
  const requireKnown = (plugin: string): void => {
    const known = [HOST, ...plugins()];
    if (!known.includes(plugin))
      throw new HostError("invalid-message", `there is no plugin ${printable(plugin)}; known: ${known.join(", ")}`);
  };
  const shown = (name: string): ShownLevel => ({ plugin: name, ...live().levels.of(name) });
  return [
    [
      "logs",
      checked(readSchema, (wanted): LinePage => {
        const page = live().recent.read(wanted);
        // One that was removed has left lines.
        if (page.lines.length === 0 && wanted.plugin !== undefined) requireKnown(wanted.plugin);
        return page;
      }),
    ],
    ["log-levels", checked(z.strictObject({}), (): ShownLevel[] => [HOST, ...plugins()].map(shown))],
    [
      "set-log-level",
      checked(setSchema, ({ plugin, level: wanted }, actor): ShownLevel => {
        const { levels } = live();
        requireKnown(plugin);
        record(actor, "set-log-level", plugin, { level: wanted, before: levels.of(plugin).level });
        levels.set(plugin, wanted === "configured" ? undefined : wanted);
        return shown(plugin);
      }),
    ],
  ];
}
