// What is loaded of one plugin in its cell, and the steps of its life that run there. When these are taken is decided in plugin.ts.

import { HostError } from "./errors.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Cell } from "./ports/cell.ts";
import type { Clock } from "./ports/clock.ts";
import { startTrace } from "./trace.ts";
import type { Caller, PluginDefinition } from "./types.ts";

const HOST: Caller = Object.freeze({ kind: "host", name: "host" });
const STARTING: readonly string[] = ["on_load", "on_start"];
const STOPPING: readonly string[] = ["on_stop", "on_unload"];

export interface GuestPorts {
  readonly cell: Cell;
  readonly clock: Clock;
  readonly mailbox: Mailbox;
  definition(): PluginDefinition;
}

export class Guest {
  readonly #ports: GuestPorts;
  #loading: ReturnType<Cell["load"]> | undefined;
  /** "resumed": from what was kept of it. */
  #loaded: "anew" | "resumed" | undefined;

  constructor(ports: GuestPorts) {
    this.#ports = ports;
  }

  /** Resolves with what the cell ends with, should it end. Rejects with HostError. */
  async load(): Promise<{ readonly ended: Promise<HostError> }> {
    const { cell, mailbox, definition } = this.#ports;
    this.#loading = cell.load(definition(), () => mailbox.hold());
    this.#loaded = (await this.#loading) ?? "anew";
    return { ended: cell.ended };
  }

  /** After a load that is under way. Answers false if its state is to be kept and cannot be: then it stays loaded. Never throws. */
  async unload(keeps = false): Promise<boolean> {
    await this.#loading?.catch(() => {});
    const stays = await this.#ports.cell.unload(this.#ports.definition().name, keeps).catch(() => undefined);
    this.#loaded = stays && this.#loaded;
    return stays === undefined;
  }

  /** Rejects with the HostError of the step that failed. What goes on has started before. */
  async start(entryPoints: readonly string[] = STARTING): Promise<void> {
    for (const entryPoint of this.#loaded === "resumed" ? [] : entryPoints) await this.step(entryPoint);
  }

  /** Runs what is to run last and unloads it; with `keeps` it is only unloaded, where its state can be kept. How that ended is told to whoever hears of turns. Never throws. */
  async leave(keeps = false): Promise<void> {
    if (keeps && (await this.unload(true))) return;
    for (const entryPoint of this.#loaded === undefined ? [] : STOPPING) await this.step(entryPoint).catch(() => {});
    await this.unload();
  }

  /** One entry point of its life, if it has it, whatever waits in the mailbox. Rejects with HostError. */
  async step(entryPoint: string): Promise<void> {
    const { entryPoints, limits } = this.#ports.definition();
    if (!entryPoints.includes(entryPoint)) return;
    const budgetMs = STARTING.includes(entryPoint) ? limits.startMs : limits.deadlineMs;
    const deadline = this.#ports.clock.monotonicMs() + budgetMs;
    const context = { caller: HOST, traceparent: startTrace(), deadline, waiting: [], authorities: [] };
    const outcome = await this.#ports.mailbox.pass(entryPoint, "", context);
    if (!outcome.ok) throw new HostError(outcome.error.code, `${entryPoint} failed: ${outcome.error.message}`, outcome.error);
  }
}
