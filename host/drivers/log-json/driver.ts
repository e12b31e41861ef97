// Log lines as JSON on standard output.

import type { LogSink } from "../../core/ports/log.ts";
import type { Driver } from "../../seams.ts";
import { createJsonLog, type LogJsonOptions, logJsonOptions } from "./log-json.ts";

export const json: Driver<LogSink, LogJsonOptions> = {
  name: "json",
  options: logJsonOptions,
  open: async (_opening, options) => ({ ...createJsonLog(options), async [Symbol.asyncDispose]() {} }),
};
