// Writes log lines as JSON through pino, one object a line. Plugin, level and trace id are the host's word, not the guest's.

import pino, { type DestinationStream, type LoggerOptions } from "pino";
import { HOST } from "../../bounds/log-levels.ts";
import { shownJson } from "../../bounds/shown-json.ts";
import { describeCause } from "../../core/errors.ts";
import { escapeControls } from "../../core/names.ts";
import type { LogLevel, LogLine, LogSink } from "../../core/ports/log.ts";
import { traceIdOf } from "../../core/trace.ts";
import type { LogJsonOptions } from "./options.ts";

const PINO_LEVEL = { debug: "debug", info: "info", warning: "warn", error: "error" } as const satisfies Record<LogLevel, string>;
const ECS_VERSION = "8.11.0";
const levelOf = (label: string): string => (label === "warn" ? "warning" : label);

interface Format {
  readonly pino: LoggerOptions;
  fields(line: LogLine): object;
}

const FORMATS = {
  bulkhead: {
    pino: { timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: levelOf(label) }) } },
    fields: ({ plugin, traceparent, record, cause }) => ({ plugin, traceId: traceOf(traceparent), record, cause: causeOf(cause) }),
  },
  // https://www.elastic.co/docs/reference/ecs/ecs-field-reference
  ecs: {
    pino: {
      messageKey: "message",
      timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ "log.level": levelOf(label) }) },
    },
    fields: (line) => ({
      "ecs.version": ECS_VERSION,
      "service.name": "bulkhead",
      "event.dataset": "bulkhead.log",
      // Who speaks, and of whom: a plugin of itself, or the host of a plugin.
      "log.logger": line.by === "guest" ? line.plugin : HOST,
      labels: labelsOf(line),
      "trace.id": traceOf(line.traceparent),
      "span.id": line.traceparent?.split("-")[2],
      "error.stack_trace": causeOf(line.cause),
    }),
  },
} as const satisfies Record<LogJsonOptions["format"], Format>;

export function createJsonLog(
  { level, format = "bulkhead" }: Pick<LogJsonOptions, "level"> & Partial<Pick<LogJsonOptions, "format">>,
  destination: DestinationStream = standard("stdout"),
): LogSink {
  const { pino: options, fields } = FORMATS[format];
  const shown: DestinationStream = { write: (line) => destination.write(shownJson(line)) };
  const logger = pino({ ...options, level: PINO_LEVEL[level], base: null }, shown);
  return { write: (line) => logger[PINO_LEVEL[line.level]](fields(line), escapeControls(line.message)) };
}

// A reader that has gone, or a terminal that was closed, must not end the host.
export function standard(to: "stdout" | "stderr"): DestinationStream {
  return pino.destination(to === "stdout" ? 1 : 2).on("error", () => {});
}

const causeOf = (cause: unknown): string | undefined => (cause === undefined ? undefined : describeCause(cause));
const traceOf = (traceparent: string | undefined): string | undefined => (traceparent === undefined ? undefined : traceIdOf(traceparent));

function labelsOf({ plugin, about = plugin, record }: LogLine): object | undefined {
  return about === HOST ? undefined : { plugin: about, record };
}
