// Sends that are kept until their providers have handled them: written down, delivered in order of each sender, tried again, or dead letters. A message is an event
// of the log whose type is the service, whose source is the sender and whose consumer is the service of its provider.

import type { HandedOut } from "../../admin/dead-letters.ts";
import type { SendBudget } from "../../capabilities/sends/budget.ts";
import { type Lender, lendersOf, type UnawaitedCalls } from "../../capabilities/sends/unawaited.ts";
import type { Message } from "../../capabilities/sends/volatile.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { printable } from "../../core/names.ts";
import type { Plugin } from "../../core/plugin.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { DeadLetter, Delivery, EventLog, RecordedEvent } from "../../core/ports/events.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { CallScope } from "../../core/turn.ts";
import { type Bytes, type Caller, type CloudEvent, NO_USAGE } from "../../core/types.ts";
import { sizeOf } from "../../drivers/events/store.ts";
import { Deliveries, type DurableSubscription, type Handling } from "../events/deliveries.ts";
import { handOutAgain } from "../events/handing-out.ts";

export interface DurablePorts {
  readonly core: Host;
  readonly kept: EventLog;
  readonly calls: UnawaitedCalls;
  readonly budget: SendBudget;
  readonly maxAttempts: number;
  readonly clock: Clock;
  readonly log: LogSink;
  /** Whether a plugin of this name is installed or configured, whether it can be read or not. */
  isKnown(plugin: string): boolean;
  isAccepted(plugin: string): boolean;
}

const PLUGINS = "/plugins/";
const HOST = "/host/";
const MEDIA_TYPE = "application/octet-stream";
const LENDERS = `${MEDIA_TYPE};lenders=`;
/** How long a sender that cannot be read now is waited for before it is looked for again. */
const ABSENT_MS = 5_000;
const RECOUNT_MS = 1_000;

export class DurableSends {
  readonly deliveries: Deliveries;
  readonly #ports: DurablePorts;
  /** Those that something was ever sent to, as they have a consumer. */
  readonly #services: Set<string>;
  /** Being written down. */
  readonly #pending = new Map<CloudEvent, string>();
  #countedAt: number;

