// What the host has counted since it started: by plugin, service, event type and door. Each table has a bound, and what one plugin can fill is its own part.

import type { HostErrorCode } from "../core/errors.ts";
import { BoundedTable, type Budget } from "./bounded-table.ts";
import { numberOf, Outcomes } from "./codes.ts";
import { Histogram } from "./histogram.ts";

/** Plugins and services that have rows of their own. */
const MAX_ROWS = 1_000;
/** Rows of one plugin, and of all of them together: each is one metric of twenty series. */
const MAX_OF_PLUGIN = 256;
const ENTRY_POINTS = 2_000;
const HOST_CALLS = 8_000;
const DENIALS = 4_000;
/** Types of events below one name, which who has the name makes up. */
const MAX_TYPES = 64;
const TYPES = 4_000;
const DOORS = 256;

/** The turns of one entry point. */
export class EntryPointTotals {
  readonly outcomes: Outcomes = new Outcomes();
  readonly run: Histogram = new Histogram();
  cpuSeconds = 0;
}

/** What all plugins share. */
interface Budgets {
  readonly entryPoints: Budget;
  readonly hostCalls: Budget;
}

export class PluginTotals {
  readonly entryPoints: BoundedTable<EntryPointTotals>;
  readonly hostCalls: BoundedTable<Outcomes>;
  readonly queue: Histogram = new Histogram();
  /** What its guest has asked, wherever that was answered. */
  calls = 0;
  /** After its last turn. */
  memoryBytes = 0;
  readonly unhandled: Outcomes = new Outcomes();

  constructor({ entryPoints, hostCalls }: Budgets) {
    this.entryPoints = new BoundedTable(MAX_OF_PLUGIN, () => new EntryPointTotals(), entryPoints);
    this.hostCalls = new BoundedTable(MAX_OF_PLUGIN, () => new Outcomes(), hostCalls);
  }
}

/** How something that many use has gone lately. */
export class UseTotals {
  readonly outcomes: Outcomes = new Outcomes();
  readonly took: Histogram = new Histogram();
  /** Of events; what is handled, and how, stands in the other fields. */
  published = 0;
  lastFailure: { readonly code: HostErrorCode; readonly atMs: number } | undefined;

  fail(code: HostErrorCode, atMs: number): void {
    this.outcomes.add(numberOf(code));
    this.lastFailure = { code, atMs };
  }
}

/** A number that grows. */
interface Count {
  count: number;
}

export class Totals {
  readonly #budgets: Budgets = { entryPoints: { left: ENTRY_POINTS }, hostCalls: { left: HOST_CALLS } };
  readonly plugins: BoundedTable<PluginTotals> = new BoundedTable(MAX_ROWS, () => new PluginTotals(this.#budgets));
  readonly services: BoundedTable<UseTotals> = new BoundedTable(MAX_ROWS, () => new UseTotals());
  /** By the first segment of their types. */
  readonly events: BoundedTable<BoundedTable<UseTotals>> = tableOfTables(MAX_TYPES, TYPES, () => new UseTotals());
  /** By plugin and permission. */
  readonly denials: BoundedTable<BoundedTable<Count>> = tableOfTables(MAX_OF_PLUGIN, DENIALS, () => ({ count: 0 }));
  /** By door and what was asked of it. */
  readonly doors: BoundedTable<BoundedTable<Outcomes>> = tableOfTables(DOORS, DOORS, () => new Outcomes());
  readonly admissions: Histogram = new Histogram();

  event(type: string): UseTotals {
    const dot = type.indexOf(".");
    return this.events.of(dot < 0 ? type : type.slice(0, dot)).of(type);
  }

  /** Forgets a plugin that is gone. */
  forget(plugin: string): void {
    const totals = this.plugins.find(plugin);
    for (const table of [totals?.entryPoints, totals?.hostCalls, this.events.find(plugin), this.denials.find(plugin)]) table?.clear();
    for (const table of [this.plugins, this.events, this.denials]) table.delete(plugin);
    for (const [service] of this.services) if (service.startsWith(`${plugin}.`)) this.services.delete(service);
  }
}

/** Tables of so many rows each, and of so many all together. */
function tableOfTables<T>(maxEach: number, maxRows: number, make: () => T): BoundedTable<BoundedTable<T>> {
  const budget = { left: maxRows };
  return new BoundedTable(MAX_ROWS, () => new BoundedTable(maxEach, make, budget));
}
