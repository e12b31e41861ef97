// One plugin inside a cell: its queue of turns, its instance, and the pacing of what runs. Turns run one at a time.

import { describeCause, HostError, toHostError } from "../core/errors.ts";
import type { Clock, PluginImage, StorageDriver } from "../core/ports.ts";
import type { Bytes, Caller } from "../core/types.ts";
import type { CompiledGuest, GuestInstance, GuestResult, Pacer } from "../engine/engine.ts";
import type { CellScope } from "../engine/guest/cell-functions.ts";
import type { ActiveTurn } from "./active-turn.ts";
import { LogLimit } from "./log-limit.ts";
import { PluginStorage } from "./plugin-storage.ts";
import type { FromCell } from "./protocol.ts";
import { type Account, type FairScheduler, SLICE_MS } from "./scheduler.ts";
import { Wear } from "./wear.ts";

// The first guess of what a millisecond is worth; each full slice corrects it.
const FIRST_SLICE_FUEL = 300_000;
const MIN_SLICE_FUEL = 5_000;
// A million units of arithmetic take 0.16 ms, of loads that miss every cache 10 ms, in cold code 30 ms: that is what a guest
// can take from its neighbours, once, by changing from the one to the other. Larger slices gain nothing measurable.
const MAX_SLICE_FUEL = 1_000_000;
// Upwards slowly, downwards at once: a guest that was cheap for a while must not earn one very long slice.
const SLICE_GROWTH = 1.25;
const SECOND_MS = 1_000;
// What a component may take beyond its slice where it cannot be suspended: in its allocator, called from between two of its frames. In fuel, since the clock
// runs on while the machine does something else; by the clock for what is slow by intent.
const MAX_OVERRUN_FUEL = 5 * FIRST_SLICE_FUEL;
const MAX_OVERRUN_MS = 250;

const HOST: Caller = { kind: "host", name: "host" };

type LogMessage = Omit<Extract<FromCell, { kind: "log" }>, "kind">;

export interface HostedPluginPorts {
  readonly clock: Clock;
  readonly scheduler: FairScheduler;
  log(line: LogMessage): void;
  askHost(turn: number, functionName: string, args: readonly Bytes[]): Promise<Bytes>;
}

export class HostedPlugin implements Pacer {
  readonly #image: PluginImage;
  readonly #guest: CompiledGuest;
  readonly #storage: PluginStorage;
  readonly #ports: HostedPluginPorts;
  readonly #scope: CellScope;
  readonly #account: Account = { virtualMs: 0 };
  /** A window of the host's mailbox. What expires here keeps its place until the running turn ends, without its input. */
  readonly #queue: ActiveTurn[] = [];
  readonly #logLimit: LogLimit;
  #instance: GuestInstance | undefined;
  #wear = new Wear();
  #running: ActiveTurn | undefined;
  #sliceFuel = FIRST_SLICE_FUEL;
  #granted = 0;
  #sliceMs = 0;
  /** Fuel of the pieces of the running slice that are spent. */
  #sliceSpent = 0;
  /** Of it, what was spent where the slice could not end. */
  #overrunSpent = 0;
  #secondStart = Number.NEGATIVE_INFINITY;
  #secondCpuMs = 0;
  #forfeited = 0;
  /** Wakes the guest that waits for a slice or an answer: with true to go on, with false to die. */
  #wake: ((alive: boolean) => void) | undefined;

  constructor(image: PluginImage, guest: CompiledGuest, storage: StorageDriver, ports: HostedPluginPorts) {
    this.#image = image;
    this.#guest = guest;
    this.#storage = new PluginStorage(storage);
    this.#ports = ports;
    this.#logLimit = new LogLimit(ports.clock, image.limits.logBytesPerMinute);
    this.#scope = this.#makeScope();
  }