  constructor(ports: DurablePorts) {
    this.#ports = ports;
    const { core, kept, clock, log, isKnown, isAccepted } = ports;
    this.#services = new Set(kept.statistics().consumers.map(({ consumer }) => consumer.types));
    this.#countedAt = clock.monotonicMs();
    this.#recount();
    this.deliveries = new Deliveries({ core, events: kept, clock, log, isKnown, isAccepted, handling: this.#handling() });
  }

  /** Durable once resolved. Rejects with `no-such-service`, `quota-exceeded` (size), `queue-full`, `storage-failed`. */
  async keep({ id, service, payload, caller, traceparent, within }: Message): Promise<void> {
    const { core, kept, budget } = this.#ports;
    const provider = core.plugin(service.split(".", 1)[0] ?? "");
    if (provider?.definition.services.some(({ name }) => name === service) !== true)
      throw new HostError("no-such-service", `no plugin provides ${printable(service)}, so nothing can be kept for it`);
    refuseTooLarge(provider, payload);
    const source = `${caller.kind === "plugin" ? PLUGINS : HOST}${caller.name}`;
    const lenders = lendersOf(within).slice(1);
    const contentType = lenders.length === 0 ? MEDIA_TYPE : `${LENDERS}${lenders.map(({ name }) => name).join(",")}`;
    const stamped = core.stamp({ type: service, source, traceparent, contentType, data: payload });
    // Ids are the sender's words, so each is known by whom it comes from and what it is for: nobody can take another's.
    const event = { ...stamped, id: `${source}/${service}/${id}` };
    const bytes = bytesOf(event);
    this.#take(caller.name, bytes);
    this.#pending.set(event, caller.name);
    try {
      this.#services.add(service);
      await this.deliveries.ensure(provider.name, service);
      await kept.append([event]);
    } catch (thrown) {
      budget.giveBack(caller.name, bytes);
      throw thrown;
    } finally {
      this.#pending.delete(event);
    }
  }

  /** To the services they were for, one after the other; each is checked anew. */
  redeliver(letters: readonly DeadLetter[]): Promise<Omit<HandedOut, "next">> {
    return handOutAgain(letters, this.#ports.kept, ({ event }) =>
      this.#call(event).then(
        () => undefined,
        (thrown: unknown) => `${toHostError(thrown).code}: ${toHostError(thrown).message}`,
      ),
    );
  }

  /** Throws HostError `queue-full`. */
  #take(sender: string, bytes: number): void {
    const { budget, clock } = this.#ports;
    try {
      budget.take(sender, bytes);
    } catch (thrown) {
      // What the log let go of, or knew already, is counted until somebody looks.
      if (clock.monotonicMs() < this.#countedAt + RECOUNT_MS) throw thrown;
      this.#countedAt = clock.monotonicMs();
      this.#recount();
      budget.take(sender, bytes);
    }
  }

  #recount(): void {
    const written = this.#ports.kept
      .statistics()
      .consumers.flatMap(({ publishers }) =>
        publishers.map(({ source, waiting, waitingBytes }) => [callerOf(source).name, waiting, waitingBytes] as const),
      );
    const pending = [...this.#pending].map(([event, sender]) => [sender, 1, bytesOf(event)] as const);
    this.#ports.budget.restore([...written, ...pending]);
  }

  #handling(): Handling {
    const { maxAttempts, budget } = this.#ports;
    return {
      shownBy: "bulkhead sends dead list",
      wantedBy: ({ definition }) =>
        definition.services.flatMap(({ name, entryPoint }): DurableSubscription[] => {
          const durable = { name, from: "new", maxAttempts, order: "publisher" } as const;
          return this.#services.has(name) ? [{ type: name, entryPoint, durable }] : [];
        }),
      admit: (_plugin, _service, deliveries) => deliveries.map((delivery) => counted(delivery, budget)),
      enter: (_plugin, _service, [delivery], done) => {
        if (delivery === undefined) return;
        void this.#call(delivery.event).then(
          (output) => done({ ok: true, output, usage: NO_USAGE }),
          (thrown: unknown) => done({ ok: false, error: toHostError(thrown), usage: NO_USAGE }),
        );
      },
    };
  }

  async #call(event: RecordedEvent): Promise<Bytes> {
    const { type: service, data: payload, source, traceparent } = event;
    const caller = callerOf(source);
    const within = this.#scopeOf(event, caller);
    const [sender] = lendersOf(within);
    if (sender !== undefined)
      for (const { permissions } of lendersOf(within))
        for (const permission of ["services.call", "services.durable"]) permissions.require(permission, service);
    return this.#ports.calls.call({ service, payload, caller, traceparent, within, onTaken() {} });
  }

  /** As who sent it stands now. Throws `permission-denied` when somebody whose permission it needs is gone for good. */
  #scopeOf({ contentType, traceparent }: RecordedEvent, caller: Caller): CallScope | undefined {
    if (caller.kind !== "plugin") return undefined;
    const lenders = contentType.startsWith(LENDERS) ? contentType.slice(LENDERS.length).split(",") : [];
    return {
      plugin: this.#lender(caller.name),
      context: {
        ...{ caller, traceparent, deadline: Number.POSITIVE_INFINITY, waiting: [] },
        authorities: lenders.map((name) => this.#lender(name).permissions),
      },
    };
  }

  #lender(name: string): Lender {
    const { core, isKnown } = this.#ports;
    const plugin = core.plugin(name);
    if (plugin !== undefined) return { name, permissions: plugin.permissions };
    if (isKnown(name)) throw new HostError("plugin-not-running", `${name}, who sent it, cannot be read now`, { retryAfterMs: ABSENT_MS });
    throw new HostError("permission-denied", `${name}, who sent it or in whose name it was sent, is not installed any more`);
  }
}

function callerOf(source: string): Caller {
  return source.startsWith(PLUGINS)
    ? { kind: "plugin", name: source.slice(PLUGINS.length) }
    : { kind: "host", name: source.slice(HOST.length) };
}

const bytesOf = (event: CloudEvent): number => sizeOf({ ...event, position: 0 });

/** Gives back what it was counted for, once it waits no more. */
function counted(delivery: Delivery, budget: SendBudget): Delivery {
  const { event, attempt } = delivery;
  const giveBack = (): void => budget.giveBack(callerOf(event.source).name, sizeOf(event));
  return {
    ...{ event, attempt },
    ack() {
      giveBack();
      delivery.ack();
    },
    giveUp(reason) {
      giveBack();
      delivery.giveUp(reason);
    },
    retry: (afterMs) => delivery.retry(afterMs),
    putBack: (afterMs) => delivery.putBack(afterMs),
  };
}

function refuseTooLarge({ name, limits }: Plugin, payload: Bytes): void {
  if (payload.length <= limits.payloadBytes) return;
  const size = `${payload.length} bytes; ${name} takes at most ${limits.payloadBytes} (limits.payloadMiB)`;
  throw new HostError("quota-exceeded", `the payload has ${size}`);
}
