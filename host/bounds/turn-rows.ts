// The host's own rows in the store of a plugin whose turns are transactions: events that are to be handed out, and which deliveries were handled. Pure, so that
// they look the same on every driver and on both sides.

import { HostError } from "../core/errors.ts";
import type { Bytes, HandledEvents } from "../core/types.ts";
import type { StorageChange, StorageEntry } from "../core/wit.ts";
import { RESERVED } from "./turn-writes.ts";

export const OUTBOX: string = `${RESERVED}outbox/`;
const HANDLED = `${RESERVED}handled/`;

/** Whatever of one subscription may be acknowledged without having been written down is among the last so many (drivers/events/consumer-queue.ts). */
export const REMEMBERED = 1_024;
const SEQUENCE_DIGITS = 16;
const SLOT_DIGITS = String(REMEMBERED - 1).length;
const LENGTH_BYTES = 4;

export const outboxKey = (sequence: number): string => OUTBOX + String(sequence).padStart(SEQUENCE_DIGITS, "0");
export const sequenceOf = (outboxRow: string): number => Number(outboxRow.slice(OUTBOX.length));

/** An event as it was published, and its id. */
export function packed(parts: readonly Bytes[]): Bytes {
  const row = new Uint8Array(parts.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  const view = new DataView(row.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    row.set(part, at + LENGTH_BYTES);
    at += LENGTH_BYTES + part.length;
  }
  return row;
}

/** Throws HostError `storage-failed` for what `packed` has not made. */
export function unpacked(row: Bytes): Bytes[] {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const parts: Bytes[] = [];
  let at = 0;
  while (at < row.length) {
    const end = at + LENGTH_BYTES > row.length ? Number.POSITIVE_INFINITY : at + LENGTH_BYTES + view.getUint32(at);
    if (end > row.length) throw new HostError("storage-failed", "an event that waits to be handed out cannot be read");
    parts.push(row.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return parts;
}

/** The last events of one subscription whose turns were committed. */
export class Remembered {
  readonly #subscription: string;
  readonly #ids = new Set<string>();
  #next = 0;

  constructor(subscription: string) {
    this.#subscription = subscription;
  }

  /** Where its rows are. */
  static prefix(subscription: string): string {
    return `${HANDLED}${subscription}/`;
  }

  /** All of its rows, of which those with the lowest numbers are the oldest. */
  restore(rows: readonly Pick<StorageEntry, "value">[]): void {
    const events = rows.map(({ value }) => new TextDecoder().decode(value).split(" "));
    for (const [sequence = "", id = ""] of events.sort(([a], [b]) => Number(a) - Number(b))) {
      this.#ids.add(id);
      this.#next = Number(sequence) + 1;
    }
  }

  /** Which of them were handled. */
  among({ ids }: HandledEvents): number[] {
    return ids.flatMap((id, i) => (this.#ids.has(id) ? [i] : []));
  }

  /** What is to be written once these are handled. */
  changes(ids: readonly string[]): StorageChange[] {
    return ids.map((id, i) => {
      const sequence = this.#next + i;
      const slot = String(sequence % REMEMBERED).padStart(SLOT_DIGITS, "0");
      const value = new TextEncoder().encode(`${sequence} ${id}`);
      return { key: Remembered.prefix(this.#subscription) + slot, value, ttlMs: undefined };
    });
  }

  /** It was written. */
  add(ids: readonly string[]): void {
    this.#next += ids.length;
    for (const id of ids) this.#ids.add(id);
    // In the order in which they came, which is that of the slots.
    for (const id of this.#ids) {
      if (this.#ids.size <= REMEMBERED) break;
      this.#ids.delete(id);
    }
  }
}
