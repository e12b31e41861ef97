// The host's end of a cell, whatever its kind: sends turns, pairs answers, and answers for a cell that has died.

import { ByNumber } from "../../bounds/by-number.ts";
import { LogLimit } from "../../bounds/log-limit.ts";
import { digestOfModule } from "../../bounds/module-digest.ts";
import { maxStateBytes } from "../../bounds/state-bytes.ts";
import { MAX_TAPE_BYTES, TAPES_PER_MINUTE } from "../../bounds/turn-tape.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import type { Cell, ProfiledStack, RecordedTurn, Turn } from "../../core/ports/cell.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { Bytes, PluginImage } from "../../core/types.ts";
import { type Limits, NO_USAGE, type TurnOutcome } from "../../core/types.ts";
import { MAX_NAMES_BYTES } from "../../engine/guest/bindings.ts";
import { encodeError } from "../../engine/guest/blocks.ts";
import { type Channel, type FromCell, OWN_CALLS, type ToCell } from "../wire/protocol.ts";

// A cell that does not answer must not keep its host from stopping.
const UNLOAD_GRACE_MS = 1_000;
// The cell drops by its own clock what is too much; twice as much is no matter of clocks any more.
const TRUST = 2;
const MINUTE_MS = 60_000;

export interface CellClientPorts {
  readonly channel: Channel<ToCell, FromCell>;
  readonly clock: Clock;
  readonly log: LogSink;
  /** Takes what cells write down of turns; only of plugins that are loaded for that. Must not throw. */
  readonly onRecorded?: ((turn: RecordedTurn) => void) | undefined;
  /** Resolves once whatever the cell runs in has ended, after it was told to close. */
  ended(): Promise<void>;
}

/** What the host itself holds a plugin of a cell to, whatever the cell does. */
interface LoadedPlugin {
  readonly limits: Limits;
  /** How often a turn of it may ask. */
  readonly calls: number;
  readonly log: LogLimit;
  /** How many tapes may still come, and what module they are of; undefined where none may. */
  readonly tapes: TapeLimit | undefined;
  /** The turn that waits for an answer: a plugin runs one at a time, and asks one thing at a time. */
  asking: number | undefined;
}

interface Capture extends Pick<PromiseWithResolvers<Bytes | undefined>, "resolve" | "reject"> {
  readonly plugin: string;
}

interface SentTurn {
  readonly turn: Turn;
  calls: number;
  tape: Bytes | undefined;
  /** What is told of the turn's cancellation until it ends. */
  readonly cancel: () => void;
}

export class CellClient implements Cell {
  readonly #ports: CellClientPorts;
  readonly #turns = new ByNumber<SentTurn>();
  readonly #requests = new Map<number, PromiseWithResolvers<void>>();
  readonly #plugins = new Map<string, LoadedPlugin>();
  readonly #profiles = new Map<number, Pick<PromiseWithResolvers<readonly ProfiledStack[]>, "resolve" | "reject">>();
  readonly #captures = new Map<number, Capture>();
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

