// What an operator can say of the log that comes with the host.

import { z } from "zod";
import { LOG_LEVELS } from "../../bounds/log-levels.ts";
import type { LogLevel } from "../../core/ports/log.ts";

export interface LogFileOptions {
  /** Relative to the data folder. */
  readonly path: string;
  /** Of all files together, and no byte more. */
  readonly maxMiB: number;
  /** How many files are kept beside the one that is written. */
  readonly keep: number;
  /** Lines of so many hours are in one file at most. */
  readonly everyHours: number;
}

export interface LogJsonOptions {
  /** From this level on lines are written, unless their plugin has a level of its own. */
  readonly level: LogLevel;
  readonly to: "stdout" | "stderr" | "file";
  /** `ecs`: the names of the Elastic Common Schema. */
  readonly format: "bulkhead" | "ecs";
  readonly file?: LogFileOptions | undefined;
}

/** Of one file: the longest line has its place in it. */
const LEAST_FILE_MIB = 0.25;

export const logFileOptions: z.ZodType<LogFileOptions> = z
  .strictObject({
    path: z.string().min(1).max(4_096).default("logs/bulkhead.log"),
    maxMiB: z.number().positive().max(1_048_576).default(64),
    keep: z.int().min(1).max(100).default(7),
    everyHours: z.number().min(0.01).max(8_784).default(24),
  })
  .refine(({ maxMiB, keep }) => maxMiB >= (keep + 1) * LEAST_FILE_MIB, {
    path: ["maxMiB"],
    message: `it is shared by the file that is written and those that are kept, ${LEAST_FILE_MIB} at least for each; raise it, or lower keep`,
  });

export const logJsonOptions: z.ZodType<LogJsonOptions> = z
  .strictObject({
    level: z.enum(LOG_LEVELS).default("info"),
    to: z.enum(["stdout", "stderr", "file"]).default("stdout"),
    format: z.enum(["bulkhead", "ecs"]).default("bulkhead"),
    file: logFileOptions.optional(),
  })
  .refine(({ to, file }) => to === "file" || file === undefined, { path: ["to"], message: 'write "file", or remove the section file' });

export const defaultFile = (): LogFileOptions => logFileOptions.parse({});