  enqueue(turn: ActiveTurn): void {
    this.#queue.push(turn);
    if (this.#running === undefined && this.#queue.length === 1) this.#callNext();
  }

  /** Ends a turn early: what waits or runs of it is stopped and answered with the error. */
  abort(turn: ActiveTurn, error: HostError): void {
    if (turn !== this.#running) {
      turn.fail(error);
      return;
    }
    this.#instance?.doom(error);
    this.#wake?.(false);
  }

  /** Stops what runs, answers what waits and closes the storage. */
  close(): void {
    const error = new HostError("plugin-not-running", `${this.#image.name} was unloaded`);
    for (const turn of this.#queue.splice(0)) turn.fail(error);
    if (this.#running !== undefined) this.abort(this.#running, error);
    this.#storage.close();
  }

  extend(): number {
    const turn = this.#running;
    const instance = this.#instance;
    if (turn === undefined || instance === undefined) return 0;
    const elapsedMs = this.#sliceMs + this.#ports.scheduler.elapsed(this.#account);
    if (elapsedMs >= SLICE_MS || this.#secondCpuMs + elapsedMs >= this.#image.limits.cpuMsPerSecond) return 0;
    const spent = this.#takeFuel(instance);
    turn.fuel += spent;
    this.#sliceSpent += spent;
    // What the rest of the slice is worth at the rate so far; no piece is larger than a whole slice may be.
    const rest = (this.#sliceSpent * (SLICE_MS - elapsedMs)) / Math.max(elapsedMs, SLICE_MS / 1_000);
    this.#granted = Math.round(Math.min(Math.max(rest, MIN_SLICE_FUEL), MAX_SLICE_FUEL));
    return this.#granted;
  }

  overrun(): number {
    const turn = this.#running;
    const instance = this.#instance;
    if (turn === undefined || instance === undefined) return 0;
    const elapsedMs = this.#sliceMs + this.#ports.scheduler.elapsed(this.#account);
    const spent = this.#takeFuel(instance);
    turn.fuel += spent;
    this.#sliceSpent += spent;
    this.#overrunSpent += spent;
    const isOver = this.#overrunSpent > MAX_OVERRUN_FUEL || elapsedMs >= SLICE_MS + MAX_OVERRUN_MS;
    if (isOver || turn.cpuMs + elapsedMs >= this.#image.limits.cpuMs) {
      const { plugin, entryPoint } = turn.message;
      const what = "where it cannot be interrupted: allocating or releasing what is passed to it";
      const limits = `the limits are ${MAX_OVERRUN_FUEL} fuel and ${MAX_OVERRUN_MS} ms`;
      instance.doom(
        new HostError(
          "cpu-exhausted",
          `${plugin} ${entryPoint} spent ${this.#overrunSpent} fuel in ${elapsedMs.toFixed(0)} ms ${what}; ${limits}`,
        ),
      );
      return 0;
    }
    this.#granted = this.#sliceFuel;
    return this.#granted;
  }

  async refuel(): Promise<number> {
    const turn = this.#running;
    const instance = this.#instance;
    if (turn === undefined || instance === undefined) return -1;
    this.#closeSlice(turn, instance);
    const { cpuMs } = this.#image.limits;
    if (turn.cpuMs >= cpuMs) {
      instance.doom(this.#cpuExhausted(turn));
      return -1;
    }
    if (!(await this.#nextSlice())) return -1;
    this.#granted = this.#sliceFuel;
    return this.#granted;
  }

  overdue(): boolean {
    this.#checkHostCalls();
    return this.#sliceMs + this.#ports.scheduler.elapsed(this.#account) >= SLICE_MS;
  }

  async wait(answer: Promise<Bytes>): Promise<Bytes | undefined> {
    const turn = this.#running;
    if (turn === undefined || this.#checkHostCalls()) return undefined;
    this.#bill(turn);
    const answered = new Promise<boolean>((resolve) => {
      this.#wake = resolve;
      void answer.then(() => resolve(true));
    });
    const alive = await answered;
    this.#wake = undefined;
    return alive && (await this.#nextSlice()) ? answer : undefined;
  }

  #makeScope(): CellScope {
    const scope = {
      storage: this.#storage,
      config: this.#image.config,
      clock: this.#ports.clock,
      log: (level, message) => this.#log({ level, message, cause: undefined }),
      reportFault: (fault) => this.#log({ level: "error", message: "a host function failed", cause: describeCause(fault) }),
    } satisfies Omit<CellScope, "caller">;
    return Object.defineProperty({ ...scope, caller: HOST }, "caller", { get: () => this.#running?.message.caller ?? HOST });
  }

  #log(line: Omit<LogMessage, "plugin" | "traceparent">): void {
    const from = { plugin: this.#image.name, traceparent: this.#running?.message.traceparent };
    const verdict = this.#logLimit.judge(line.message + (line.cause ?? ""));
    if (verdict === "drop-and-tell") {
      const { logBytesPerMinute } = this.#image.limits;
      const message = `log lines are dropped from here on; the limit is ${logBytesPerMinute} bytes a minute (limits.logBytesPerMinute)`;
      this.#ports.log({ ...from, level: "warning", message, cause: undefined });
    }
    if (verdict === "pass") this.#ports.log({ ...from, ...line });
  }

  #callNext(): void {
    this.#ready(this.#startNext);
  }

  // A plugin that has used its share of this second waits for the next one, whoever else is there.
  #ready(go: () => void): void {
    const { scheduler, clock } = this.#ports;
    const now = clock.monotonicMs();
    if (now - this.#secondStart >= SECOND_MS) {
      this.#secondStart = now;
      this.#secondCpuMs = 0;
    }
    if (this.#secondCpuMs < this.#image.limits.cpuMsPerSecond) scheduler.ready(this.#account, go);
    else clock.after(this.#secondStart + SECOND_MS - now, () => scheduler.ready(this.#account, go));
  }

  /** True when the turn has called the host too often and ends. */
  #checkHostCalls(): boolean {
    const turn = this.#running;
    const instance = this.#instance;
    const { hostCalls } = this.#image.limits;
    if (turn === undefined || instance === undefined || instance.hostCalls - turn.hostCallsBefore <= hostCalls) return false;
    const { plugin, entryPoint } = turn.message;
    instance.doom(
      new HostError("quota-exceeded", `${plugin} ${entryPoint} called the host more than ${hostCalls} times (limits.hostCalls)`),
    );
    return true;
  }

  readonly #startNext = (): void => {
    let turn = this.#queue.shift();
    while (turn?.ended) turn = this.#queue.shift();
    if (turn === undefined) this.#ports.scheduler.release(this.#account);
    else this.#start(turn);
  };

  #start(turn: ActiveTurn): void {
    this.#running = turn;
    this.#granted = this.#sliceFuel;
    this.#sliceMs = 0;
    this.#sliceSpent = 0;
    this.#overrunSpent = 0;
    turn.hostCallsBefore = this.#instance?.hostCalls ?? 0;
    if (this.#instance === undefined) this.#enterNew(turn);
    else this.#enter(turn, this.#instance);
  }

  #enter(turn: ActiveTurn, instance: GuestInstance): void {
    const { entryPoint, input } = turn.message;
    instance.run(entryPoint, input, this.#granted, this.#onEnded);
  }

  // A new instance is told so before anything else runs in it; the host itself does so for the first one.
  #enterNew(turn: ActiveTurn): void {
    let instance: GuestInstance;
    try {
      instance = this.#instantiate();
    } catch (thrown) {
      const { code, message } = toHostError(thrown);
      this.#onEnded({ ok: false, code, message, broken: true });
      return;
    }
    this.#instance = instance;
    this.#wear = new Wear();
    this.#forfeited = 0;
    if (turn.message.entryPoint === "on_load" || !this.#image.entryPoints.includes("on_load")) {
      this.#enter(turn, instance);
      return;
    }
    instance.run("on_load", "", this.#granted, (loaded) => {
      if (!loaded.ok) {
        this.#onEnded({ ...loaded, broken: true });
        return;
      }
      turn.fuel += this.#takeFuel(instance);
      this.#enter(turn, instance);
    });
  }

  readonly #onEnded = (result: GuestResult): void => {
    const turn = this.#running;
    if (turn === undefined) return;
    this.#bill(turn);
    this.#finish(turn, result);
    this.#running = undefined;
    if (this.#queue.length > 0) this.#callNext();
  };

  #instantiate(): GuestInstance {
    return this.#guest.instantiate({
      plugin: this.#image.name,
      limits: this.#image.limits,
      scope: this.#scope,
      pacer: this,
      askHost: (functionName, args) => this.#ports.askHost(this.#running?.message.id ?? -1, functionName, args),
    });
  }

  #finish(turn: ActiveTurn, result: GuestResult): void {
    const instance = this.#instance;
    if (instance !== undefined) turn.fuel += this.#takeFuel(instance);
    const usage = turn.usage(instance?.memoryBytes ?? 0, (instance?.hostCalls ?? 0) - turn.hostCallsBefore);
    const isWorn = this.#wear.isWorn(usage.peakMemoryBytes, this.#image.limits.memoryBytes);
    if (isWorn || (!result.ok && result.broken)) this.#instance = undefined;
    if (result.ok) turn.settle({ ok: true, output: result.output, usage });
    else
      turn.settle({
        ok: false,
        error: { code: result.code, message: result.message, detail: result.detail },
        usage,
        broken: result.broken,
      });
  }

  // Resolves with false when the turn was aborted meanwhile; then the guest resumes only to die.
  async #nextSlice(): Promise<boolean> {
    const alive = await new Promise<boolean>((resolve) => {
      this.#wake = resolve;
      this.#ready(() => {
        if (this.#wake === resolve) resolve(true);
        else this.#ports.scheduler.release(this.#account);
      });
    });
    this.#wake = undefined;
    return alive;
  }

  // A slice may be cut into pieces by host calls that wait; what it took is their sum.
  #bill(turn: ActiveTurn): void {
    const elapsed = this.#ports.scheduler.release(this.#account);
    turn.cpuMs += elapsed;
    this.#sliceMs += elapsed;
    this.#secondCpuMs += elapsed;
  }