  async load(image: PluginImage, _hold?: () => () => void, state?: Bytes): Promise<undefined> {
    const log = new LogLimit(this.#ports.clock, TRUST * image.limits.logBytesPerMinute);
    const calls = image.limits.hostCalls + (image.transaction === undefined ? 0 : OWN_CALLS);
    const tapes = image.tape === undefined ? undefined : new TapeLimit(this.#ports.clock, image);
    this.#plugins.set(image.name, { limits: image.limits, calls, log, tapes, asking: undefined });
    await this.#request((id) => ({ kind: "load", id, image, state }));
  }

  /** What the plugin has become; undefined where no instance has run. Rejects with HostError. */
  capture(plugin: string): Promise<Bytes | undefined> {
    if (this.#death !== undefined) return Promise.reject(this.#death);
    const { promise, resolve, reject } = Promise.withResolvers<Bytes | undefined>();
    const id = this.#nextId();
    this.#captures.set(id, { plugin, resolve, reject });
    this.#ports.channel.send({ kind: "capture", id, plugin });
    return promise;
  }

  /** Resolves when the cell has answered. */
  ping(): Promise<void> {
    return this.#request((id) => ({ kind: "ping", id }));
  }

  profile(plugin: string, on: boolean): Promise<readonly ProfiledStack[]> {
    if (this.#death !== undefined) return Promise.reject(this.#death);
    const id = this.#nextId();
    const { promise, resolve, reject } = Promise.withResolvers<readonly ProfiledStack[]>();
    this.#profiles.set(id, { resolve, reject });
    this.#ports.channel.send({ kind: "profile", id, plugin, on });
    return promise;
  }

  /** The plugin's next turn is told this. Rejects with HostError. */
  replay(plugin: string, played: Bytes): Promise<void> {
    return this.#request((id) => ({ kind: "replay", id, plugin, played }));
  }

  async unload(plugin: string): Promise<undefined> {
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
    const cancel = (): void => this.#ports.channel.send({ kind: "cancel", id });
    this.#turns.set(id, { turn, calls: 0, tape: undefined, cancel });
    const { plugin, entryPoint, input, caller, traceparent, handles } = turn;
    const remainingMs = Math.max(0, turn.deadline - this.#ports.clock.monotonicMs());
    this.#ports.channel.send({ kind: "turn", id, plugin, entryPoint, input, caller, traceparent, remainingMs, handles });
    // An inline cell may have ended it already.
    if (this.#turns.get(id) !== undefined) turn.cancelled?.addEventListener("abort", cancel, { once: true });
  }

  /** The cell is gone: whoever waits for it is answered with this error, and so is whoever asks later. */
  die(error: HostError): void {
    if (this.#death !== undefined) return;
    this.#death = error;
    this.#ended.resolve(error);
    const turns = this.#turns.values();
    for (const one of turns) this.#forget(one);
    this.#turns.clear();
    // After those have heard of it who hold back what comes next: a mailbox hands over its next turn as soon as one ends.
    queueMicrotask(() => {
      for (const { turn } of turns) turn.end(dead(error));
    });
    for (const request of [...this.#requests.values(), ...this.#profiles.values(), ...this.#captures.values()]) request.reject(error);
    this.#requests.clear();
    this.#captures.clear();
    this.#profiles.clear();
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
    const id = this.#newRequestId();
    const request = Promise.withResolvers<void>();
    this.#requests.set(id, request);
    this.#ports.channel.send(make(id));
    return request.promise;
  }

  // Who could guess it could answer before it was asked, and seem alive.
  #newRequestId(): number {
    const [id = 0] = crypto.getRandomValues(new Uint32Array(1));
    return this.#requests.has(id) ? this.#newRequestId() : id;
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
        const sent = this.#turnOf(message.id);
        const { turn } = sent;
        const plugin = this.#plugins.get(turn.plugin);
        requireOutcome(message.outcome, turn, plugin?.limits.payloadBytes ?? 0);
        this.#turns.delete(message.id);
        this.#forget(sent);
        if (plugin?.asking === message.id) plugin.asking = undefined;
        this.#tell(sent, message.outcome);
        turn.end(message.outcome);
        break;
      }
      case "recorded": {
        const sent = this.#turnOf(message.id);
        if (sent.tape !== undefined || this.#pluginOf(sent.turn.plugin).tapes?.take() !== true)
          throw new HostError("internal", "the cell tells what nobody wants to know of a turn");
        if (message.tape.length > MAX_TAPE_BYTES)
          throw new HostError("internal", `the cell tells ${message.tape.length} bytes of a turn; the limit is ${MAX_TAPE_BYTES}`);
        sent.tape = message.tape;
        break;
      }
      case "profiled": {
        const asked = this.#profiles.get(message.id);
        if (asked === undefined) throw new HostError("internal", "the cell tells of a profile that nobody asked for");
        this.#profiles.delete(message.id);
        asked.resolve(message.stacks);
        break;
      }
      case "captured":
        this.#captured(message);
        break;
      case "call":
        this.#checkCall(message);
        void this.#answer(message);
        break;
      case "acknowledged":
        this.#settle(message.id, message.error === undefined ? undefined : HostError.fromShape(message.error));
        break;
      case "log": {
        const { kind: _, ...line } = message;
        const { log } = this.#pluginOf(line.plugin);
        if (log.judge(line.message + (line.cause ?? "")) !== "pass") throw new HostError("internal", "the cell floods the log");
        this.#ports.log.write({ ...line, by: "guest" });
        break;
      }
    }
  }

  // Before whoever asked hears of it, who may ask for what was kept.
  #tell({ turn, tape }: SentTurn, outcome: TurnOutcome): void {
    const { plugin, entryPoint, input, caller, traceparent } = turn;
    const moduleSha256 = this.#plugins.get(plugin)?.tapes?.moduleSha256;
    if (tape === undefined || moduleSha256 === undefined) return;
    this.#ports.onRecorded?.({ plugin, entryPoint, input, caller, traceparent, moduleSha256, tape, outcome });
  }

  #captured({ id, state, error }: Extract<FromCell, { kind: "captured" }>): void {
    const asked = this.#captures.get(id);
    if (asked === undefined) throw new HostError("internal", "the cell tells of a state that nobody asked for");
    const max = maxStateBytes(this.#pluginOf(asked.plugin).limits);
    if (state.length > max) throw new HostError("internal", `the cell gives a state of ${state.length} bytes; the limit is ${max}`);
    this.#captures.delete(id);
    if (error === undefined) asked.resolve(state.length === 0 ? undefined : state);
    else asked.reject(HostError.fromShape(error));
  }

  #settle(id: number, error: HostError | undefined): void {
    const request = this.#requests.get(id);
    if (request === undefined) throw new HostError("internal", "the cell acknowledged what nobody asked");
    this.#requests.delete(id);
    if (error === undefined) request.resolve();
    else request.reject(error);
  }

  // The signal may live much longer, and a guest can have thousands of turns hear the same one.
  #forget({ turn, cancel }: SentTurn): void {
    turn.cancelled?.removeEventListener("abort", cancel);
  }

  #turnOf(id: number): SentTurn {
    const found = this.#turns.get(id);
    if (found === undefined) throw new HostError("internal", "the cell speaks of a turn that it does not have");
    return found;
  }

  #pluginOf(name: string): LoadedPlugin {
    const found = this.#plugins.get(name);
    if (found === undefined) throw new HostError("internal", "the cell speaks of a plugin that it does not have");
    return found;
  }

  #checkCall({ turn: id, args }: Extract<FromCell, { kind: "call" }>): void {
    const pending = this.#turnOf(id);
    const plugin = this.#pluginOf(pending.turn.plugin);
    const { payloadBytes } = plugin.limits;
    if (plugin.asking !== undefined) throw new HostError("internal", "the cell asks while it is being answered");
    pending.calls += 1;
    if (pending.calls > plugin.calls) throw new HostError("internal", `the cell calls the host more than ${plugin.calls} times in a turn`);
    const bytes = args.reduce((sum, { length }) => sum + length, 0);
    if (bytes > payloadBytes + MAX_NAMES_BYTES)
      throw new HostError("internal", `the cell gives arguments of ${bytes} bytes; the limit is ${payloadBytes}`);
    plugin.asking = id;
  }

  // The turn is looked up here and not taken from the message: a cell can only ask on behalf of what runs in it.
  async #answer({ id, turn, functionName, args }: Extract<FromCell, { kind: "call" }>): Promise<void> {
    const pending = this.#turnOf(turn).turn;
    const block = await pending.answer(functionName, args).catch((thrown) => encodeError(toHostError(thrown)));
    const plugin = this.#plugins.get(pending.plugin);
    if (plugin?.asking === turn) plugin.asking = undefined;
    if (this.#death === undefined) this.#ports.channel.send({ kind: "answer", id, block });
  }
}

/** How many tapes of a plugin are taken; of one that is played back each turn has one. */
class TapeLimit {
  readonly #clock: Clock;
  readonly #isReplay: boolean;
  readonly moduleSha256: string;
  #minute = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(clock: Clock, { tape, module }: Pick<PluginImage, "tape" | "module">) {
    this.#clock = clock;
    this.#isReplay = tape === "replay";
    this.moduleSha256 = digestOfModule(module);
  }

  take(): boolean {
    if (this.#isReplay) return true;
    const now = this.#clock.monotonicMs();
    if (now - this.#minute >= MINUTE_MS) {
      this.#minute = now;
      this.#taken = 0;
    }
    this.#taken += 1;
    return this.#taken <= TRUST * TAPES_PER_MINUTE;
  }
}

function dead(error: HostError): TurnOutcome {
  return { ok: false, error, usage: NO_USAGE, broken: error.code !== "plugin-not-running" };
}

/** Throws HostError for what no cell of ours says of a turn. */
function requireOutcome(outcome: TurnOutcome, { handles }: Turn, payloadBytes: number): void {
  if (!outcome.ok) return;
  const { output, handledBefore } = outcome;
  if (output.length > payloadBytes)
    throw new HostError("internal", `the cell gives an output of ${output.length} bytes; the limit is ${payloadBytes}`);
  const events = handles?.ids.length ?? 0;
  if (handledBefore?.some((index) => index >= events) === true)
    throw new HostError("internal", `the cell has handled others before than the ${events} events of the turn`);
}
