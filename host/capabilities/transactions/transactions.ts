// Events of plugins whose turns are transactions: held back while the turn runs, and handed out in order once its cell says that it is committed, also after a
// restart, and until the event log has them.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { type HostFunction, hostFunctions } from "../../core/host-functions.ts";
import { printable } from "../../core/names.ts";
import type { Plugin } from "../../core/plugin.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogSink } from "../../core/ports/log.ts";
import { startTrace } from "../../core/trace.ts";
import type { CallScope, TurnContext } from "../../core/turn.ts";
import type { Bytes, CloudEvent } from "../../core/types.ts";

const MIB = 1_024 * 1_024;
const MAX_STAGED = 100;
const MAX_STAGED_BYTES = 4 * MIB;
/** Of one plugin, events that were committed and could not be handed out. */
const MAX_WAITING = 1_000;
/** Of what waits, of one plugin and of all. */
const MAX_BYTES = 8 * MIB;
const MAX_ALL_BYTES = 64 * MIB;
const RETRY_MS = 1_000;
const MAX_ID_BYTES = 192;
/** What may be otherwise the next time. */
const NOT_NOW: ReadonlySet<string> = new Set(["rate-limited", "queue-full", "storage-failed", "deadline-exceeded", "plugin-not-running"]);
/** A turn that runs no guest: its cell looks what is to be handed out. */
const LOOK = "transaction.recover";
const DONE: Bytes = Uint8Array.of(0);

type Scope = Parameters<HostFunction["answer"]>[0];

const PUBLISH = hostFunctions({}).get("events.publish");

interface Staged {
  readonly events: CloudEvent[];
  bytes: number;
}

/** What one plugin has committed. */
class Outgoing {
  readonly events: CloudEvent[] = [];
  bytes = 0;
  handing: Promise<void> | undefined;
}

export interface TransactionsPorts {
  readonly core: () => Host;
  readonly clock: Clock;
  readonly log: LogSink;
}

const sizeOf = ({ data, type }: CloudEvent): number => data.length + type.length;

export class Transactions {
  readonly #ports: TransactionsPorts;
  readonly #staged = new WeakMap<TurnContext, Staged>();
  readonly #outgoing = new Map<string, Outgoing>();
  /** The id that the next event of the turn had before. */
  readonly #recovering = new WeakMap<TurnContext, string>();
  #bytes = 0;

  constructor(ports: TransactionsPorts) {
    this.#ports = ports;
  }

  /** For the core's port of that name. Throws HostError `quota-exceeded`, `queue-full`. */
  readonly stage = (event: CloudEvent, { plugin: { name }, context }: CallScope): CloudEvent | Promise<CloudEvent> | undefined => {
    const { core } = this.#ports;
    if (core().plugin(name)?.definition.transaction === undefined) return undefined;
    const before = this.#recovering.get(context);
    if (before !== undefined) return Promise.resolve(core().handOut({ ...event, id: before }));
    // No other event has an id that begins so: what a cell says of its ids can be a lie about its own only.
    const staged = { ...event, id: `${name}/${event.id}` };
    this.#hold(name, context, staged);
    return staged;
  };

  /** For the core's port `cellFunctions`. */
  readonly functions: ReadonlyMap<string, HostFunction> = new Map<string, HostFunction>([
    ["transaction.hand-out", { needs: undefined, answer: (scope) => this.#ended(scope) }],
    [LOOK, { needs: undefined, answer: (scope, args) => this.recover(scope, args).then(() => DONE) }],
  ]);

  /** Has each cell look for what it has committed and its host has not heard: when its plugin runs, and after a death. Returns the undo. */
  follow(): () => void {
    return this.#ports.core().observe({
      state: ({ name, state }) => (state === "running" ? this.#look(name) : undefined),
      turn: ({ plugin, entryPoint, outcome }) =>
        !outcome.ok && outcome.broken === true && entryPoint !== LOOK ? this.#look(plugin) : undefined,
    });
  }

  #hold(name: string, context: TurnContext, event: CloudEvent): void {
    const staged = this.#staged.get(context) ?? { events: [], bytes: 0 };
    const waiting = this.#outgoing.get(name);
    const bytes = sizeOf(event);
    if (staged.events.length >= MAX_STAGED || staged.bytes + bytes > MAX_STAGED_BYTES)
      throw new HostError(
        "quota-exceeded",
        `a turn that is a transaction publishes at most ${MAX_STAGED} events and ${MAX_STAGED_BYTES / MIB} MiB; use more turns`,
      );
    if ((waiting?.events.length ?? 0) >= MAX_WAITING || (waiting?.bytes ?? 0) + staged.bytes + bytes > MAX_BYTES)
      throw new HostError("queue-full", `events of ${name} wait to be handed out, since the event log cannot be written; try later`);
    if (this.#bytes + staged.bytes + bytes > MAX_ALL_BYTES)
      throw new HostError("queue-full", "events of many plugins wait to be handed out, since the event log cannot be written; try later");
    staged.events.push(event);
    staged.bytes += bytes;
    this.#staged.set(context, staged);
  }

  /** What a turn has published so far. */
  staged(context: TurnContext): readonly CloudEvent[] {
    return this.#staged.get(context)?.events ?? [];
  }

  /** Hands out what a turn has published, which is committed. Resolves with false when some of it waits still. */
  async commit(name: string, context: TurnContext): Promise<boolean> {
    this.#takeOver(name, context);
    return this.#handOut(name).then(
      () => true,
      () => false,
    );
  }

