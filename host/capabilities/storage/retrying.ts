// Asks a store once more that could not be reached. Each write has a name of its own, by which the store knows one that it has made already: it is made once,
// also where its answer was lost.

import { randomUUID } from "node:crypto";
import { StoreUnavailable } from "../../bounds/store-unavailable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { RemoteStorage } from "../../core/ports/storage.ts";

const TRIES = 3;
const FIRST_PAUSE_MS = 20;

export interface Patience {
  readonly clock: Clock;
  /** On the monotonic clock; nothing is tried after it. */
  readonly deadline: number;
  /** Aborts when nobody waits for the answer. */
  readonly ended?: AbortSignal | undefined;
}

export function retrying(storage: RemoteStorage, patience: Patience): RemoteStorage {
  const again = <T>(ask: () => Promise<T>): Promise<T> => retried(ask, patience);
  return {
    read: (keys, maxBytes) => again(() => storage.read(keys, maxBytes)),
    set(change) {
      const named = { id: randomUUID(), ...change };
      return again(() => storage.set(named));
    },
    commit(commit) {
      const named = { id: randomUUID(), ...commit };
      return again(() => storage.commit(named));
    },
    keys: (range) => again(() => storage.keys(range)),
    scan: (range) => again(() => storage.scan(range)),
    changes: (after, limit) => again(() => storage.changes(after, limit)),
    close: () => storage.close(),
  };
}

async function retried<T>(ask: () => Promise<T>, { clock, deadline, ended }: Patience): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (thrown) {
      if (!(thrown instanceof StoreUnavailable) || tries === TRIES || ended?.aborted === true) throw thrown;
      // Full jitter, so that those who failed together do not come back together.
      const pauseMs = Math.random() * FIRST_PAUSE_MS * 2 ** tries;
      if (clock.monotonicMs() + pauseMs >= deadline) throw thrown;
      await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
    }
  }
}
