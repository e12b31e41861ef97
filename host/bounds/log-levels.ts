// From what level on lines are written: those of each plugin, and the host's own. What an operator sets at run time holds until the host stops.

import type { LogLevel, LogLine } from "../core/ports/log.ts";

/** From the least to the worst. */
export const LOG_LEVELS: readonly ["debug", "info", "warning", "error"] = ["debug", "info", "warning", "error"];

export const isAtLeast = (level: LogLevel, least: LogLevel): boolean => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);

/** Whose lines the host's own are, as a name beside those of plugins. */
export const HOST = "host";

/** What holds for somebody's lines, and who said so. */
export interface HeldLevel {
  readonly level: LogLevel;
  readonly from: "drivers.log" | "plugins" | "run time";
}

export class LogLevels {
  #byDefault: LogLevel = "debug";
  readonly #configured = new Map<string, LogLevel>();
  readonly #atRunTime = new Map<string, LogLevel>();

  /** Without a level everything is written, unless a plugin has one of its own. */
  constructor(byDefault?: LogLevel) {
    this.setDefault(byDefault);
  }

  /** Of all who have none of their own. */
  setDefault(level: LogLevel = "debug"): void {
    this.#byDefault = level;
  }

  /** What a plugin wrote is measured by its own level; what the host says of it by the host's, so that nobody's silence hides what became of him. */
  passes({ level, plugin, by }: LogLine): boolean {
    return isAtLeast(level, this.of(by === "guest" ? plugin : HOST).level);
  }

  of(name: string): HeldLevel {
    const atRunTime = this.#atRunTime.get(name);
    if (atRunTime !== undefined) return { level: atRunTime, from: "run time" };
    const configured = this.#configured.get(name);
    return configured === undefined ? { level: this.#byDefault, from: "drivers.log" } : { level: configured, from: "plugins" };
  }

  /** What the plugin's settings say; undefined for nothing. */
  configure(plugin: string, level: LogLevel | undefined): void {
    put(this.#configured, plugin, level);
  }

  /** Undefined: as it is configured. Whoever calls this knows that there is somebody of this name. */
  set(name: string, level: LogLevel | undefined): void {
    put(this.#atRunTime, name, level);
  }

  /** Of a plugin that is gone. */
  forget(plugin: string): void {
    this.#configured.delete(plugin);
    this.#atRunTime.delete(plugin);
  }
}

function put(levels: Map<string, LogLevel>, name: string, level: LogLevel | undefined): void {
  if (level === undefined) levels.delete(name);
  else levels.set(name, level);
}
