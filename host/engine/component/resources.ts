// What guests hold by handles: the glue keeps the handles, these are the things behind them. A guest may hold so many at once.

import { HostError } from "../../core/errors.ts";
import type { GuestControl } from "../guest/bindings.ts";

const MAX_HELD = 1_024;
// jco's glue remembers the number of each that it ever gave out, at some 50 bytes.
const MAX_MADE = 1_000_000;

/** Counts what a guest holds. */
export class Ledger {
  readonly #plugin: string;
  readonly #control: GuestControl;
  #held = 0;
  #made = 0;

  constructor(plugin: string, control: GuestControl) {
    this.#plugin = plugin;
    this.#control = control;
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

  #end(what: string): void {
    this.#control.doom(new HostError("memory-exhausted", `${this.#plugin} ${what}`));
    throw new WebAssembly.RuntimeError("ended by the host");
  }
}

/** The glue disposes of it when the guest drops its handle. */
export abstract class Resource {
  readonly #ledger: Ledger;
  #dropped = false;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    ledger.add();
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#ledger.remove();
    this.dropped();
  }

  protected dropped(): void {}
}

/** What the glue takes for the value of a WIT `result`. */
export type WitResultValue<T = unknown> = { readonly tag: "ok"; readonly val: T } | { readonly tag: "err"; readonly val: unknown };

export const ok = <T>(val: T): WitResultValue<T> => ({ tag: "ok", val });
export const err = (val: unknown): WitResultValue<never> => ({ tag: "err", val });
