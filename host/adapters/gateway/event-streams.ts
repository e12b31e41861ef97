// All streams of events of a host: one window, filled while somebody follows or did a moment ago, and a turn for each stream when there is something new.

import { HostError } from "../../core/errors.ts";
import type { CloudEvent } from "../../core/types.ts";
import type { AdapterContext, Principal } from "../../seams.ts";
import { EventStream, type Outlet } from "./event-stream.ts";
import { type EncodeEvent, EventWindow, type WindowLimits } from "./event-window.ts";

export interface EventStreamsPorts {
  readonly context: Pick<AdapterContext, "clock" | "observe" | "openStream">;
  readonly limits: WindowLimits;
  /** How the door sends an event. */
  readonly encode: EncodeEvent;
  /** Streams at once, with what the message calls that limit. */
  readonly maxStreams: number;
  readonly maxStreamsName: string;
}

/** How long the window is filled for those who come back. */
export const LINGER_MS = 60_000;
export const PING_MS = 15_000;
/** For streams in one go; then others have their turn. */
const SLICE_MS = 8;
const RETRY_MS = 1_000;

interface Filled {
  readonly window: EventWindow;
  readonly stop: () => void;
}

export class EventStreams {
  readonly #ports: EventStreamsPorts;
  readonly #streams = new Set<EventStream>();
  /** Those that have more to look at. */
  readonly #behind = new Set<EventStream>();
  #filled: Filled | undefined;
  #cancelEmptying: (() => void) | undefined;
  #cancelTick: (() => void) | undefined;
  #isScheduled = false;
  #isStopped = false;

  constructor(ports: EventStreamsPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** What the window holds; 0 while it is not filled. */
  get bytes(): number {
    return this.#filled?.window.bytes ?? 0;
  }

  /** A stream of the principal, until it is closed. Throws HostError `rate-limited` for one who has too many, `queue-full` when all together have. */
  open(principal: Principal, outlet: Outlet): EventStream {
    const { context, maxStreams, maxStreamsName } = this.#ports;
    if (this.#isStopped) throw new HostError("queue-full", "the host is stopping");
    if (this.#streams.size >= maxStreams)
      throw new HostError("queue-full", `${maxStreams} streams of events are open, which is the limit (${maxStreamsName})`, {
        retryAfterMs: RETRY_MS,
      });
    const free = context.openStream(principal, () => stream.end("unauthenticated"));
    const stream = new EventStream({
      ...{ clock: context.clock, window: this.#fill(), principal, outlet },
      later: (one) => {
        this.#behind.add(one);
        this.#schedule();
      },
      onClose: (one) => {
        free();
        this.#closed(one);
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Tells all that follow, and opens no more. */
  stop(): void {
    this.#isStopped = true;
    for (const stream of this.#streams) stream.end("stopping");
    this.#empty();
  }

  #fill(): EventWindow {
    this.#cancelEmptying?.();
    this.#cancelEmptying = undefined;
    this.#cancelTick ??= this.#ports.context.clock.after(PING_MS, () => this.#tick());
    if (this.#filled === undefined) {
      const window = new EventWindow(this.#ports.limits, this.#ports.encode);
      const event = (one: CloudEvent): void => {
        window.add(one);
        this.#schedule();
      };
      this.#filled = { window, stop: this.#ports.context.observe({ event }) };
    }
    return this.#filled.window;
  }

  #empty(): void {
    this.#cancelEmptying?.();
    this.#cancelTick?.();
    this.#filled?.stop();
    this.#filled = undefined;
  }

  #closed(stream: EventStream): void {
    this.#streams.delete(stream);
    this.#behind.delete(stream);
    if (this.#streams.size > 0 || this.#isStopped) return;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#cancelEmptying = this.#ports.context.clock.after(LINGER_MS, () => this.#empty());
  }

  #tick(): void {
    this.#cancelTick = this.#ports.context.clock.after(PING_MS, () => this.#tick());
    for (const stream of this.#streams) stream.tick();
  }

  /** Whoever publishes does not wait for those who follow. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#hand();
    });
  }

  #hand(): void {
    const { clock } = this.#ports.context;
    const window = this.#filled?.window;
    const until = clock.monotonicMs() + SLICE_MS;
    const behind = [...this.#behind];
    this.#behind.clear();
    for (const stream of behind) stream.pump();
    let isAll = window === undefined || !window.show();
    // One event after the other, each to everybody, so that a filter reads the data of each once.
    while (!isAll) {
      for (const stream of this.#streams) stream.pump();
      if (clock.monotonicMs() > until) break;
      isAll = window === undefined || !window.show();
    }
    if (!isAll || this.#behind.size > 0) this.#schedule();
  }
}