  #closeSlice(turn: ActiveTurn, instance: GuestInstance): void {
    this.#bill(turn);
    const spent = this.#takeFuel(instance);
    turn.fuel += spent;
    turn.slices += 1;
    // Debt does not count: the price of a failed table.grow says nothing about the guest's speed.
    const measured = ((this.#sliceSpent + Math.min(spent, this.#sliceFuel)) * SLICE_MS) / Math.max(this.#sliceMs, SLICE_MS / 1_000);
    this.#sliceMs = 0;
    this.#sliceSpent = 0;
    this.#overrunSpent = 0;
    this.#sliceFuel = Math.round(Math.min(Math.max(Math.min(measured, this.#sliceFuel * SLICE_GROWTH), MIN_SLICE_FUEL), MAX_SLICE_FUEL));
  }

  /** What the guest has spent since it was last asked. */
  #takeFuel(instance: GuestInstance): number {
    const { fuelLeft, fuelForfeited } = instance;
    const spent = this.#granted - fuelLeft - (fuelForfeited - this.#forfeited);
    this.#granted = fuelLeft;
    this.#forfeited = fuelForfeited;
    return Math.max(0, spent);
  }

  #cpuExhausted(turn: ActiveTurn): HostError {
    const { plugin, entryPoint } = turn.message;
    const used = `${turn.cpuMs.toFixed(1)} ms in ${turn.slices} slices (${turn.fuel} fuel)`;
    return new HostError(
      "cpu-exhausted",
      `${plugin} ${entryPoint} used ${used}; the limit is ${this.#image.limits.cpuMs} ms of CPU a turn (limits.cpuMs)`,
    );
  }
}