  /**
   * An event that was committed before its cell, or the host, has died: type, content type, data, id. It is asked for all that it was asked for when it was
   * published. Rejects with HostError when it is to be tried again.
   */
  async recover(scope: Scope, row: readonly Bytes[]): Promise<void> {
    const { name } = scope.plugin;
    const id = requireOwnId(name, row[3]);
    const isKnown = this.#outgoing.get(name)?.events.some((event) => event.id === id) === true;
    await this.#handOut(name);
    if (!isKnown) await this.#publishAgain(scope, id, row.slice(0, 3));
  }

  async #ended({ plugin: { name }, context }: Scope): Promise<Bytes> {
    this.#takeOver(name, context);
    await this.#handOut(name);
    return DONE;
  }

  #takeOver(name: string, context: TurnContext): void {
    const staged = this.#staged.get(context);
    if (staged === undefined) return;
    this.#staged.delete(context);
    const outgoing = this.#outgoing.get(name) ?? new Outgoing();
    this.#outgoing.set(name, outgoing);
    outgoing.events.push(...staged.events);
    outgoing.bytes += staged.bytes;
    this.#bytes += staged.bytes;
  }

  /** All that the plugin has committed, in order. Rejects with why something of it waits still. */
  async #handOut(name: string): Promise<void> {
    const outgoing = this.#outgoing.get(name);
    if (outgoing === undefined) return;
    outgoing.handing ??= this.#handNext(name, outgoing).finally(() => {
      outgoing.handing = undefined;
    });
    await outgoing.handing;
    // What came while that was under way.
    if (outgoing.events.length > 0) await this.#handOut(name);
  }

  async #handNext(name: string, outgoing: Outgoing): Promise<void> {
    const { core, clock, log } = this.#ports;
    for (let event = outgoing.events[0]; event !== undefined; event = outgoing.events[0]) {
      try {
        await core().handOut(event);
      } catch (cause) {
        const message = `${outgoing.events.length} events that ${name} has committed wait; the host tries again in ${RETRY_MS / 1_000} s`;
        log.write({ level: "error", plugin: "host", about: name, message, cause });
        clock.after(RETRY_MS, () => void this.#handOut(name).catch(() => {}));
        throw cause;
      }
      outgoing.events.shift();
      outgoing.bytes -= sizeOf(event);
      this.#bytes -= sizeOf(event);
    }
    this.#outgoing.delete(name);
  }

  async #publishAgain(scope: Scope, id: string, args: readonly Bytes[]): Promise<void> {
    const { plugin, context } = scope;
    this.#recovering.set(context, id);
    try {
      await PUBLISH?.answer(scope, args);
    } catch (thrown) {
      const error = toHostError(thrown);
      if (NOT_NOW.has(error.code)) throw error;
      const message = `an event that ${plugin.name} has committed is dropped, since it may not publish it any more: ${error.message}`;
      this.#ports.log.write({ level: "warning", plugin: "host", about: plugin.name, message });
    } finally {
      this.#recovering.delete(context);
    }
  }

  #look(name: string): void {
    const plugin = this.#ports.core().plugin(name);
    if (plugin?.definition.transaction === undefined || plugin.state !== "running") return;
    plugin.submit(LOOK, "", this.#contextOf(plugin), ({ ok }) => {
      // Its cell may be about to live again; the next turn looks too.
      if (!ok) this.#ports.clock.after(RETRY_MS, () => (this.#ports.core().plugin(name) === plugin ? this.#look(name) : undefined));
    });
  }

  #contextOf({ definition }: Plugin): TurnContext {
    const deadline = this.#ports.clock.monotonicMs() + definition.limits.deadlineMs;
    return { caller: { kind: "host", name: "transactions" }, traceparent: startTrace(), deadline, waiting: [], authorities: [] };
  }
}

/** Throws HostError `invalid-message` for an id that the host has not given to an event of this plugin. */
function requireOwnId(plugin: string, bytes: Bytes = new Uint8Array(0)): string {
  const id = bytes.length > MAX_ID_BYTES ? "" : new TextDecoder().decode(bytes);
  if (id.startsWith(`${plugin}/`) && /^[0-9a-f-]{36}-\d{1,16}$/.test(id.slice(plugin.length + 1))) return id;
  throw new HostError("invalid-message", `"${printable(id)}" is no id of an event of ${plugin}`);
}
