// What plugins and the embedding program send: volatile to its provider's queue at once, durable by way of a log that is opened when somebody needs it.

import type { HandedOut } from "../../admin/dead-letters.ts";
import type { LiveSends, SendStatistics } from "../../admin/send-operations.ts";
import { SendBudget } from "../../capabilities/sends/budget.ts";
import type { SendOptions } from "../../capabilities/sends/options.ts";
import { UnawaitedCalls } from "../../capabilities/sends/unawaited.ts";
import { checkedId, failureOfSend, type Message, sendVolatile, type Unsent } from "../../capabilities/sends/volatile.ts";
import { HostError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import type { DeadLetter, EventLog } from "../../core/ports/events.ts";
import { type DurablePorts, DurableSends } from "./durable.ts";

export interface SendsPorts extends Pick<DurablePorts, "clock" | "log" | "isKnown" | "isAccepted"> {
  /** Asked once plugins run, so it may be made later. */
  core(): Host;
  readonly options: SendOptions;
  /** Opens what is kept, with all that was kept before. Rejects with HostError. */
  openLog(): Promise<EventLog & AsyncDisposable>;
}

interface Pause {
  undo: (() => void) | undefined;
}

interface Opened {
  readonly sends: DurableSends;
  readonly log: EventLog & AsyncDisposable;
  readonly unfollow: () => void;
}

export class Sends implements LiveSends {
  readonly #ports: SendsPorts;
  readonly #volatile: SendBudget;
  readonly #durable: SendBudget;
  readonly #calls: UnawaitedCalls;
  /** Plugins that are paused now, whether anything is open yet or not. */
  readonly #paused = new Map<string, Pause>();
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #isBooted = false;
  #isClosed = false;
  #taken = 0;
  #failed = 0;

  constructor(ports: SendsPorts) {
    const { core, options } = ports;
    this.#ports = ports;
    this.#volatile = new SendBudget(options.volatile, "sends.volatile");
    this.#durable = new SendBudget(options.durable, "sends.durable");
    this.#calls = new UnawaitedCalls({
      call: (call) => core().services.call(call),
      isCurrent: ({ name, permissions }) => core().plugin(name)?.permissions === permissions,
    });
  }

  /** Resolves with its id once it is taken: in its provider's queue, or on the disk. Rejects with HostError. */
  async send(unsent: Unsent, isDurable: boolean): Promise<string> {
    const message = { ...unsent, id: checkedId(unsent.id) };
    if (isDurable) await (await this.#open()).sends.keep(message);
    else await this.#sendVolatile(message);
    return message.id;
  }

  async #sendVolatile(message: Message): Promise<void> {
    const call = this.#calls.call.bind(this.#calls);
    await sendVolatile(message, { budget: this.#volatile, call, onFailure: (failed, why) => this.#tell(failed, why) });
    this.#taken += 1;
  }

  /** Follows plugins as they come, change and go. Returns its undo. */
  follow(): () => void {
    return this.#ports.core().observe({ plugins: ({ name }) => this.#calls.look(name) });
  }

  /** Goes on with what was kept before; to be called before plugins are there. Rejects with HostError. */
  async resume(): Promise<void> {
    await this.#open();
  }

  /** To be called once all plugins are there that can be read. */
  booted(): void {
    this.#isBooted = true;
    this.#opened?.sends.deliveries.keepForAbsent();
  }

  look(plugin: string): void {
    this.#opened?.sends.deliveries.look(plugin);
  }

  /** Begins no more durable deliveries to it, and resolves once none is under way, after `drainMs` at the latest. Returns the undo. */
  async pause(plugin: string, drainMs: number): Promise<() => void> {
    const pause: Pause = { undo: undefined };
    this.#paused.set(plugin, pause);
    const undo = await this.#opened?.sends.deliveries.pause(plugin, drainMs);
    pause.undo ??= undo;
    return () => {
      this.#paused.delete(plugin);
      pause.undo?.();
    };
  }

  /** Takes away what was kept for a plugin that is gone for good. */
  async forget(plugin: string): Promise<void> {
    await this.#opened?.sends.deliveries.forget(plugin);
  }

  async redeliver(letters: readonly DeadLetter[]): Promise<Omit<HandedOut, "next">> {
    return (await this.#open()).sends.redeliver(letters);
  }

  async kept(): Promise<EventLog> {
    return (await this.#open()).log;
  }

  statistics(): SendStatistics {
    const { messages, bytes } = this.#volatile.all;
    const consumers = this.#opened?.log.statistics().consumers ?? [];
    const services = consumers.map(({ consumer, ...counted }) => ({ service: consumer.types, ...counted }));
    return { volatile: { waiting: messages, waitingBytes: bytes, taken: this.#taken, failed: this.#failed }, services };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = await this.#opening?.catch(() => undefined);
    opened?.unfollow();
    await opened?.log[Symbol.asyncDispose]();
  }

  #open(): Promise<Opened> {
    if (this.#isClosed) return Promise.reject(new HostError("storage-failed", "the host is stopping"));
    // One that failed is tried again when it is asked for again.
    this.#opening ??= this.#openLog().catch((thrown: unknown) => {
      this.#opening = undefined;
      throw thrown;
    });
    return this.#opening;
  }

  async #openLog(): Promise<Opened> {
    const { core, openLog, options, clock, log, isKnown, isAccepted } = this.#ports;
    const kept = await openLog();
    const { maxAttempts } = options;
    const ports = { core: core(), kept, calls: this.#calls, budget: this.#durable, maxAttempts, clock, log, isKnown, isAccepted };
    const sends = new DurableSends(ports);
    for (const [plugin, pause] of this.#paused) {
      pause.undo = await sends.deliveries.pause(plugin, 0);
      if (this.#paused.get(plugin) !== pause) pause.undo();
    }
    this.#opened = { sends, log: kept, unfollow: sends.deliveries.follow() };
    if (this.#isBooted) sends.deliveries.keepForAbsent();
    return this.#opened;
  }

  #tell(message: Message, why: unknown): void {
    this.#failed += 1;
    this.#ports.log.write(failureOfSend(message, why));
  }
}
