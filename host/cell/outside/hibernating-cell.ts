// The cell of one plugin, over the one that it runs in: of one that hibernates what it has become is kept when it falls asleep, and is what it goes on from. It does
// not know where that is kept, and never lets anything go on from what turns have followed.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Cell, ProfiledStack, Turn } from "../../core/ports/cell.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { Bytes, PluginImage } from "../../core/types.ts";

/** A cell that can tell what a plugin has become. */
export interface KeepingCell extends Cell {
  /** With `state` it goes on from there, or is not loaded. */
  load(image: PluginImage, hold?: () => () => void, state?: Bytes): Promise<undefined>;
  /** Undefined where no instance has run. Rejects with HostError. */
  capture(plugin: string): Promise<Bytes | undefined>;
}

/** Where states are kept: one of a plugin, of exactly one image of it. */
export interface StateKeeper {
  /** Takes out what is there, if it can be used, and says why where it cannot; `gone` resolves when nobody can find it again. */
  take(image: PluginImage): Promise<{ readonly state: Bytes; readonly gone: Promise<void> } | undefined>;
  /** Rejects with HostError where there is no room for it. */
  keep(image: PluginImage, state: Bytes): Promise<void>;
  drop(plugin: string): undefined;
}

export interface HibernatingCellPorts {
  readonly cell: KeepingCell;
  readonly keeper: StateKeeper;
  readonly clock: Clock;
  readonly log: LogSink;
}

/** Reading the largest memory takes a tenth of this on a busy machine. */
const CAPTURE_TIMEOUT_MS = 10_000;

export class HibernatingCell implements Cell {
  readonly #ports: HibernatingCellPorts;
  #loaded: PluginImage | undefined;
  /** It was not loaded, and what was kept of it is kept on. */
  #hasFailed = false;
  #trouble: string | undefined;

  constructor(ports: HibernatingCellPorts) {
    this.#ports = ports;
  }

  /** Nothing of it is loaded. */
  get isAsleep(): boolean {
    return this.#loaded === undefined;
  }

  /** Why it stays awake. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get ended(): Promise<HostError> {
    return this.#ports.cell.ended;
  }

  async load(image: PluginImage, hold?: () => () => void): Promise<"resumed" | undefined> {
    const { cell, keeper } = this.#ports;
    if (image.awakeBecause === undefined) this.#trouble = undefined;
    else this.#stays(image.name, `it ${image.awakeBecause}`);
    const kept = image.keepsState === true ? await keeper.take(image) : keeper.drop(image.name);
    try {
      const isResumed = kept !== undefined && (await this.#resume(image, hold, kept.state));
      if (!isResumed) await cell.load(image, hold);
      // Before its first turn.
      await kept?.gone;
      this.#loaded = image;
      return isResumed ? "resumed" : undefined;
    } catch (thrown) {
      this.#hasFailed = true;
      if (kept !== undefined) await keeper.keep(image, kept.state).catch(() => {});
      throw thrown;
    }
  }

  run(turn: Turn): void {
    this.#ports.cell.run(turn);
  }

  async profile(plugin: string, on: boolean): Promise<readonly ProfiledStack[]> {
    return this.#ports.cell.profile?.(plugin, on) ?? [];
  }

  async unload(plugin: string, keeps = false): Promise<"stays" | undefined> {
    const { cell, keeper } = this.#ports;
    if (keeps && this.#loaded === undefined) return;
    if (keeps && !(await this.#keep(this.#loaded))) return "stays";
    if (!keeps && !this.#hasFailed) keeper.drop(plugin);
    this.#loaded = undefined;
    this.#hasFailed = false;
    await cell.unload(plugin);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ports.cell[Symbol.asyncDispose]();
  }

  async #resume(image: PluginImage, hold: (() => () => void) | undefined, state: Bytes): Promise<boolean> {
    try {
      await this.#ports.cell.load(image, hold, state);
      return true;
    } catch (thrown) {
      this.#tell(image.name, `it does not go on from what was kept of it, and begins anew: ${toHostError(thrown).message}`);
      return false;
    }
  }

  async #keep(image: PluginImage | undefined): Promise<boolean> {
    if (image === undefined) return true;
    try {
      const state = await this.#captured(image.name);
      if (state !== undefined) await this.#ports.keeper.keep(image, state);
      this.#trouble = undefined;
      return true;
    } catch (thrown) {
      this.#stays(image.name, toHostError(thrown).message);
      return false;
    }
  }

  #stays(plugin: string, why: string): void {
    if (why !== this.#trouble) this.#tell(plugin, `it cannot hibernate, and stays awake: ${why}`);
    this.#trouble = why;
  }

  async #captured(plugin: string): Promise<Bytes | undefined> {
    const { promise, reject } = Promise.withResolvers<never>();
    const late = new HostError("deadline-exceeded", `its cell did not tell it within ${CAPTURE_TIMEOUT_MS} ms`);
    const cancel = this.#ports.clock.after(CAPTURE_TIMEOUT_MS, () => reject(late));
    return Promise.race([this.#ports.cell.capture(plugin), promise]).finally(cancel);
  }

  #tell(plugin: string, message: string): void {
    this.#ports.log.write({ level: "warning", plugin, message });
  }
}
