// What guests hold by handles: the glue keeps the handles, these are the things behind them. A guest may hold so many at once, and so many bytes in them,
// which are the host's own memory and not the guest's.

import { HostError } from "../../core/errors.ts";
import type { GuestControl } from "../guest/control.ts";

const MAX_HELD = 1_024;
// jco's glue remembers the number of each that it ever gave out, at some 50 bytes.
const MAX_MADE = 1_000_000;
// In the glue each is two numbers of a list and an entry of a set, some 100 bytes; the things behind it are the guest's own.
const MAX_HANDLES = 16_384;
const HELD = "headers, bodies, answers and values that it did not drop";

/** Counts what a guest holds. */
export class Ledger {
  readonly #plugin: string;
  readonly #control: GuestControl;
  readonly #maxBytes: number;
  #held = 0;
  #made = 0;
  #handles = 0;
  #handlesMade = 0;
  #bytes = 0;

  constructor(plugin: string, control: GuestControl, maxBytes: number) {
    this.#plugin = plugin;
    this.#control = control;
    this.#maxBytes = maxBytes;
  }

  add(): void {
    this.#held += 1;
    this.#made += 1;
    if (this.#held > MAX_HELD)
      this.#end(`holds more than ${MAX_HELD} resources (streams, pollables, requests) at once; drop them when done`);
    if (this.#made > MAX_MADE) this.#end(`made more than ${MAX_MADE} resources since its instance began, which is then renewed`);
  }

  remove(): void {
    this.#held -= 1;
  }

  /** A handle more, or one less: to a thing of the host's, or to one of the guest's own. */
  countHandle(more: number): void {
    this.#handles += more;
    if (more > 0) this.#handlesMade += more;
    if (this.#handles > MAX_HANDLES)
      this.#end(`holds more than ${MAX_HANDLES} handles at once, its own resources' included; drop them when done`);
    if (this.#handlesMade > MAX_MADE) this.#end(`made more than ${MAX_MADE} handles since its instance began, which is then renewed`);
  }

  /** Counts so many bytes more, or less. Ends the guest above the limit. */
  hold(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#maxBytes) this.#end(`holds ${this.#bytes} bytes in ${HELD}; the limit is ${this.#maxBytes} (limits.blockMiB)`);
  }

  hasRoomFor(bytes: number): boolean {
    return this.#bytes + bytes <= this.#maxBytes;
  }

  #end(what: string): void {
    this.#control.doom(new HostError("memory-exhausted", `${this.#plugin} ${what}`));
    throw new WebAssembly.RuntimeError("ended by the host");
  }
}

/** The glue disposes of it when the guest drops its handle. What it has besides its WIT methods is out of the glue's reach. */
export abstract class Resource {
  /** So many bytes of the host stand behind it from here on, until it is dropped. Ends the guest that holds too many. */
  protected static holds(one: Resource, bytes: number): void {
    if (one.#dropped) return;
    const more = bytes - one.#bytes;
    one.#bytes = bytes;
    one.#ledger.hold(more);
  }

  readonly #ledger: Ledger;
  #dropped = false;
  #bytes = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    ledger.add();
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#ledger.remove();
    this.#ledger.hold(-this.#bytes);
  }
}
Object.setPrototypeOf(Resource.prototype, null);
Reflect.deleteProperty(Resource.prototype, "constructor");

/** What the glue takes for the value of a WIT `result`. */
export type WitResultValue<T = unknown> = { readonly tag: "ok"; readonly val: T } | { readonly tag: "err"; readonly val: unknown };

export const ok = <T>(val: T): WitResultValue<T> => ({ tag: "ok", val });
export const err = (val: unknown): WitResultValue<never> => ({ tag: "err", val });
