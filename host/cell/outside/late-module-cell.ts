// A cell for plugins that are loaded when a turn comes: it looks up their modules then. Else a host would hold the modules of all that sleep.

import type { HostError } from "../../core/errors.ts";
import type { ProfiledStack, Turn } from "../../core/ports/cell.ts";
import type { Bytes, PluginImage } from "../../core/types.ts";
import type { KeepingCell } from "./hibernating-cell.ts";

/** Rejects with HostError where it is not there. */
export type ReadModule = (key: string) => Promise<Uint8Array<ArrayBuffer>>;

export class LateModuleCell implements KeepingCell {
  readonly #cell: KeepingCell;
  readonly #read: ReadModule;

  constructor(cell: KeepingCell, read: ReadModule) {
    this.#cell = cell;
    this.#read = read;
  }

  get ended(): Promise<HostError> {
    return this.#cell.ended;
  }

  async load(image: PluginImage, hold?: () => () => void, state?: Bytes): Promise<undefined> {
    const { moduleKey } = image;
    await this.#cell.load(moduleKey === undefined ? image : { ...image, module: await this.#read(moduleKey) }, hold, state);
  }

  run(turn: Turn): void {
    this.#cell.run(turn);
  }

  async profile(plugin: string, on: boolean): Promise<readonly ProfiledStack[]> {
    return this.#cell.profile?.(plugin, on) ?? [];
  }

  capture(plugin: string): Promise<Bytes | undefined> {
    return this.#cell.capture(plugin);
  }

  async unload(plugin: string): Promise<undefined> {
    await this.#cell.unload(plugin);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cell[Symbol.asyncDispose]();
  }
}
