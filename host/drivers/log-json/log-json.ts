// Writes log lines as JSON through pino, one object a line. Plugin, level and trace id are the host's word, not the guest's.

import pino, { type DestinationStream } from "pino";
import { z } from "zod";
import { describeCause } from "../../core/errors.ts";
import { escapeControls } from "../../core/names.ts";
import type { LogLevel, LogSink } from "../../core/ports/log.ts";
import { traceIdOf } from "../../core/trace.ts";

export interface LogJsonOptions {
  /** Lines below this level are dropped. */
  readonly level: LogLevel;
  readonly to: "stdout" | "stderr";
}

export const logJsonOptions: z.ZodType<LogJsonOptions> = z.strictObject({
  level: z.enum(["debug", "info", "warning", "error"]).default("info"),
  to: z.enum(["stdout", "stderr"]).default("stdout"),
});

const PINO_LEVEL = { debug: "debug", info: "info", warning: "warn", error: "error" } as const satisfies Record<LogLevel, string>;

export function createJsonLog(options: Pick<LogJsonOptions, "level">, destination: DestinationStream = standard("stdout")): LogSink {
  const logger = pino(
    {
      level: PINO_LEVEL[options.level],
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label === "warn" ? "warning" : label }) },
    },
    destination,
  );
  return {
    write({ level, plugin, message, traceparent, cause }) {
      const traceId = traceparent === undefined ? undefined : traceIdOf(traceparent);
      logger[PINO_LEVEL[level]](
        { plugin, traceId, cause: cause === undefined ? undefined : describeCause(cause) },
        escapeControls(message),
      );
    },
  };
}

// A reader that has gone, or a terminal that was closed, must not end the host.
export function standard(to: LogJsonOptions["to"]): DestinationStream {
  return pino.destination(to === "stdout" ? 1 : 2).on("error", () => {});
}
