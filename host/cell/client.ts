// The host's end of a cell, whatever its kind: sends turns, pairs answers, and answers for a cell that has died.

import { HostError, toHostError } from "../core/errors.ts";
import type { Cell, Clock, LogSink, PluginImage, Turn } from "../core/ports.ts";
import { NO_USAGE, type TurnOutcome } from "../core/types.ts";
import { encodeError } from "../engine/guest/blocks.ts";
import { LogLimit } from "./log-limit.ts";
import type { Channel, FromCell, ToCell } from "./protocol.ts";

// A cell that does not answer must not keep its host from stopping.
const UNLOAD_GRACE_MS = 1_000;
// The cell drops by its own clock what is too much; twice as much is no matter of clocks any more.
const TRUST = 2;

export interface CellClientPorts {
  readonly channel: Channel<ToCell, FromCell>;
  readonly clock: Clock;
  readonly log: LogSink;
  /** Resolves once whatever the cell runs in has ended, after it was told to close. */
  ended(): Promise<void>;
}

export class CellClient implements Cell {
  readonly #ports: CellClientPorts;
  readonly #turns = new Map<number, Turn>();
  readonly #requests = new Map<number, PromiseWithResolvers<void>>();
  /** The turns that wait for an answer: a guest asks one thing at a time. */
  readonly #asking = new Set<number>();
  readonly #plugins = new Map<string, LogLimit>();
  readonly #ended = Promise.withResolvers<HostError>();
  #lastId = 0;
  #death: HostError | undefined;

  constructor(ports: CellClientPorts) {
    this.#ports = ports;
    ports.channel.receive((message) => this.#handle(message));
  }

  get ended(): Promise<HostError> {
    return this.#ended.promise;
  }

  load(image: PluginImage): Promise<void> {
    this.#plugins.set(image.name, new LogLimit(this.#ports.clock, TRUST * image.limits.logBytesPerMinute));
    return this.#request((id) => ({ kind: "load", id, image }));
  }

  /** Resolves when the cell has answered. */
  ping(): Promise<void> {
    return this.#request((id) => ({ kind: "ping", id }));
  }

  async unload(plugin: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#ports.clock.after(UNLOAD_GRACE_MS, resolve);
    await Promise.race([this.#request((id) => ({ kind: "unload", id, plugin })), promise]).finally(cancel);
  }

  run(turn: Turn): void {
    if (this.#death !== undefined) {
      const outcome = dead(this.#death);
      // Later, as for every other turn: a plugin hands over its next turn as soon as one ends.
      queueMicrotask(() => turn.end(outcome));
      return;
    }
    const id = this.#nextId();
    this.#turns.set(id, turn);
    const { plugin, entryPoint, input, caller, traceparent } = turn;
    const remainingMs = Math.max(0, turn.deadline - this.#ports.clock.monotonicMs());
    this.#ports.channel.send({ kind: "turn", id, plugin, entryPoint, input, caller, traceparent, remainingMs });
  }

  /** The cell is gone: whoever waits for it is answered with this error, and so is whoever asks later. */
  die(error: HostError): void {
    if (this.#death !== undefined) return;
    this.#death = error;
    this.#ended.resolve(error);
    const turns = [...this.#turns.values()];
    this.#turns.clear();
    for (const turn of turns) turn.end(dead(error));
    for (const request of this.#requests.values()) request.reject(error);
    this.#requests.clear();
    this.#ports.channel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#death === undefined) this.#ports.channel.send({ kind: "close", id: 0 });
    this.#ports.channel.flush();
    this.die(new HostError("plugin-not-running", "the cell was closed"));
    await this.#ports.ended();
  }

  #request(make: (id: number) => ToCell): Promise<void> {
    if (this.#death !== undefined) return Promise.reject(this.#death);
    const id = this.#nextId();
    const request = Promise.withResolvers<void>();
    this.#requests.set(id, request);
    this.#ports.channel.send(make(id));
    return request.promise;
  }

  #nextId(): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    return this.#lastId;
  }

  // What nobody asked for breaks the protocol, and the channel ends the cell for it: nothing unasked can be sent in floods.
  #handle(message: FromCell): void {
    // What was on its way when the cell was closed; whoever waited for it has been answered.
    if (this.#death !== undefined) return;
    switch (message.kind) {
      case "ended": {
        const turn = this.#turns.get(message.id);
        if (turn === undefined) throw new HostError("internal", "the cell ended a turn that it does not have");
        this.#turns.delete(message.id);
        this.#asking.delete(message.id);
        turn.end(message.outcome);
        break;
      }
      case "call":
        if (this.#asking.has(message.turn)) throw new HostError("internal", "the cell asks twice for one turn, which waits");
        void this.#answer(message);
        break;
      case "acknowledged":
        this.#settle(message.id, message.error === undefined ? undefined : HostError.fromShape(message.error));
        break;
      case "log": {
        const { kind: _, ...line } = message;
        const limit = this.#plugins.get(line.plugin);
        if (limit === undefined) throw new HostError("internal", "the cell logs for a plugin that it does not have");
        if (limit.judge(line.message + (line.cause ?? "")) !== "pass") throw new HostError("internal", "the cell floods the log");
        this.#ports.log.write(line);
        break;
      }
    }
  }

  #settle(id: number, error: HostError | undefined): void {
    const request = this.#requests.get(id);
    if (request === undefined) throw new HostError("internal", "the cell acknowledged what nobody asked");
    this.#requests.delete(id);
    if (error === undefined) request.resolve();
    else request.reject(error);
  }

  // The turn is looked up here and not taken from the message: a cell can only ask on behalf of what runs in it.
  async #answer({ id, turn, functionName, args }: Extract<FromCell, { kind: "call" }>): Promise<void> {
    const pending = this.#turns.get(turn);
    let block: Uint8Array;
    if (pending === undefined) block = encodeError(new HostError("plugin-not-running", "the turn that asked has ended"));
    else {
      this.#asking.add(turn);
      block = await pending.answer(functionName, args).catch((thrown) => encodeError(toHostError(thrown)));
      this.#asking.delete(turn);
    }
    if (this.#death === undefined) this.#ports.channel.send({ kind: "answer", id, block });
  }
}

function dead(error: HostError): TurnOutcome {
  return { ok: false, error, usage: NO_USAGE, broken: error.code !== "plugin-not-running" };
}
