// What becomes of a plugin that keeps failing: its callers are refused at once while it pauses, each pause is longer than the
// last, and in the end it is quarantined until an operator releases it. One counter a plugin decides all of it.

import type { QuarantineStore } from "../admin/quarantine.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Plugin } from "../core/plugin.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import { startTrace } from "../core/trace.ts";
import type { PluginView } from "../core/types.ts";

interface ContainmentOptions {
  /** Failures within the window after which the plugin pauses; before that a lost instance is only replaced. */
  readonly pauseAfter: number;
  /** Failures within the window after which the plugin is quarantined. */
  readonly quarantineAfter: number;
  readonly windowMs: number;
  /** The first pause; each further one is twice as long, up to the second, with up to half of it left to chance. */
  readonly pauseMs: number;
  readonly maxPauseMs: number;
}

export interface ContainmentPorts {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly quarantine: Pick<QuarantineStore, "names" | "reasonOf" | "add" | "onRelease">;
  /** Starts a plugin again; rejects for one that may not run any more. */
  readonly start: (plugin: string) => Promise<void>;
  /** Asked at each failure. */
  readonly options: () => ContainmentOptions;
  /** Updates that have not started yet: what becomes of one that fails is not decided here. */
  readonly onProbation?: ReadonlySet<string>;
}

// When a cell dies, each of a plugin's turns fails on its own; together they are one failure.
const SAME_FAILURE_MS = 20;
const encoder = new TextEncoder();

/** Watches all plugins of a host from its first start to `close`. */
export class Containment {
  readonly #ports: ContainmentPorts;
  readonly #failures = new Map<string, number[]>();
  readonly #pauses = new Map<string, () => void>();
  readonly #stopWatching: (() => void)[];

  constructor(ports: ContainmentPorts) {
    this.#ports = ports;
    const { host, quarantine } = ports;
    this.#stopWatching = [
      host.observe({
        turn: ({ plugin, outcome }) => {
          // One that fails while it starts is failed for that next, and counted then.
          if (host.plugin(plugin)?.state === "starting") return;
          if (!outcome.ok && outcome.broken === true) this.#count(plugin, `${outcome.error.code}: ${outcome.error.message}`);
        },
        state: (plugin) => {
          if (plugin.state === "failed" && !this.#pauses.has(plugin.name)) this.#countFailed(plugin);
        },
      }),
      quarantine.onRelease((name) => this.#release(name)),
    ];
  }

  /** Puts those into `quarantined` that were so when the host last stopped; call it before the host starts. */
  async restore(): Promise<void> {
    for (const name of this.#ports.quarantine.names()) {
      const reason = this.#ports.quarantine.reasonOf(name);
      await this.#ports.host.plugin(name)?.fail(quarantined(name, reason), "quarantined");
    }
  }

  /** Restarts nothing more. */
  close(): void {
    for (const stop of this.#stopWatching) stop();
    for (const cancel of this.#pauses.values()) cancel();
    this.#pauses.clear();
  }

  #countFailed(plugin: PluginView): void {
    const { code, message } = plugin.failure ?? { code: "internal", message: "" };
    // Not its own doing: what it needs is missing or refused, and trying again changes nothing.
    if (code === "plugin-not-running" || code === "conflict" || code === "service-taken") return;
    this.#count(plugin.name, message);
  }

  #count(name: string, reason: string): void {
    const { clock } = this.#ports;
    const options = this.#ports.options();
    const plugin = this.#ports.host.plugin(name);
    if (this.#ports.onProbation?.has(name)) return;
    if (plugin === undefined || plugin.state === "quarantined" || plugin.state === "stopping" || plugin.state === "stopped") return;
    const now = clock.monotonicMs();
    const failures = (this.#failures.get(name) ?? []).filter((at) => now - at < options.windowMs);
    if (now - (failures.at(-1) ?? Number.NEGATIVE_INFINITY) >= SAME_FAILURE_MS) failures.push(now);
    this.#failures.set(name, failures);
    if (failures.length >= options.quarantineAfter) void this.#quarantine(plugin, failures.length, reason);
    else if (failures.length >= options.pauseAfter || plugin.state === "failed") this.#pause(plugin, failures.length, reason);
  }

  #pause(plugin: Plugin, failures: number, reason: string): void {
    const { clock, log, host } = this.#ports;
    const options = this.#ports.options();
    const { name } = plugin;
    if (this.#pauses.has(name)) return;
    const doublings = Math.max(0, failures - options.pauseAfter);
    const pauseMs = Math.min(options.pauseMs * 2 ** doublings, options.maxPauseMs) * (0.5 + Math.random() / 2);
    const message = `${name} failed ${failures} times and pauses for ${Math.round(pauseMs)} ms; last: ${reason}`;
    const cancel = clock.after(pauseMs, () => {
      this.#pauses.delete(name);
      // Another version may have taken its place meanwhile, or an operator stopped it.
      if (host.plugin(name) === plugin && plugin.state === "failed") this.#start(name);
    });
    this.#pauses.set(name, cancel);
    log.write({ level: "warning", plugin: name, message });
    if (plugin.state !== "failed") void plugin.fail(new HostError("plugin-failed", message));
  }

  async #quarantine(plugin: Plugin, failures: number, reason: string): Promise<void> {
    const { host, log, quarantine } = this.#ports;
    const { name } = plugin;
    this.#pauses.get(name)?.();
    this.#pauses.delete(name);
    const why = `${failures} failures, last: ${reason}`;
    const error = quarantined(name, why);
    log.write({ level: "error", plugin: name, message: error.message });
    try {
      quarantine.add(name, why);
    } catch (cause) {
      // A full disk, say, must not keep it running, nor end the host.
      log.write({ level: "error", plugin: "host", about: name, message: `the quarantine of ${name} cannot be kept over a restart`, cause });
    }
    const data = encoder.encode(JSON.stringify({ plugin: name, failures, reason }));
    const event = { type: "host.plugin-quarantined", contentType: "application/json", source: "/host", traceparent: startTrace(), data };
    await plugin.fail(error, "quarantined");
    try {
      await host.publish(event, { kind: "host", name: "containment" });
    } catch (cause) {
      // Nobody waits for this, so that a guard which refuses it would end the host.
      log.write({ level: "error", plugin: "host", about: name, message: `the quarantine of ${name} is not published`, cause });
    }
  }

  #release(name: string): void {
    this.#failures.delete(name);
    if (this.#ports.host.plugin(name)?.state !== "quarantined") return;
    this.#ports.log.write({ level: "info", plugin: name, message: `${name} was released from quarantine and starts` });
    this.#start(name);
  }

  #start(name: string): void {
    this.#ports.start(name).catch((thrown: unknown) => {
      this.#ports.log.write({ level: "error", plugin: "host", message: `${name} is not started: ${toHostError(thrown).message}` });
    });
  }
}

function quarantined(name: string, why: string): HostError {
  return new HostError("plugin-not-running", `${name} is quarantined (${why}); "bulkhead release ${name}" starts it again`);
}
