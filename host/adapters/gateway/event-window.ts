// The events of the last moments, once for all streams of the host: each is encoded when it comes, and a stream that is slow has a place in here instead of a
// queue of its own. It knows neither streams nor permissions.

import { randomBytes } from "node:crypto";
import type { Bytes, CloudEvent } from "../../core/types.ts";

export interface WindowLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

/** An event as a door sends it. */
export interface EncodedEvent {
  readonly frame: Buffer;
  /** For filters, within the frame where they stand there; empty where they are no JSON. */
  readonly data: Bytes;
}

/** `id` is that of the place behind the event. */
export type EncodeEvent = (event: CloudEvent, id: string) => EncodedEvent;

export interface KeptEvent {
  /** 1 for the first one, and one more for each that comes. */
  readonly sequence: number;
  /** As it was published. Its data are there for filters only: where they are no JSON there are none. */
  readonly event: CloudEvent;
  readonly frame: Buffer;
}

/** What an entry takes beside its bytes. */
const ENTRY_BYTES = 512;
const ID = /^([0-9a-f]{12})-(0|[1-9]\d{0,14})$/;

export class EventWindow {
  /** Tells ids of one window from those of another, which may have been of another host. */
  readonly #boot = randomBytes(6).toString("hex");
  readonly #limits: WindowLimits;
  readonly #encode: EncodeEvent;
  /** By sequence, in a circle; one that is larger than the window leaves its place empty. */
  readonly #slots: (KeptEvent | undefined)[] = [];
  #first = 1;
  #newest = 0;
  #shown = 0;
  #bytes = 0;

  constructor(limits: WindowLimits, encode: EncodeEvent) {
    this.#limits = limits;
    this.#encode = encode;
  }

  /** Of all that it holds, with what it takes to hold it; never more than its limit. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The sequence of the oldest one that may still be here. */
  get first(): number {
    return this.#first;
  }

  /** The sequence of the last one that streams see. */
  get shown(): number {
    return this.#shown;
  }

  /** Takes an event, for which the oldest ones make room. */
  add(event: CloudEvent): void {
    this.#newest += 1;
    const kept = this.#encoded(event);
    const bytes = bytesOf(kept);
    const isTooLarge = bytes > this.#limits.maxBytes;
    while (this.#newest - this.#first >= this.#limits.maxEvents || (!isTooLarge && this.#bytes + bytes > this.#limits.maxBytes))
      this.#dropFirst();
    this.#slots[this.#slotOf(this.#newest)] = isTooLarge ? undefined : kept;
    if (!isTooLarge) this.#bytes += bytes;
  }

  /** Lets streams see the next one that is here; false when they see all. */
  show(): boolean {
    if (this.#shown >= this.#newest) return false;
    this.#shown = Math.max(this.#shown + 1, this.#first);
    return true;
  }

  /** Undefined for what is not here any more, or never was. */
  at(sequence: number): KeptEvent | undefined {
    return sequence < this.#first || sequence > this.#newest ? undefined : this.#slots[this.#slotOf(sequence)];
  }

  /** Of the place behind the event with this sequence. */
  idOf(sequence: number): string {
    return `${this.#boot}-${sequence}`;
  }

  /** The sequence that an id names; undefined for one of another window, and for what is none. */
  sequenceOf(id: string): number | undefined {
    const [, boot, sequence] = ID.exec(id) ?? [];
    return boot === this.#boot && Number(sequence) <= this.#newest ? Number(sequence) : undefined;
  }

  #slotOf(sequence: number): number {
    return sequence % this.#limits.maxEvents;
  }

  #dropFirst(): void {
    const slot = this.#slotOf(this.#first);
    const dropped = this.#slots[slot];
    if (dropped !== undefined) this.#bytes -= bytesOf(dropped);
    this.#slots[slot] = undefined;
    this.#first += 1;
  }

  #encoded(event: CloudEvent): KeptEvent {
    const { frame, data } = this.#encode(event, this.idOf(this.#newest));
    return { sequence: this.#newest, event: { ...event, data }, frame };
  }
}

/** Twice the data at most, where they are copied. */
const bytesOf = ({ frame, event: { data } }: KeptEvent): number =>
  ENTRY_BYTES + frame.length + (data.buffer === frame.buffer ? 0 : data.length);
