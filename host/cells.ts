// Which cell each plugin runs in: one inline, one thread, and a process for each plugin or for each group of them. Cells are made when they are needed.

import { join } from "node:path";
import { openPluginStorage } from "./adapters/storage-sqlite.ts";
import { systemClock } from "./adapters/system-clock.ts";
import { firstCellUser, freeCellUser, type Hardening } from "./cell/hardening.ts";
import { createInlineCell } from "./cell/inline-cell.ts";
import { lazyStorage } from "./cell/lazy-storage.ts";
import { createProcessCell } from "./cell/process-cell.ts";
import { reclaimStorage } from "./cell/storage-files.ts";
import { createThreadCell } from "./cell/thread-cell.ts";
import { HostError } from "./core/errors.ts";
import type { Cell, LogSink } from "./core/ports.ts";
import type { Configuration, PluginConfiguration } from "./install/configuration.ts";

type Isolation = PluginConfiguration["isolation"];

const storageDirOf = (dataDir: string): string => join(dataDir, "storage");

export class Cells {
  readonly #configuration: Configuration;
  readonly #log: LogSink;
  readonly #hardening: Hardening;
  readonly #made = new Map<string, Cell>();
  /** The next user that no cell of this run has had. */
  #nextUser: number;

  constructor(configuration: Configuration, hardening: Hardening, log: LogSink) {
    this.#configuration = configuration;
    this.#hardening = hardening;
    this.#log = log;
    this.#nextUser = hardening.users === undefined ? 0 : firstCellUser(hardening.users);
    this.#reclaim();
  }

  get(name: string, { isolation, cell }: Pick<PluginConfiguration, "isolation" | "cell">): Cell {
    const group = groupOf(name, isolation, cell);
    const found = this.#made.get(group) ?? this.#make(isolation, group);
    this.#made.set(group, found);
    return found;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#made.values()].map((cell) => cell[Symbol.asyncDispose]()));
    // Another host on this machine may give the same users to other plugins.
    if (this.#hardening.users !== undefined) this.#reclaim();
  }

  #reclaim(): void {
    for (const trouble of reclaimStorage(storageDirOf(this.#configuration.dataDir), this.#hardening))
      this.#log.write({ level: "error", plugin: "host", message: trouble });
  }

  #make(isolation: Isolation, group: string): Cell {
    const { dataDir } = this.#configuration;
    const hardening = this.#hardening;
    const ports = { clock: systemClock, log: this.#log, storageDir: storageDirOf(dataDir) };
    if (isolation === "inline")
      return createInlineCell({
        ...ports,
        openStorage: (image) => lazyStorage(() => openPluginStorage(ports.storageDir, image, ports.clock)),
      });
    if (isolation === "thread") return createThreadCell(ports);
    // A process that plugins share must be able to open the storage of one that comes back while the others run.
    const plugins = group.startsWith(ALONE) ? [group.slice(ALONE.length)] : undefined;
    return createProcessCell({ ...ports, plugins, hardening, user: this.#takeUser() });
  }

  // Never one that had a cell before: what that cell left running or lying about is not for the next.
  #takeUser(): number | undefined {
    const { users } = this.#hardening;
    if (users === undefined) return undefined;
    const user = freeCellUser(users, this.#nextUser);
    if (user === undefined)
      throw new HostError("conflict", `all ${users.count} users of hardening.users are taken; name more, or restart the host`);
    this.#nextUser = user + 1;
    return user;
  }
}

const ALONE = "alone:";

function groupOf(name: string, isolation: Isolation, cell: string | undefined): string {
  if (isolation !== "process") return isolation;
  return cell === undefined ? ALONE + name : `shared:${cell}`;
}
