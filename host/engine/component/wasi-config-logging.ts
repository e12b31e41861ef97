// wasi:config and wasi:logging, mapped onto the plugin's own configuration and log.

import type { LogLevel } from "../../core/ports/log.ts";
import { FREE_BYTES, writeLog } from "../guest/cell-functions.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { ok, type WitResultValue } from "./resources.ts";

const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warn: "warning",
  error: "error",
  critical: "error",
};

export function wasiConfig(host: ComponentHost): Interfaces {
  const { config } = host.environment.scope;
  const get = (key: string): WitResultValue => {
    const value = Object.hasOwn(config, key) ? config[key] : undefined;
    if ((value?.length ?? 0) > FREE_BYTES) host.count();
    else host.free();
    return ok(value);
  };
  const getAll = (): WitResultValue => {
    host.count();
    return ok(Object.entries(config));
  };
  // The draft called it runtime first.
  return { "wasi:config/store": { get, getAll }, "wasi:config/runtime": { get, getAll } };
}

export function wasiLogging(host: ComponentHost): Interfaces {
  return {
    "wasi:logging/logging": {
      log: (level: string, context: string, message: string) => {
        host.count();
        writeLog(host.environment.scope, LEVELS[level] ?? "info", context === "" ? message : `${context}: ${message}`);
      },
    },
  };
}
