// One plugin's door to its cell, which can be shut for a while: to exchange the plugin for another version, to restart it, or to send it to
// sleep until its next turn. Turns wait before the door, in order; nobody who hands them over notices more than a delay.

import { HostError, toHostError } from "../core/errors.ts";
import type { Cell, Clock, PluginImage, Turn } from "../core/ports.ts";
import { startTrace } from "../core/trace.ts";
import { type Bytes, type Caller, NO_USAGE, type TurnOutcome } from "../core/types.ts";

export interface ManagedCellPorts {
  readonly cell: Cell;
  readonly clock: Clock;
  /** The plugin is loaded at its first turn, and unloaded after so many milliseconds without one; when undefined it is loaded at once and stays. */
  readonly idleMs: number | undefined;
  /** Loaded at once all the same, the first time. */
  readonly loadAtOnce?: boolean;
  /** Answers host functions of lifecycle entry points, which run beside the plugin's mailbox here. */
  answer(functionName: string, args: readonly Bytes[]): Promise<Bytes>;
}

export interface Exchange {
  readonly image: PluginImage;
  /** What runs gets this long to end. */
  readonly drainMs: number;
  /** Called when nothing of the plugin is loaded, before the new one is. */
  readonly between?: () => Promise<void>;
  /** Called when nothing is loaded, after the new one has failed and before the old one comes back. */
  readonly undo?: () => Promise<void>;
}

const HOST: Caller = Object.freeze({ kind: "host", name: "host" });
const STARTING: readonly string[] = ["on_load", "on_start"];
const STOPPING: readonly string[] = ["on_stop", "on_unload"];

export class ManagedCell implements Cell {
  readonly #ports: ManagedCellPorts;
  #image: PluginImage | undefined;
  #loaded = false;
  /** on_start still has to run, before the first turn. */
  #unstarted = false;
  /** Shut while there is a reason to. */
  #shut = false;
  #waiting: Turn[] = [];
  #running = 0;
  #isLoadedAtOnce: boolean;
  #isExchanging = false;
  /** Waking or falling asleep. */
  #turning: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;
  #cancelSleep: () => void = () => {};

  constructor(ports: ManagedCellPorts) {
    this.#ports = ports;
    this.#isLoadedAtOnce = ports.loadAtOnce ?? false;
  }

  get ended(): Promise<HostError> {
    return this.#ports.cell.ended;
  }

