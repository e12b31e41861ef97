// Which cell each plugin runs in: one inline, one thread, and a process for each plugin or for each group of them. Cells are made when they are needed.

import { join } from "node:path";
import type { Sleep } from "../admin/sleep.ts";
import { lazyStorage } from "../cell/inside/lazy-storage.ts";
import { NOT_HERE, ON_HOST } from "../cell/inside/storage.ts";
import { firstCellUser, freeCellUser, type Hardening } from "../cell/outside/hardening.ts";
import { HibernatingCell, type KeepingCell } from "../cell/outside/hibernating-cell.ts";
import { createInlineCell } from "../cell/outside/inline-cell.ts";
import { LateModuleCell, type ReadModule } from "../cell/outside/late-module-cell.ts";
import { createProcessCell } from "../cell/outside/process-cell.ts";
import { reclaimStorage } from "../cell/outside/storage-files.ts";
import { SupervisedCell } from "../cell/outside/supervised-cell.ts";
import { createThreadCell } from "../cell/outside/thread-cell.ts";
import { HostError } from "../core/errors.ts";
import type { Cell, RecordedTurn } from "../core/ports/cell.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { StorageDriver } from "../core/ports/storage.ts";
import type { PluginImage } from "../core/types.ts";
import { STORAGE_DRIVERS } from "../drivers/index.ts";
import type { Configuration, PluginConfiguration } from "../manifest/configuration.ts";
import type { RemotePeers } from "../remote/peers.ts";
import type { StorageDriverModule } from "../seams.ts";
import { SleepingStates } from "./sleeping-states.ts";
import type { ChosenStorage } from "./storage.ts";

type Isolation = PluginConfiguration["isolation"];

interface CellStorageDriver {
  readonly driver: string;
  /** Undefined where the host answers for the storage. */
  readonly module: StorageDriverModule | undefined;
}

export interface CellsPorts {
  readonly configuration: Configuration;
  readonly hardening: Hardening;
  readonly clock: Clock;
  readonly log: LogSink;
  /** Takes what cells tell of turns that failed. Must not throw. */
  readonly onRecorded?: ((turn: RecordedTurn) => void) | undefined;
  /** Of plugins that are loaded when a turn comes. */
  readonly readModule: ReadModule;
  /** Undefined where the host waits for no remote plugins. */
  readonly peers?: Pick<RemotePeers, "cellFor"> | undefined;
}

export class Cells {
  readonly #ports: CellsPorts;
  readonly #made = new Map<string, KeepingCell>();
  readonly #last = new Map<string, Cell>();
  /** What a plugin has before the cell that it may share. */
  readonly #own = new Map<string, HibernatingCell>();
  readonly #storageDir: string;
  readonly #states: SleepingStates;
  /** The next user that no cell of this run has had. */
  #nextUser: number;
  #isClosed = false;

  /** Throws HostError `storage-failed`. */
  constructor(ports: CellsPorts) {
    this.#ports = ports;
    this.#storageDir = join(ports.configuration.dataDir, "storage");
    this.#states = new SleepingStates(ports.configuration.dataDir, ports.log);
    const { users } = ports.hardening;
    this.#nextUser = users === undefined ? 0 : firstCellUser(users);
    this.#reclaim();
  }

