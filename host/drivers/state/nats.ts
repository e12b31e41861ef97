// The shared state of hosts that share NATS servers. Each host has a copy, so reading asks nobody and may be as old as the way from the servers is long; who writes
// on the condition of a revision asks the servers, who let one of all hosts win.

import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import { isPluginName, isStateKey } from "../../core/names.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { StateChange, StateDriver, StateEntry, StateWrite } from "../../core/ports/state.ts";
import type { KeyRange } from "../../core/ports/storage.ts";
import type { Bytes } from "../../core/types.ts";
import type { Driver } from "../../seams.ts";
import type { BucketCopy, BucketEntry } from "../nats/bucket.ts";
import { NATS_PACKAGES, type NatsOptions, natsShape } from "../nats/options.ts";
import { MIB, type StateOptions, stateShape } from "./options.ts";
import { StateRows } from "./rows.ts";

export interface NatsStateOptions extends StateOptions, NatsOptions {}

export const nats: Driver<StateDriver, NatsStateOptions> = {
  name: "nats",
  options: z.strictObject({ ...stateShape, ...natsShape }),
  packages: NATS_PACKAGES,
  async open({ clock, log }, { maxMiB, maxKeys, ...options }) {
    const { openNats } = await import("../nats/connection.ts");
    const { BucketCopy } = await import("../nats/bucket.ts");
    await using opened = new AsyncDisposableStack();
    const connection = opened.use(await openNats(options, log));
    const state = new NatsState({ clock, maxBytes: maxMiB * MIB, maxKeys });
    opened.defer(() => state.close());
    state.goOnWith(opened.use(await BucketCopy.open(connection, "state", state)));
    const all = opened.move();
    return Object.assign(state, { [Symbol.asyncDispose]: () => all.disposeAsync() });
  },
};

/** Of headers. What has another version is nobody's to read here, and not to be written over. */
const VERSION = "Bulkhead-Version";
const OWNER = "Bulkhead-Owner";
const TTL = "Bulkhead-Ttl-Ms";
/** As often a change that another one came before is tried again with what is there now. */
const ATTEMPTS = 5;

interface NatsStatePorts {
  readonly clock: Clock;
  readonly maxBytes: number;
  readonly maxKeys: number;
}

type Bucket = Pick<BucketCopy, "put" | "remove" | "catchUp">;

export class NatsState implements StateDriver {
  readonly #clock: Clock;
  readonly #rows: StateRows;
  /** The last write of each owner: what he may have is looked at when the one before is there. */
  readonly #writing = new Map<string, Promise<unknown>>();
  #bucket: Bucket | undefined;

  constructor(ports: NatsStatePorts) {
    this.#clock = ports.clock;
    this.#rows = new StateRows({ ...ports, onSweep: () => void this.#sweep().catch(() => {}) });
  }

  /** To be called once, before anything else. */
  goOnWith(bucket: Bucket): void {
    this.#bucket = bucket;
  }

  readonly onEntry = (entry: BucketEntry, wasThere: boolean): void => {
    const { key, revision, value, isDeleted } = entry;
    if (!isStateKey(key)) return;
    const said = isDeleted ? undefined : saidOf(entry);
    if (said === undefined) return this.#rows.change(key, undefined, revision);
    const { owner, ttlMs } = said;
    // What is told at once has all of its time; of what lay there, as much has gone as this host's clock and the server's say.
    const gone = wasThere ? Math.max(0, this.#clock.now() - entry.timeMs) : 0;
    const endsAt = this.#rows.endOf(ttlMs === undefined ? undefined : Math.max(0, ttlMs - gone));
    // A copy: it is a view on what the connection has read.
    const row = { value: value.slice(), owner, revision, endsAt };
    if (wasThere) this.#rows.put(key, row);
    else this.#rows.change(key, row, revision);
  };

  get(key: string): StateEntry | undefined {
    return this.#rows.get(key);
  }

  set(key: string, value: Bytes, write: StateWrite): Promise<number | undefined> {
    return this.#after(write.owner, () => this.#set(key, value, write));
  }

  async delete(key: string, expected: number | undefined): Promise<number | undefined> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const row = this.#rows.expected(key, expected);
      if (row === undefined) return undefined;
      const revision = await this.#there.remove(key, row.revision);
      if (revision !== undefined) return revision;
      await this.#there.catchUp(key);
    }
    throw tooManyWriters(key);
  }

  keys(range: KeyRange, isVisible: (key: string) => boolean): readonly string[] {
    return this.#rows.keys(range, isVisible);
  }

  watch(onChange: (change: StateChange) => void): () => void {
    return this.#rows.watch(onChange);
  }

  close(): void {
    this.#rows.close();
  }

  get #there(): Bucket {
    if (this.#bucket === undefined) throw new HostError("storage-failed", "the shared state is not open");
    return this.#bucket;
  }

  async #set(key: string, value: Bytes, write: StateWrite): Promise<number | undefined> {
    const { owner, expected, ttlMs } = write;
    const said = { [VERSION]: "1", [OWNER]: owner, ...(ttlMs === undefined ? {} : { [TTL]: String(ttlMs) }) };
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      if (!(await this.#takes(key, value, write))) return undefined;
      // What has ended lies there still, and what is gone leaves a mark: both have a revision, and count as none.
      const revision = await this.#there.put(key, value, said, expected === undefined ? undefined : this.#rows.revisionOf(key));
      if (revision !== undefined) return revision;
      const last = await this.#there.catchUp(key);
      const overMark = expected === 0 && this.#rows.revisionOf(key) === 0 && last !== 0;
      const over = overMark ? await this.#there.put(key, value, said, last) : undefined;
      if (over !== undefined) return over;
    }
    throw tooManyWriters(key);
  }

  async #takes(key: string, value: Bytes, write: StateWrite): Promise<boolean> {
    try {
      return this.#rows.takes(key, value, write);
    } catch (thrown) {
      if (!(thrown instanceof HostError && thrown.code === "quota-exceeded") || this.#rows.ended().length === 0) throw thrown;
      await this.#sweep();
      return this.#rows.takes(key, value, write);
    }
  }

  async #sweep(): Promise<void> {
    // Another host may have found it too.
    for (const key of this.#rows.ended())
      if ((await this.#there.remove(key, this.#rows.revisionOf(key))) === undefined) await this.#there.catchUp(key);
  }

  async #after<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const before = this.#writing.get(owner);
    const done = (before ?? Promise.resolve()).then(work, work);
    this.#writing.set(owner, done);
    try {
      return await done;
    } finally {
      if (this.#writing.get(owner) === done) this.#writing.delete(owner);
    }
  }
}

/** Undefined for what no host of this version has written. */
function saidOf({ value, header }: BucketEntry): { readonly owner: string; readonly ttlMs: number | undefined } | undefined {
  const [version, owner = "", ttl = "0"] = [header(VERSION), header(OWNER), header(TTL)];
  if (version !== "1" || !isPluginName(owner) || !/^\d{1,15}$/.test(ttl) || value.length > MAX_VALUE_BYTES) return undefined;
  return { owner, ttlMs: ttl === "0" ? undefined : Number(ttl) };
}

const MAX_VALUE_BYTES = 64 * 1_024;

const tooManyWriters = (key: string): HostError =>
  new HostError("storage-failed", `others changed ${key} each of the ${ATTEMPTS} times that it was tried; try again`);
