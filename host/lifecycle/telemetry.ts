// Brings together what the host has counted and how it is at this moment, for whoever may see it.

import { statSync } from "node:fs";
import { join } from "node:path";
import type { EventUse, LiveTelemetry, PluginUse, Use, UsedNow } from "../admin/telemetry-operations.ts";
import type { Host } from "../core/host.ts";
import type { PermissionPorts } from "../core/permissions.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventLog } from "../core/ports/events.ts";
import type { TelemetryOptions } from "../manifest/telemetry.ts";
import type { Telemetry } from "../seams.ts";
import { OTHER } from "../telemetry/bounded-table.ts";
import { LoopLag } from "../telemetry/loop-lag.ts";
import { Recorder } from "../telemetry/recorder.ts";
import { metricsOf, type Present } from "../telemetry/snapshot.ts";
import { type EntryPointTotals, type PluginTotals, Totals, type UseTotals } from "../telemetry/totals.ts";
import type { Cells } from "./cells.ts";
import { storageDirOf } from "./storage-places.ts";

export interface TelemetryPorts {
  readonly options: TelemetryOptions;
  readonly clock: Clock;
  readonly version: string;
  readonly dataDir: string;
  /** There once they are asked for anything. */
  readonly core: () => Host;
  readonly cells: () => Pick<Cells, "statistics" | "sleepOf">;
  readonly events: () => Pick<EventLog, "statistics">;
}

type Check = Parameters<PermissionPorts["onCheck"]>[0];

/** Principals are no plugins, and there is no end of them. */
const BY_DOORS = "doors";
const FILES = ["", "-wal"] as const;
const MAX_PLUGINS = 1_000;
const [P50, P95] = [0.5, 0.95];
const NO_TOTALS: Totals = new Totals();
const US_PER_SECOND = 1_000_000;

export class HostTelemetry implements LiveTelemetry {
  readonly #ports: TelemetryPorts;
  readonly #lag: LoopLag;
  /** Undefined where nothing is to be written down. */
  readonly recorder: Recorder | undefined;

  constructor(ports: TelemetryPorts) {
    const { options, clock } = ports;
    this.#ports = ports;
    this.#lag = new LoopLag(clock);
    this.recorder =
      options.record === "nothing" ? undefined : new Recorder(clock, { spans: options.record === "spans" ? options.spans : 0 });
  }

  get records(): LiveTelemetry["records"] {
    return this.#ports.options.record;
  }

  /** Follows what happens from now on. Returns its undo. */
  follow(): () => void {
    const core = this.#ports.core();
    const { recorder } = this;
    if (recorder === undefined) return () => {};
    const undo = [
      core.observe(recorder),
      core.observe({ plugins: ({ name }) => (core.plugin(name) === undefined ? recorder.totals.forget(name) : undefined) }),
    ];
    return () => {
      for (const one of undo) one();
    };
  }

  readonly onCheck = ({ plugin, permission, verdict }: Check): void => {
    // A subscription may be wider than its grant.
    if (verdict === "allowed" || permission === "events.subscribe") return;
    this.recorder?.denied(this.#ports.core().plugin(plugin) === undefined ? BY_DOORS : plugin, permission);
  };

  metrics(): ReturnType<Telemetry["metrics"]> {
    return this.recorder === undefined ? [] : metricsOf(this.recorder.totals, this.#present());
  }

  spans(from: number): ReturnType<Telemetry["spans"]> {
    return this.recorder?.spans(from) ?? { spans: [], missed: 0, next: 0 };
  }

  used(): UsedNow {
    const cells = this.#ports.cells();
    const plugins = this.#ports.core().plugins.map(({ name, state, queued }) => {
      const used = usedBy(this.recorder?.totals.plugins.find(name));
      const isAsleep = state === "running" && cells.sleepOf(name)?.isAsleep === true;
      return { plugin: name, queued, ...used, ...(isAsleep ? { state: "asleep", memoryBytes: 0 } : { state }) };
    });
    const { cpuSeconds, residentBytes } = ofProcess();
    const host = { cpuSeconds, residentBytes, loopLagSeconds: this.#lag.histogram.quantile(P95) };
    return { atMs: this.#ports.clock.monotonicMs(), plugins, host };
  }

  services(): readonly Use[] {
    const { services } = this.recorder?.totals ?? NO_TOTALS;
    return [...services].map(([name, totals]) => useOf(name, totals));
  }

  events(): readonly EventUse[] {
    const { events } = this.recorder?.totals ?? NO_TOTALS;
    return [...events].flatMap(([owner, types]) =>
      [...types].map(([type, totals]) => ({ ...useOf(type === OTHER ? `${owner}.…` : type, totals), published: totals.published })),
    );
  }

  [Symbol.dispose](): void {
    this.#lag[Symbol.dispose]();
  }

  #present(): Present {
    const { version, dataDir, core, cells, events } = this.#ports;
    const plugins = core()
      .plugins.slice(0, MAX_PLUGINS)
      .map(({ name, definition, state, queued }) => ({
        ...{ name, version: definition.version, state, queued },
        storageBytes: storageBytes(dataDir, name),
        asleepBytes: definition.keepsState === true ? cells().sleepOf(name)?.keptBytes : undefined,
      }));
    const { consumers } = events().statistics();
    return {
      ...{ version, plugins, loopLag: this.#lag.histogram },
      cells: cells().statistics().slice(0, MAX_PLUGINS),
      consumers: consumers
        .slice(0, MAX_PLUGINS)
        .map(({ consumer, waiting, deadLetters }) => ({ name: consumer.name, waiting, deadLetters })),
      process: { ...ofProcess(), uptimeSeconds: process.uptime() },
    };
  }
}

function ofProcess(): { cpuSeconds: number; residentBytes: number } {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / US_PER_SECOND, residentBytes: process.memoryUsage.rss() };
}

function usedBy(totals: PluginTotals | undefined): Omit<PluginUse, "plugin" | "state" | "queued"> {
  const all = [...(totals?.entryPoints ?? [])].map(([, entryPoint]) => entryPoint);
  const sum = (of: (one: EntryPointTotals) => number): number => all.reduce((so, one) => so + of(one), 0);
  return {
    turns: sum(({ outcomes }) => outcomes.total),
    failed: sum(({ outcomes }) => outcomes.failed),
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    memoryBytes: totals?.memoryBytes ?? 0,
    calls: totals?.calls ?? 0,
  };
}

function useOf(name: string, { outcomes, took, lastFailure }: UseTotals): Use {
  return {
    ...{ name, provider: name.split(".", 1)[0] ?? "" },
    ...{ count: outcomes.total, failed: outcomes.failed, p50: took.quantile(P50), p95: took.quantile(P95) },
    lastFailure: lastFailure && { code: lastFailure.code, at: new Date(lastFailure.atMs).toISOString() },
  };
}

function storageBytes(dataDir: string, plugin: string): number | undefined {
  const file = join(storageDirOf(dataDir), `${plugin}.sqlite`);
  const sizes = FILES.map((ending) => statSync(file + ending, { throwIfNoEntry: false })?.size);
  return sizes[0] === undefined ? undefined : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
