// What is installed beside the configuration: which version, from where, with which settings, and what is blocked. Each change is one transaction,
// after which a crash finds either the old state or the new one.

import type { Database as Connection } from "better-sqlite3";
import semver from "semver";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { ReplacedGrant } from "./grants.ts";

/** One version of a plugin as it lies in the package store. */
export interface InstalledVersion {
  readonly version: string;
  /** Its folder in the package store. */
  readonly package: string;
  /** Where it came from, such as `npm:@acme/thermostat@1.2.3`. */
  readonly source: string;
  readonly integrity: string;
  readonly wasmSha256: string;
}

export interface Installation extends InstalledVersion {
  readonly plugin: string;
  /** What the configuration's section of a plugin would say, as JSON; without path and grants. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** False once an operator has stopped it. */
  readonly enabled: boolean;
  /** What it was updated from. */
  readonly previous: InstalledVersion | undefined;
  /** An update that has not started yet: when it does not, `previous` comes back with its data. */
  readonly onProbation: boolean;
  /** A version that waits for an operator, because it asks for more. */
  readonly pending: InstalledVersion | undefined;
}

export interface Block {
  readonly plugin: string;
  /** Of semver; of a list one version, letter by letter. */
  readonly range: string;
  readonly reason: string;
  /** Who says so: only an operator's block can be taken back here. */
  readonly by: "operator" | "list";
}

/** What an update that fails puts back. */
export interface Undo {
  readonly previous: InstalledVersion | undefined;
  readonly pending: InstalledVersion | undefined;
  /** What stood about each grant that came with the update. */
  readonly grants: readonly ReplacedGrant[];
}

interface Row {
  readonly plugin: string;
  readonly current: string;
  readonly settings: string;
  readonly enabled: number;
  readonly previous: string | null;
  readonly undo: string | null;
  readonly pending: string | null;
}

/** Part of the database's schema. */
export const INSTALLATIONS_SCHEMA = `
  CREATE TABLE installations (
    plugin TEXT PRIMARY KEY,
    current TEXT NOT NULL,
    settings TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    previous TEXT,
    undo TEXT,
    pending TEXT,
    changed_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE purges (plugin TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE restores (plugin TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE blocks (plugin TEXT NOT NULL, range TEXT NOT NULL, reason TEXT NOT NULL, blocked_at TEXT NOT NULL, PRIMARY KEY (plugin, range)) STRICT, WITHOUT ROWID;
`;