  async load(image: PluginImage): Promise<void> {
    this.#image = image;
    this.#loaded = false;
    if (this.#ports.idleMs !== undefined && !this.#isLoadedAtOnce) return;
    this.#isLoadedAtOnce = false;
    await this.#ports.cell.load(image);
    this.#loaded = true;
  }

  run(turn: Turn): void {
    if (this.#loaded && !this.#shut) this.#pass(turn);
    else if (this.#ports.idleMs !== undefined && !this.#loaded && turn.caller.kind === "host" && STARTING.includes(turn.entryPoint)) {
      // Whoever sleeps starts when it wakes; its cell runs on_load in every new instance anyway.
      this.#unstarted ||= turn.entryPoint === "on_start";
      queueMicrotask(() => turn.end({ ok: true, output: new Uint8Array(0), usage: NO_USAGE }));
    } else {
      this.#waiting.push(turn);
      if (!this.#shut) this.#turn(this.#wake());
    }
  }

  async unload(plugin: string): Promise<void> {
    this.#cancelSleep();
    this.#image = undefined;
    const wasLoaded = this.#loaded;
    this.#loaded = false;
    this.#refuseWaiting(new HostError("plugin-not-running", `${plugin} was unloaded`));
    if (wasLoaded) await this.#ports.cell.unload(plugin);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelSleep();
    await this.#ports.cell[Symbol.asyncDispose]();
  }

  /**
   * Lets what runs end, runs on_stop and on_unload, and goes on with the new image once its on_load and on_start have succeeded. When they
   * do not, the old one is loaded and started again and this rejects with why. Turns that come meanwhile wait.
   */
  async exchange({ image, drainMs, between, undo }: Exchange): Promise<void> {
    const refusal = new HostError("conflict", `${image.name} is not running, or is being exchanged already`);
    if (this.#image === undefined || this.#isExchanging) throw refusal;
    this.#isExchanging = true;
    try {
      while (this.#turning !== undefined) await this.#turning;
      const old = this.#image;
      if (old === undefined) throw refusal;
      this.#shut = true;
      this.#cancelSleep();
      await this.#drained(drainMs);
      await this.#leave(old);
      try {
        await between?.();
      } catch (thrown) {
        await this.#begin(old);
        throw thrown;
      }
      try {
        await this.#begin(image);
      } catch (thrown) {
        await this.#leave(image);
        await undo?.();
        await this.#begin(old);
        throw thrown;
      }
    } catch (thrown) {
      if (!this.#loaded) this.#refuseWaiting(toHostError(thrown));
      throw thrown;
    } finally {
      this.#isExchanging = false;
      this.#shut = false;
      this.#flush();
    }
  }

  #turn(turning: Promise<void>): void {
    const settled = turning.finally(() => {
      if (this.#turning === settled) this.#turning = undefined;
    });
    this.#turning = settled;
  }

  async #begin(image: PluginImage): Promise<void> {
    await this.#ports.cell.load(image);
    this.#image = image;
    this.#loaded = true;
    this.#unstarted = false;
    for (const entryPoint of STARTING) await this.#lifecycle(image, entryPoint, image.limits.startMs);
  }

  async #leave(image: PluginImage): Promise<void> {
    if (!this.#loaded) return;
    for (const entryPoint of STOPPING) await this.#lifecycle(image, entryPoint, image.limits.deadlineMs).catch(() => {});
    this.#loaded = false;
    await this.#ports.cell.unload(image.name).catch(() => {});
  }

  async #wake(): Promise<void> {
    const image = this.#image;
    if (image === undefined) {
      this.#refuseWaiting(new HostError("plugin-not-running", "the plugin is not loaded"));
      return;
    }
    this.#shut = true;
    try {
      await this.#ports.cell.load(image);
      if (this.#image !== image) {
        await this.#ports.cell.unload(image.name);
        throw new HostError("plugin-not-running", `${image.name} was unloaded`);
      }
      this.#loaded = true;
      if (this.#unstarted) await this.#lifecycle(image, "on_start", image.limits.startMs);
      this.#unstarted = false;
    } catch (thrown) {
      // It did not start, so nothing may run in it; the next turn tries again.
      if (this.#loaded) await this.#ports.cell.unload(image.name).catch(() => {});
      this.#loaded = false;
      this.#refuseWaiting(toHostError(thrown));
    } finally {
      this.#shut = false;
      this.#flush();
    }
  }

  async #lifecycle(image: PluginImage, entryPoint: string, budgetMs: number): Promise<void> {
    if (!image.entryPoints.includes(entryPoint)) return;
    const deadline = this.#ports.clock.monotonicMs() + budgetMs;
    const { promise, resolve } = Promise.withResolvers<TurnOutcome>();
    const turn = { plugin: image.name, entryPoint, input: "", caller: HOST, traceparent: startTrace(), deadline };
    this.#ports.cell.run({ ...turn, answer: (functionName, args) => this.#ports.answer(functionName, args), end: resolve });
    const outcome = await promise;
    if (!outcome.ok) throw new HostError(outcome.error.code, `${entryPoint} failed: ${outcome.error.message}`, outcome.error);
  }

  #pass(turn: Turn): void {
    this.#running += 1;
    this.#cancelSleep();
    const end = (outcome: TurnOutcome): void => {
      this.#running -= 1;
      turn.end(outcome);
      if (this.#running > 0) return;
      this.#onIdle?.();
      this.#scheduleSleep();
    };
    this.#ports.cell.run({ ...turn, end });
  }

  #flush(): void {
    if (!this.#loaded) return;
    for (const turn of this.#waiting.splice(0)) this.#pass(turn);
    if (this.#running === 0) this.#scheduleSleep();
  }

  #scheduleSleep(): void {
    const { idleMs, clock } = this.#ports;
    if (idleMs === undefined || this.#shut || !this.#loaded) return;
    this.#cancelSleep();
    this.#cancelSleep = clock.after(idleMs, () => this.#turn(this.#sleep()));
  }

  async #sleep(): Promise<void> {
    const image = this.#image;
    if (image === undefined || this.#shut || !this.#loaded || this.#running > 0) return;
    this.#shut = true;
    this.#loaded = false;
    await this.#ports.cell.unload(image.name).catch(() => {});
    this.#shut = false;
    if (this.#waiting.length > 0) await this.#wake();
  }

  async #drained(drainMs: number): Promise<void> {
    if (this.#running === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const cancel = this.#ports.clock.after(drainMs, resolve);
    await promise;
    cancel();
    this.#onIdle = undefined;
  }

  #refuseWaiting(error: HostError): void {
    for (const turn of this.#waiting.splice(0)) queueMicrotask(() => turn.end({ ok: false, error, usage: NO_USAGE }));
  }
}
