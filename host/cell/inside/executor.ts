// Runs inside a cell, whatever kind of cell that is: loads plugins, runs their turns on a fair scheduler, answers what
// can be answered here and asks the host for the rest.

import { ByNumber } from "../../bounds/by-number.ts";
import { Deadlines } from "../../core/deadlines.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { StorageDriver } from "../../core/ports/storage.ts";
import type { PluginImage, TurnOutcome } from "../../core/types.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Randomness } from "../../engine/guest/random.ts";
import type { Channel, FromCell, ToCell } from "../wire/protocol.ts";
import { ActiveTurn, type TurnMessage, type TurnOwner } from "./active-turn.ts";
import { DeclaredData } from "./declared-data.ts";
import { HostedPlugin } from "./hosted-plugin.ts";
import { FairScheduler } from "./scheduler.ts";

export interface ExecutorPorts extends Randomness {
  readonly channel: Channel<FromCell, ToCell>;
  /** What runs this image. Rejects with HostError when nothing does. */
  engine(image: PluginImage): Promise<Engine>;
  readonly clock: Clock;
  /** Opens the plugin's own storage, now or when it is first used. Throws HostError `storage-failed`. */
  openStorage(image: PluginImage): StorageDriver;
  /** Called once everything is closed. */
  onClose(): void;
}

const NOTHING: Uint8Array = new Uint8Array(0);

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

export class Executor implements TurnOwner {
  readonly #ports: ExecutorPorts;
  readonly #plugins = new Map<string, HostedPlugin>();
  readonly #scheduler: FairScheduler;
  readonly #deadlines: Deadlines<ActiveTurn>;
  readonly #turns = new ByNumber<ActiveTurn>();
  readonly #answers = new Map<number, (block: Uint8Array) => void>();
  #calls = 0;

  constructor(ports: ExecutorPorts) {
    this.#ports = ports;
    this.#scheduler = new FairScheduler({
      now: () => ports.clock.monotonicMs(),
      cpuMs: threadCpuMs,
      onIdle: () => ports.channel.flush(),
    });
    this.#deadlines = new Deadlines(ports.clock, (turn) => turn.expire());
    ports.channel.receive((message) => this.#handle(message));
  }

  // What still runs is abandoned: the host has answered for it.
  #close(): void {
    // Forgotten first: closing ends turns, and whoever hears of it may send the next.
    const plugins = [...this.#plugins.values()];
    this.#plugins.clear();
    for (const plugin of plugins) plugin.close();
    this.#ports.onClose();
  }

  #handle(message: ToCell): void {
    switch (message.kind) {
      case "turn":
        this.#accept(message);
        break;
      case "cancel":
        this.#turns.get(message.id)?.cancel();
        break;
      case "answer":
        this.#answers.get(message.id)?.(message.block);
        this.#answers.delete(message.id);
        break;
      case "load":
        void this.#acknowledge(message.id, () => this.#load(message.image, message.state));
        break;
      case "ping":
        void this.#acknowledge(message.id, async () => {});
        break;
      case "capture":
        void this.#capture(message);
        break;
      case "profile":
        this.#profile(message);
        break;
      case "replay":
        void this.#acknowledge(message.id, async () => this.#plugins.get(message.plugin)?.play(message.played));
        break;
      case "close":
        this.#close();
        break;
      case "unload":
        void this.#acknowledge(message.id, async () => this.#unload(message.plugin));
        break;
    }
  }

  #accept(message: TurnMessage): void {
    const plugin = this.#plugins.get(message.plugin);
    const now = this.#ports.clock.monotonicMs();
    const turn = new ActiveTurn(message, now + message.remainingMs, this);
    if (plugin === undefined) {
      turn.fail(new HostError("plugin-not-running", `${message.plugin} is not loaded in this cell`));
      this.#ports.channel.flush();
      return;
    }
    this.#turns.set(message.id, turn);
    this.#deadlines.add(turn);
    plugin.enqueue(turn, now);
  }

  abort(turn: ActiveTurn, error: HostError): void {
    const plugin = this.#plugins.get(turn.message.plugin);
    if (plugin === undefined) turn.fail(error);
    else plugin.abort(turn, error);
  }

  ended(turn: ActiveTurn, outcome: TurnOutcome): void {
    this.#deadlines.delete(turn);
    this.#turns.delete(turn.message.id);
    this.#ports.channel.send({ kind: "ended", id: turn.message.id, outcome });
  }

  async #load(image: PluginImage, state: Uint8Array | undefined): Promise<void> {
    if (this.#plugins.has(image.name)) throw new HostError("conflict", `${image.name} is loaded in this cell already`);
    const engine = await this.#ports.engine(image);
    const data = new DeclaredData(image.schemas);
    const tapes = image.tape === undefined ? undefined : (await import("./turn-tape.ts")).TurnTape;
    // Before V8 sees a byte of the guest: a process gives up its access to files once this is open.
    const storage = this.#ports.openStorage(image);
    const guest = await engine.compile(image.module).catch((thrown: unknown) => {
      storage.close();
      throw thrown;
    });
    const plugin = new HostedPlugin(image, guest, storage, {
      data,
      tapes,
      clock: this.#ports.clock,
      fillRandom: this.#ports.fillRandom,
      scheduler: this.#scheduler,
      log: (line) => this.#ports.channel.send({ kind: "log", ...line }),
      askHost: (turn, functionName, args) => this.#ask(turn, functionName, args),
      recorded: (id, tape) => this.#ports.channel.send({ kind: "recorded", id, tape }),
    });
    if (state !== undefined)
      await plugin.restore(state).catch((thrown: unknown) => {
        plugin.close();
        throw thrown;
      });
    this.#plugins.set(image.name, plugin);
  }

  async #capture({ id, plugin }: Extract<ToCell, { kind: "capture" }>): Promise<void> {
    let state = NOTHING;
    let error: HostError | undefined;
    try {
      state = (await this.#plugins.get(plugin)?.capture()) ?? NOTHING;
    } catch (thrown) {
      error = toHostError(thrown);
    }
    this.#ports.channel.send({ kind: "captured", id, state, error });
    this.#ports.channel.flush();
  }

  #profile({ id, plugin, on }: Extract<ToCell, { kind: "profile" }>): void {
    this.#ports.channel.send({ kind: "profiled", id, stacks: this.#plugins.get(plugin)?.profile(on) ?? [] });
    this.#ports.channel.flush();
  }

  #unload(name: string): void {
    const plugin = this.#plugins.get(name);
    this.#plugins.delete(name);
    plugin?.close();
  }

  #ask(turn: number, functionName: string, args: readonly Uint8Array[]): Promise<Uint8Array> {
    // Wraps as the frame's field does; by then the answer to the first is long there.
    this.#calls = (this.#calls + 1) >>> 0;
    const id = this.#calls;
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    this.#answers.set(id, resolve);
    this.#ports.channel.send({ kind: "call", id, turn, functionName, args });
    return promise;
  }

  async #acknowledge(id: number, work: () => Promise<void>): Promise<void> {
    let error: HostError | undefined;
    try {
      await work();
    } catch (thrown) {
      error = toHostError(thrown);
    }
    this.#ports.channel.send({ kind: "acknowledged", id, error });
    this.#ports.channel.flush();
  }
}
