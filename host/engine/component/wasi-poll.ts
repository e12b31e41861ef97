// wasi:io/poll: what a guest waits for. However often it polls, however many pollables it makes, what it waits for knows those only that wait now.
// Source of names and meanings: the WIT package wasi:io, 0.2.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { ComponentHost } from "./component-host.ts";
import { Resource } from "./resources.ts";

const MAX_POLLABLES = 256;
const EMPTY: Bytes = new Uint8Array(0);

/** Something that happens once. A promise keeps whoever waits for it until it settles, which may be never. */
export class Signal {
  readonly #wakers = new Set<() => void>();
  #hasHappened = false;

  /** It happens when the promise settles. */
  constructor(when: Promise<unknown>) {
    const happen = (): void => {
      this.#hasHappened = true;
      for (const wake of this.#wakers) wake();
      this.#wakers.clear();
    };
    when.then(happen, happen);
  }

  get hasHappened(): boolean {
    return this.#hasHappened;
  }

  /** Calls `wake` when it happens, and returns what to call when nobody waits any more. */
  watch(wake: () => void): () => void {
    this.#wakers.add(wake);
    return () => void this.#wakers.delete(wake);
  }
}

/** Something to wait for. */
export class Pollable extends Resource {
  readonly #host: ComponentHost;
  readonly #readyAt: number;
  readonly #until: Signal | undefined;

  /** Ready at a time of the monotonic clock in milliseconds, and not before `until` has happened, if that is given. */
  constructor(host: ComponentHost, readyAt: number = Number.NEGATIVE_INFINITY, until?: Signal) {
    super(host.ledger);
    this.#host = host;
    this.#readyAt = readyAt;
    this.#until = until;
  }

  ready(): boolean {
    this.#host.count();
    return Pollable.isReady(this);
  }

  async block(): Promise<void> {
    await waitForAny(this.#host, [this]);
  }

  static isReady(one: Pollable): boolean {
    return one.#until?.hasHappened !== false && one.#host.environment.scope.clock.monotonicMs() >= one.#readyAt;
  }

  /** Calls `wake` once it may be ready, and returns what to call when nobody waits any more. */
  static watch(one: Pollable, wake: () => void): () => void {
    if (one.#until?.hasHappened === false) return one.#until.watch(wake);
    const { scope, limits } = one.#host.environment;
    // A turn that sleeps beyond its deadline is ended by that, so no timer has to stay longer.
    return scope.clock.after(Math.min(Math.max(0, one.#readyAt - scope.clock.monotonicMs()), limits.deadlineMs), wake);
  }
}

async function waitForAny(host: ComponentHost, pollables: readonly Pollable[]): Promise<void> {
  host.count();
  while (!pollables.some(Pollable.isReady)) {
    const { promise, resolve } = Promise.withResolvers<Bytes>();
    const wake = (): void => resolve(EMPTY);
    const cancels = [...new Set(pollables)].map((pollable) => Pollable.watch(pollable, wake));
    await host.wait(promise).finally(() => {
      for (const cancel of cancels) cancel();
    });
  }
}

/** Waits until one of them is ready, and answers which are. Ends the guest that polls none, or too many. */
export async function poll(host: ComponentHost, pollables: readonly Pollable[]): Promise<Uint32Array> {
  if (pollables.length === 0 || pollables.length > MAX_POLLABLES) {
    const message = `${host.environment.plugin} polls ${pollables.length} pollables; 1 to ${MAX_POLLABLES} are allowed`;
    host.control.doom(new HostError("plugin-failed", message));
    throw new WebAssembly.RuntimeError("ended by the host");
  }
  await waitForAny(host, pollables);
  return Uint32Array.from(pollables.flatMap((pollable, i) => (Pollable.isReady(pollable) ? [i] : [])));
}
