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
  #loading: Promise<void> | undefined;
  #isLoaded = false;

  constructor(ports: GuestPorts) {
    this.#ports = ports;
  }

  /** Resolves with what the cell ends with, should it end. Rejects with HostError. */
  async load(): Promise<{ readonly ended: Promise<HostError> }> {
    const { cell, mailbox, definition } = this.#ports;
    this.#loading = cell.load(definition(), () => mailbox.hold());
    await this.#loading;
    this.#isLoaded = true;
    return { ended: cell.ended };
  }

  /** After a load that is under way. Never throws. */
  async unload(): Promise<void> {
    await this.#loading?.catch(() => {});
    this.#isLoaded = false;
    await this.#ports.cell.unload(this.#ports.definition().name).catch(() => {});
  }

  /** Rejects with the HostError of the step that failed. */
  async start(): Promise<void> {
    for (const entryPoint of STARTING) await this.step(entryPoint);
  }

  /** Runs what is to run last and unloads it. How that ended is told to whoever hears of turns. Never throws. */
  async leave(): Promise<void> {
    if (!this.#isLoaded) return;
    for (const entryPoint of STOPPING) await this.step(entryPoint).catch(() => {});
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
