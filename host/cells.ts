// Which cell each plugin runs in: one inline, one thread, and a process for each plugin or for each group of them. Cells are made when they are needed.

import { join } from "node:path";
import { openPluginStorage } from "./adapters/storage-sqlite.ts";
import { systemClock } from "./adapters/system-clock.ts";
import { createInlineCell } from "./cell/inline-cell.ts";
import { createProcessCell } from "./cell/process-cell.ts";
import { createThreadCell } from "./cell/thread-cell.ts";
import type { Cell, LogSink } from "./core/ports.ts";
import type { Configuration, PluginConfiguration } from "./install/configuration.ts";

type Isolation = PluginConfiguration["isolation"];

const storageDirOf = (dataDir: string): string => join(dataDir, "storage");

export class Cells {
  readonly #configuration: Configuration;
  readonly #log: LogSink;
  readonly #made = new Map<string, Cell>();

  constructor(configuration: Configuration, log: LogSink) {
    this.#configuration = configuration;
    this.#log = log;
  }

  get(name: string, { isolation, cell }: Pick<PluginConfiguration, "isolation" | "cell">): Cell {
    const group = groupOf(name, isolation, cell);
    const found = this.#made.get(group) ?? this.#make(isolation, group);
    this.#made.set(group, found);
    return found;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#made.values()].map((cell) => cell[Symbol.asyncDispose]()));
  }

  #make(isolation: Isolation, group: string): Cell {
    const { dataDir, hardening } = this.#configuration;
    const ports = { clock: systemClock, log: this.#log, storageDir: storageDirOf(dataDir) };
    if (isolation === "inline")
      return createInlineCell({ ...ports, openStorage: (image) => openPluginStorage(ports.storageDir, image, ports.clock) });
    if (isolation === "thread") return createThreadCell(ports);
    // A process that plugins share must be able to open the storage of one that comes back while the others run.
    const plugins = group.startsWith(ALONE) ? [group.slice(ALONE.length)] : undefined;
    return createProcessCell({ ...ports, plugins, hardening });
  }
}

const ALONE = "alone:";

function groupOf(name: string, isolation: Isolation, cell: string | undefined): string {
  if (isolation !== "process") return isolation;
  return cell === undefined ? ALONE + name : `shared:${cell}`;
}
