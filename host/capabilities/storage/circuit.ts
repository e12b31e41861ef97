// Keeps those waiting from waiting who ask a store that is away: after some failures in a row nobody is sent to it for a while, then one is, to see.

import { StoreUnavailable } from "../../bounds/store-unavailable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { RemoteStorage } from "../../core/ports/storage.ts";

const OPENS_AFTER = 5;
const OPEN_MS = 5_000;

/** Of one store, for all plugins that keep something in it. */
export class Circuit {
  readonly #clock: Clock;
  readonly #tell: (message: string, cause?: unknown) => void;
  #failures = 0;
  #openUntil = Number.NEGATIVE_INFINITY;
  #isProbing = false;
  #last: unknown;

  /** `tell` hears when it opens and when the store is back. */
  constructor(clock: Clock, tell: (message: string, cause?: unknown) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether the store was away when it was last asked. */
  get isOpen(): boolean {
    return this.#failures >= OPENS_AFTER;
  }

  /** Settles as the work does; rejects with StoreUnavailable at once while the store is taken to be away. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const probes = this.isOpen;
    if (probes && (this.#isProbing || this.#clock.monotonicMs() < this.#openUntil))
      throw new StoreUnavailable("the store is away; it is tried again within seconds", this.#last);
    this.#isProbing = probes;
    try {
      const done = await work();
      this.#close();
      return done;
    } catch (thrown) {
      if (thrown instanceof StoreUnavailable) this.#count(thrown);
      else this.#close();
      throw thrown;
    } finally {
      if (probes) this.#isProbing = false;
    }
  }

  #count(why: StoreUnavailable): void {
    this.#failures += 1;
    this.#last = why;
    if (this.#failures < OPENS_AFTER) return;
    this.#openUntil = this.#clock.monotonicMs() + OPEN_MS;
    if (this.#failures === OPENS_AFTER)
      this.#tell(`a store of plugins is away: ${why.message}; what they ask of it fails at once`, why.cause);
  }

  #close(): void {
    if (this.isOpen) this.#tell("a store of plugins is back");
    this.#failures = 0;
    this.#last = undefined;
  }
}

/** A storage whose store is asked through the circuit. */
export function throughCircuit(storage: RemoteStorage, circuit: Circuit): RemoteStorage {
  return {
    read: (keys, maxBytes) => circuit.run(() => storage.read(keys, maxBytes)),
    set: (change) => circuit.run(() => storage.set(change)),
    commit: (commit) => circuit.run(() => storage.commit(commit)),
    keys: (range) => circuit.run(() => storage.keys(range)),
    scan: (range) => circuit.run(() => storage.scan(range)),
    changes: (after, limit) => circuit.run(() => storage.changes(after, limit)),
    close: () => storage.close(),
  };
}
