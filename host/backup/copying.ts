// Copies a host's databases and packages while they are written, in the order that makes a whole of them (docs/decisions/0042): what is waited for first, then what
// plugins store, then what they have handed out.

import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import Database, { type Database as Connection } from "better-sqlite3";
import { HostError, toHostError } from "../core/errors.ts";
import { isPluginName } from "../core/names.ts";
import { checkStore } from "./checking.ts";
import { EVENTS, HOST, SCHEDULES, SENDS, STATE } from "./contents.ts";
import { mergeEvents, mergeSchedules } from "./merging.ts";
import { Pinned } from "./pinned.ts";

const FOLDER = 0o700;
const TRIES = 5;
/** Files that are open at once, three each. */
const BATCH = 128;
const EARLIER = ".earlier";
const PACKAGE_ID = /^[0-9a-f]{64}$/;
const PACKAGE_FILES = ["plugin.json", "module.wasm"];
/** What says which data a plugin has, and which version made them. */
const OF_PLUGINS = ["installations", "purges", "restores", "storage_places", "storage_copies"];
const OF_PLUGIN = /^(storage|snapshots)\//;
const PROGRESS_FIRST = [EVENTS, SENDS, SCHEDULES];
const HANDED_OUT_LAST = [EVENTS, SENDS, SCHEDULES, STATE];

/** The databases that are copied, those that are twice twice. */
export const storesOf = (dataDir: string): string[] => [
  ...[HOST, ...PROGRESS_FIRST, ...HANDED_OUT_LAST],
  ...[...sqliteIn(dataDir, "storage"), ...sqliteIn(dataDir, "snapshots")],
];

/**
 * Resolves with what was left out, in words. Again from the start when an update came in between: a version and the data of another one are no whole. Rejects with
 * HostError `conflict` when there is one each time, and `storage-failed`.
 */
export async function copyStores(dataDir: string, folder: string): Promise<readonly string[]> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    using copying = new Copying(dataDir, folder);
    if (await copying.run()) return [...copying.damaged.values()];
    for (const name of [HOST, ...HANDED_OUT_LAST, "storage", "snapshots", "packages"])
      rmSync(join(folder, name), { recursive: true, force: true });
  }
  throw new HostError("conflict", "plugins are installed, updated or moved all the while; make the backup when that is done");
}

class Copying implements Disposable {
  /** What is left out for what is wrong with it, in words, by its name: nothing of one plugin's keeps the rest from being kept. */
  readonly damaged = new Map<string, string>();
  readonly #dataDir: string;
  readonly #folder: string;
  readonly #open = new Set<Pinned>();

  constructor(dataDir: string, folder: string) {
    this.#dataDir = dataDir;
    this.#folder = folder;
  }

  /** False when the plugins that there are changed meanwhile. */
  async run(): Promise<boolean> {
    const host = this.#pin(HOST);
    if (host === undefined) throw new HostError("invalid-message", `${this.#dataDir} holds no host`);
    const earlier = this.#pinAll(PROGRESS_FIRST);
    const storage = [...sqliteIn(this.#dataDir, "storage"), ...sqliteIn(this.#dataDir, "snapshots")];
    while (storage.length > BATCH) await this.#copyAll(this.#pinAll(storage.splice(0, BATCH)));
    const rest = this.#pinAll(storage);
    const later = this.#pinAll(HANDED_OUT_LAST);
    const plugins = pluginsIn(host.connection);
    if (this.#pluginsNow() !== plugins) return false;
    await this.#copyAll([...rest, ...later, [HOST, host]]);
    await this.#merge(earlier);
    copyPackages(this.#dataDir, this.#folder);
    return this.#pluginsNow() === plugins;
  }

  [Symbol.dispose](): void {
    for (const one of this.#open) one[Symbol.dispose]();
  }

  #pluginsNow(): string | undefined {
    using now = Pinned.open(join(this.#dataDir, HOST));
    return now && pluginsIn(now.connection);
  }

  #pin(name: string): Pinned | undefined {
    const pinned = Pinned.open(join(this.#dataDir, name));
    if (pinned !== undefined) this.#open.add(pinned);
    return pinned;
  }

  #pinAll(names: readonly string[]): [name: string, pinned: Pinned][] {
    return names.flatMap((name): [string, Pinned][] => {
      try {
        const pinned = this.#pin(name);
        return pinned === undefined ? [] : [[name, pinned]];
      } catch (thrown) {
        this.#leaveOut(name, thrown);
        return [];
      }
    });
  }

  /** Throws what was thrown where it is no fault of a plugin's own file. */
  #leaveOut(name: string, thrown: unknown): void {
    if (!OF_PLUGIN.test(name) || !isDamage(thrown)) throw thrown;
    this.damaged.set(name, `${name}: ${toHostError(thrown).message}`);
    rmSync(join(this.#folder, name), { force: true });
  }

  async #copyAll(pinned: readonly (readonly [name: string, pinned: Pinned])[]): Promise<void> {
    for (const [name, one] of pinned) {
      const target = join(this.#folder, name);
      mkdirSync(dirname(target), { recursive: true, mode: FOLDER });
      await one.copyTo(target).catch((thrown) => this.#leaveOut(name, thrown));
      one[Symbol.dispose]();
      this.#open.delete(one);
    }
    // Once none is pinned any more, or the logs of busy ones would grow meanwhile.
    for (const [name] of pinned) if (!this.damaged.has(name)) this.#check(name);
  }

  /** What cannot be brought back is found out while there is a host that can be mended. */
  #check(name: string): void {
    try {
      checkStore(this.#folder, name, "the copy");
    } catch (thrown) {
      this.#leaveOut(name, thrown);
    }
  }

  async #merge(earlier: readonly (readonly [name: string, pinned: Pinned])[]): Promise<void> {
    for (const [name, pinned] of earlier) {
      const [later, before] = [join(this.#folder, name), join(this.#folder, name + EARLIER)];
      await pinned.copyTo(before);
      if (!existsSync(later)) renameSync(before, later);
      else (name === SCHEDULES ? mergeSchedules : mergeEvents)(later, before);
      rmSync(before, { force: true });
    }
  }
}

/** Of a database that is none, or has what no host of ours writes. */
function isDamage(thrown: unknown): boolean {
  if (!(thrown instanceof HostError)) return false;
  const { cause } = thrown;
  return thrown.code === "invalid-message" || (cause instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(cause.code));
}

function sqliteIn(dataDir: string, folder: string): string[] {
  const names = existsSync(join(dataDir, folder)) ? readdirSync(join(dataDir, folder)).sort() : [];
  return names
    .filter((name) => name.endsWith(".sqlite") && isPluginName(name.slice(0, -".sqlite".length)))
    .map((name) => `${folder}/${name}`);
}

const pluginsIn = (host: Connection): string =>
  JSON.stringify(OF_PLUGINS.map((table) => host.prepare(`SELECT * FROM ${table}`).raw().all()));

/** Whole ones, whoever needs them. */
function copyPackages(dataDir: string, folder: string): void {
  const from = join(dataDir, "packages");
  const ids = existsSync(from) ? readdirSync(from).filter((name) => PACKAGE_ID.test(name)) : [];
  for (const id of ids.filter((one) => PACKAGE_FILES.every((name) => existsSync(join(from, one, name))))) {
    const target = join(folder, "packages", id);
    mkdirSync(target, { recursive: true, mode: FOLDER });
    for (const name of PACKAGE_FILES) copyFileSync(join(from, id, name), join(target, name));
  }
}