export class Installations {
  readonly #connection: Connection;
  readonly #clock: Clock;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  list(): Installation[] {
    return this.#connection.prepare<[], Row>("SELECT * FROM installations ORDER BY plugin").all().map(fromRow);
  }

  find(plugin: string): Installation | undefined {
    const row = this.#connection.prepare<[string], Row>("SELECT * FROM installations WHERE plugin = ?").get(plugin);
    return row && fromRow(row);
  }

  /** Throws HostError `conflict` when it is installed already. */
  add(plugin: string, version: InstalledVersion, settings: Installation["settings"]): void {
    if (this.find(plugin) !== undefined)
      throw new HostError("conflict", `${plugin} is installed already; "bulkhead update ${plugin}" changes its version`);
    this.#put({ plugin, ...version, settings, enabled: true, previous: undefined, onProbation: false, pending: undefined });
  }

  /** Another version counts from now on, on probation until `accept` or `reject`, which says what to put back of its grants. */
  exchange(plugin: string, version: InstalledVersion, grants: readonly ReplacedGrant[]): void {
    const current = this.#require(plugin);
    const { previous, pending } = current;
    const undo = { previous, pending, grants };
    this.#put({ ...current, ...version, previous: versionOf(current), onProbation: true, pending: undefined }, undo);
  }

  accept(plugin: string): void {
    this.#put({ ...this.#require(plugin), onProbation: false });
  }

  /** The version before counts again, as it was; answers what is to be put back of its grants. */
  reject(plugin: string): readonly ReplacedGrant[] {
    const current = this.#require(plugin);
    const undo = this.#undoOf(plugin);
    if (current.previous === undefined || undo === undefined)
      throw new HostError("conflict", `${plugin} has no version before ${current.version}`);
    const { previous, pending, grants } = undo;
    this.#put({ ...current, ...current.previous, previous, pending, onProbation: false });
    return grants;
  }

  /** A version that waits for approval; undefined when none does any more. */
  setPending(plugin: string, pending: InstalledVersion | undefined): void {
    this.#put({ ...this.#require(plugin), pending }, this.#undoOf(plugin));
  }

  setEnabled(plugin: string, enabled: boolean): void {
    const found = this.find(plugin);
    if (found !== undefined) this.#put({ ...found, enabled }, this.#undoOf(plugin));
  }

  remove(plugin: string): void {
    this.#connection.prepare("DELETE FROM installations WHERE plugin = ?").run(plugin);
  }

  /** Notes that the plugin's data are to be removed, so that it happens even if the process dies before. */
  planPurge(plugin: string): void {
    this.#connection.prepare("INSERT OR REPLACE INTO purges VALUES (?)").run(plugin);
  }

  purges(): string[] {
    return this.#connection.prepare<[], string>("SELECT plugin FROM purges").pluck().all();
  }

  purged(plugin: string): void {
    this.#connection.prepare("DELETE FROM purges WHERE plugin = ?").run(plugin);
  }

  /** Notes that the plugin's data from before an update are to be put back, so that it happens even if the process dies before. */
  planRestore(plugin: string): void {
    this.#connection.prepare("INSERT OR REPLACE INTO restores VALUES (?)").run(plugin);
  }

  restores(): string[] {
    return this.#connection.prepare<[], string>("SELECT plugin FROM restores").pluck().all();
  }

  restored(plugin: string): void {
    this.#connection.prepare("DELETE FROM restores WHERE plugin = ?").run(plugin);
  }

  /** The packages that somebody may still need. */
  packages(): Set<string> {
    return new Set(
      this.list().flatMap(({ plugin, package: current, previous, pending }) => {
        const undo = this.#undoOf(plugin);
        const all = [current, previous?.package, pending?.package, undo?.previous?.package, undo?.pending?.package];
        return all.filter((id) => id !== undefined);
      }),
    );
  }

  block({ plugin, range, reason }: Omit<Block, "by">): void {
    if (semver.validRange(range) === null)
      throw new HostError("invalid-message", `"${printable(range)}" is no semver range; write one such as <1.2.3 or *`);
    this.#connection.prepare("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?)").run(plugin, range, reason, this.#now());
  }

  /** False when there was no such block. */
  unblock(plugin: string, range: string): boolean {
    return this.#connection.prepare("DELETE FROM blocks WHERE plugin = ? AND range = ?").run(plugin, range).changes > 0;
  }

  blocks(): Block[] {
    return this.#connection
      .prepare<[], Block>(
        "SELECT plugin, range, reason, 'operator' AS by FROM blocks UNION ALL SELECT plugin, version, reason, 'list' FROM revoked ORDER BY 1, 2",
      )
      .all();
  }

  /** Throws HostError `conflict` for a version that is blocked, by an operator or by a list of revocations. To be asked wherever a plugin is added, exchanged or started. */
  refuseBlocked({ name, version }: Pick<Manifest, "name" | "version">): void {
    const block = this.blockOf(name, version);
    if (block === undefined) return;
    if (block.by === "list")
      throw new HostError(
        "conflict",
        `${name} ${version} is revoked: ${printable(block.reason)}; only the list that says so can take it back`,
      );
    const remedy = `"bulkhead unblock ${name}@${block.range}" lets it run`;
    throw new HostError("conflict", `${name} ${version} is blocked (${block.range}): ${printable(block.reason)}; ${remedy}`);
  }

  /** The block that a version falls under. */
  blockOf(plugin: string, version: string): Block | undefined {
    return this.blocks().find(
      (block) =>
        block.plugin === plugin &&
        (block.range === version || (block.by === "operator" && semver.satisfies(version, block.range, { includePrerelease: true }))),
    );
  }

  #require(plugin: string): Installation {
    const found = this.find(plugin);
    if (found !== undefined) return found;
    throw new HostError("invalid-message", `${printable(plugin)} is not installed; what the configuration names is changed there`);
  }

  #undoOf(plugin: string): Undo | undefined {
    const undo = this.#connection.prepare<[string], string | null>("SELECT undo FROM installations WHERE plugin = ?").pluck().get(plugin);
    return undo === undefined || undo === null ? undefined : (JSON.parse(undo) as Undo);
  }

  #put({ plugin, settings, enabled, previous, pending, ...current }: Installation, undo?: Undo): void {
    this.#connection
      .prepare("INSERT OR REPLACE INTO installations VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .run(
        plugin,
        JSON.stringify(versionOf(current)),
        JSON.stringify(settings),
        enabled ? 1 : 0,
        previous === undefined ? null : JSON.stringify(previous),
        undo === undefined ? null : JSON.stringify(undo),
        pending === undefined ? null : JSON.stringify(pending),
        this.#now(),
      );
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}

function versionOf({ version, package: id, source, integrity, wasmSha256 }: InstalledVersion): InstalledVersion {
  return { version, package: id, source, integrity, wasmSha256 };
}

function fromRow({ plugin, current, settings, enabled, previous, undo, pending }: Row): Installation {
  return {
    plugin,
    ...(JSON.parse(current) as InstalledVersion),
    settings: JSON.parse(settings) as Installation["settings"],
    enabled: enabled === 1,
    previous: previous === null ? undefined : (JSON.parse(previous) as InstalledVersion),
    onProbation: undo !== null,
    pending: pending === null ? undefined : (JSON.parse(pending) as InstalledVersion),
  };
}