  /**
   * One for plugins that keep what they store by the same driver. Rejects with HostError `plugin-not-running` once all are closed: an operation that outlives
   * its host must not leave a process behind.
   */
  async get(name: string, { isolation, cell }: Pick<PluginConfiguration, "isolation" | "cell">, storage: ChosenStorage): Promise<Cell> {
    const driver = storage.side === "host" ? ON_HOST : storage.driver;
    const module = await STORAGE_DRIVERS[driver]?.();
    if (this.#isClosed) throw new HostError("plugin-not-running", `${name} has no cell: the host has stopped`);
    const group = groupOf(name, isolation, cell);
    const key = `${group} ${driver}`;
    const found = this.#made.get(key) ?? this.#make(isolation, group, { driver, module });
    this.#made.set(key, found);
    this.#last.set(name, found);
    // Whether it sleeps, and how, may change from one version of it to the next.
    const late = new LateModuleCell(found, this.#ports.readModule);
    const own = new HibernatingCell({ ...this.#ports, cell: late, keeper: this.#states });
    this.#own.set(name, own);
    return own;
  }

  /** The one that a plugin was given last. */
  of(name: string): Cell | undefined {
    return this.#last.get(name);
  }

  /** Of a plugin that is to hibernate. */
  sleepOf(name: string): Sleep | undefined {
    const cell = this.#own.get(name);
    return cell && { isAsleep: cell.isAsleep, keptBytes: this.#states.sizes.get(name) ?? 0, trouble: cell.trouble };
  }

  /** Drops what hibernating plugins have become that are here no more. */
  dropStates(isKnown: (plugin: string) => boolean): void {
    for (const plugin of [...this.#states.sizes.keys()]) if (!isKnown(plugin)) this.#states.drop(plugin);
  }

  /** Those that can be replaced: all but the host's own process. */
  statistics(): { readonly name: string; readonly restarts: number; readonly residentBytes: number | undefined }[] {
    return [...this.#made].flatMap(([key, cell]) =>
      cell instanceof SupervisedCell ? [{ name: shownKey(key), restarts: cell.restarts, residentBytes: cell.residentBytes }] : [],
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#made.values()].map((cell) => cell[Symbol.asyncDispose]()));
    // Another host on this machine may give the same users to other plugins.
    if (this.#ports.hardening.users !== undefined) this.#reclaim();
  }

  #reclaim(): void {
    for (const trouble of reclaimStorage(this.#storageDir, this.#ports.hardening))
      this.#ports.log.write({ level: "error", plugin: "host", message: trouble });
  }

  #make(isolation: Isolation, group: string, { driver, module }: CellStorageDriver): KeepingCell {
    const { clock, log, hardening, onRecorded, peers } = this.#ports;
    const storageDir = module?.keepsFiles === true ? this.#storageDir : undefined;
    const ports = { clock, log, storageDir, storageDriver: driver, onRecorded };
    const openHere = (image: PluginImage): StorageDriver => module?.open({ dir: storageDir, clock }, image) ?? NOT_HERE;
    const openStorage = (image: PluginImage): StorageDriver => lazyStorage(() => openHere(image));
    if (isolation === "inline") return createInlineCell({ clock, log, onRecorded, openStorage });
    if (isolation === "remote") {
      const name = group.slice(REMOTE.length);
      if (peers === undefined)
        throw new HostError(
          "conflict",
          `${name} is a remote plugin, and this host waits for none; write "remotePlugins": {} in the configuration`,
        );
      return peers.cellFor(name, openStorage);
    }
    if (isolation === "thread") return createThreadCell(ports);
    // A process that plugins share must be able to open the storage of one that comes back while the others run.
    const plugins = group.startsWith(ALONE) ? [group.slice(ALONE.length)] : undefined;
    return createProcessCell({ ...ports, plugins, hardening, user: this.#takeUser() });
  }

  // Never one that had a cell before: what that cell left running or lying about is not for the next.
  #takeUser(): number | undefined {
    const { users } = this.#ports.hardening;
    if (users === undefined) return undefined;
    const user = freeCellUser(users, this.#nextUser);
    if (user === undefined)
      throw new HostError("conflict", `all ${users.count} users of hardening.users are taken; name more, or restart the host`);
    this.#nextUser = user + 1;
    return user;
  }
}

const ALONE = "alone:";
const REMOTE = "remote:";

/** The plugin that a cell is for, the name that the configuration gives it, or `thread`. */
const shownKey = (key: string): string => key.replace(/ .*$/, "").replace(/^(alone|shared):/, "");

function groupOf(name: string, isolation: Isolation, cell: string | undefined): string {
  if (isolation === "remote") return REMOTE + name;
  if (isolation !== "process") return isolation;
  return cell === undefined ? ALONE + name : `shared:${cell}`;
}
