// Log lines as JSON on standard output or standard error.

import type { LogSink } from "../../core/ports/log.ts";
import type { Driver } from "../../seams.ts";
import { createJsonLog, type LogJsonOptions, logJsonOptions, standard } from "./log-json.ts";

export const json: Driver<LogSink, LogJsonOptions> = {
  name: "json",
  options: logJsonOptions,
  open: async (_opening, options) => ({ ...createJsonLog(options, standard(options.to)), async [Symbol.asyncDispose]() {} }),
};
