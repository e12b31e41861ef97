// One plugin's part, one question after the other. A commit is made when the plugin's document has it as what is intended; then its entries are written.

import { randomUUID } from "node:crypto";
import { behind, LOG_LIMITS, logTrimmed, maxLogBytes, noLog, type StorageBounds } from "../../bounds/storage.ts";
import { tooMuchRead } from "../../bounds/storage-rules.ts";
import { StoreUnavailable } from "../../bounds/store-unavailable.ts";
import { HostError } from "../../core/errors.ts";
import type { KeyRange, RemoteCommit, RemoteSet, RemoteStorage, ScanRange } from "../../core/ports/storage.ts";
import type { StorageCommitOutcome, StorageEntry, StorageLogged, StoragePage, StorageVersioned } from "../../core/wit.ts";
import { type Found, idOf, keyOf, logIdOf, type Planned, planned } from "./commits.ts";
import { copyOf, type Entry, type FindCursor, type Intent, type Logged, lengthOf, type Meta, type MongoConnection } from "./connection.ts";
import { held, type LeaseOptions, release } from "./lease.ts";

const NAMES_KEPT = 16;
/** Of the log's limits, when it is trimmed for one of them. */
const KEPT_SHARE = 0.98;

/** What is under way; the next waits for it. */
export interface Queue {
  last: Promise<unknown>;
}

export interface MongoStoreOptions extends StorageBounds, LeaseOptions {
  readonly connection: MongoConnection;
  readonly keepsLog: boolean;
  /** Of all that have the plugin's part open in this host. */
  readonly queue: Queue;
  /** Instead of the server's clock, for tests. */
  readonly now?: (() => number) | undefined;
}

export class MongoStore implements RemoteStorage {
  readonly #options: MongoStoreOptions;

  constructor(options: MongoStoreOptions) {
    this.#options = options;
  }

  read(keys: readonly string[], maxBytes: number): Promise<readonly (StorageVersioned | undefined)[]> {
    return this.#alone(async () => {
      const found = await this.#entries(
        [...new Set(keys)].map((key) => idOf(this.#options.plugin, key)),
        maxBytes,
      );
      const now = this.#now();
      let total = 0;
      return keys.map((key) => {
        const entry = found.get(idOf(this.#options.plugin, key));
        if (entry === undefined || !isLive(entry, now)) return undefined;
        total += lengthOf(entry.value);
        if (total > maxBytes) throw tooMuchRead(maxBytes);
        return { value: copyOf(entry.value), version: entry.version, expiresAt: entry.endsAt ?? undefined };
      });
    });
  }

  async set({ key, value, trace, id }: RemoteSet): Promise<boolean> {
    const { had } = await this.#commit({ checks: [], changes: [{ key, value, ttlMs: undefined }], trace, id }, value === undefined);
    return had;
  }

  async commit(commit: RemoteCommit): Promise<StorageCommitOutcome> {
    const { committed, version } = await this.#commit(commit, false);
    return { committed, version };
  }

  keys({ prefix, after, limit }: KeyRange): Promise<readonly string[]> {
    return this.#alone(async () => {
      const range = { prefix, after, reverse: false };
      const keys: string[] = [];
      for await (const { _id } of this.#range(range).project<Pick<Entry, "_id">>({ _id: 1 }).limit(limit))
        keys.push(keyOf(this.#options.plugin, _id));
      return keys;
    });
  }

  scan({ limit, maxBytes, ...range }: ScanRange): Promise<StoragePage> {
    return this.#alone(async () => {
      const entries: StorageEntry[] = [];
      let bytes = 0;
      for await (const { _id, value, version } of this.#range(range)
        .batchSize(100)
        .limit(limit + 1)) {
        const key = keyOf(this.#options.plugin, _id);
        bytes += Buffer.byteLength(key) + lengthOf(value);
        if (entries.length === limit || (bytes > maxBytes && entries.length > 0)) return { entries, next: entries.at(-1)?.key };
        entries.push({ key, value: copyOf(value), version });
      }
      return { entries, next: undefined };
    });
  }

  changes(after: number, limit: number): Promise<readonly StorageLogged[]> {
    const { plugin, keepsLog } = this.#options;
    if (!keepsLog) return Promise.reject(noLog(plugin));
    return this.#alone(async (meta) => {
      const since = meta.logSince ?? meta.seq;
      if (after < since) throw logTrimmed(plugin, since);
      const found: StorageLogged[] = [];
      for await (const { seq, time, trace, changes } of this.#log(after)) {
        found.push(...changes.map(({ key, removed }) => ({ seq, key, removed, time, trace: trace ?? undefined })));
        if (found.length >= limit) break;
      }
      return found;
    });
  }

  async close(): Promise<void> {
    await this.#options.queue.last;
    await this.#options.connection.asked(() => release(this.#options)).catch(() => {});
  }

  /** One after the other, with the document as it is when nothing is left to be written. */
  #alone<T>(work: (meta: Meta) => Promise<T>): Promise<T> {
    const run = (): Promise<T> => this.#options.connection.asked(async () => work(await this.#settled(await held(this.#options))));
    const { queue } = this.#options;
    const done = queue.last.then(run);
    queue.last = done.catch(() => {});
    return done;
  }

  #commit(
    { checks, changes, trace, above = 0, id = randomUUID() }: RemoteCommit,
    onlyWhereThere: boolean,
  ): Promise<StorageCommitOutcome & { readonly had: boolean }> {
    return this.#alone(async (meta) => {
      const { plugin } = this.#options;
      const made = meta.made.find((one) => one.id === id);
      if (made !== undefined) return { committed: true, version: made.seq, had: made.had };
      const now = this.#now();
      const ids = [...checks, ...changes].map(({ key }) => idOf(plugin, key));
      const found = await this.#found(ids, meta.hasEnds, now);
      const live = (key: string): Entry | undefined => {
        const entry = found.entries.get(idOf(plugin, key));
        return entry !== undefined && isLive(entry, now) ? entry : undefined;
      };
      if (!checks.every(({ key, version }) => (live(key)?.version ?? 0) === version)) return { committed: false, version: 0, had: false };
      const [first] = changes;
      const had = first !== undefined && live(first.key) !== undefined;
      if (first === undefined || (onlyWhereThere && !had)) return { committed: true, version: 0, had };
      const seq = Math.max(meta.seq, above) + 1;
      const plan = planned({ ...this.#options, meta, seq, changes, now, trace }, found);
      await this.#make(meta, plan, { id, seq, had });
      return { committed: true, version: seq, had };
    });
  }

  async #make(meta: Meta, { intent, bytes, keys }: Planned, made: Meta["made"][number]): Promise<void> {
    const { connection, plugin, holder, keepsLog } = this.#options;
    const { count = 0, bytes: logged = 0 } = intent.logged ?? {};
    const log = keepsLog
      ? { logSince: meta.logSince ?? meta.seq, logChanges: meta.logChanges + count, logBytes: meta.logBytes + logged }
      : { logSince: null, logChanges: 0, logBytes: 0 };
    const hasEnds = meta.hasEnds || intent.entries.some(({ endsAt }) => endsAt !== null);
    const next = { seq: intent.seq, bytes, keys, hasEnds, intent, made: [made, ...meta.made].slice(0, NAMES_KEPT), ...log };
    const { matchedCount } = await connection.meta.updateOne(
      { _id: plugin, holder, fence: meta.fence, seq: meta.seq, intent: null },
      { $set: next },
    );
    if (matchedCount === 0) throw new HostError("storage-failed", `another host writes the storage of ${plugin} from now on`);
    if (!keepsLog && meta.logSince !== null) await connection.log.deleteMany(this.#logRange(0));
    await this.#settled({ ...meta, ...next });
  }

  /** Writes what a commit left to be written; the same once more changes nothing. */
  async #settled(meta: Meta): Promise<Meta> {
    if (meta.intent === null) return meta;
    const { connection, plugin, timeoutMs } = this.#options;
    const { seq, entries, logged } = meta.intent;
    // What would come too late may find that another host holds the lease, and has written what is newer. That host writes this first.
    if (connection.now() > meta.heldUntil - 2 * timeoutMs) throw new StoreUnavailable(`${plugin} has its lease for too short a time`);
    // Nobody reads in between, and whoever finds the intent does all of it once more.
    await connection.entries.deleteMany({ _id: { $in: entries.map(({ _id }) => _id) } });
    const kept = entries.flatMap(({ value, ...entry }) => (value === null ? [] : [{ ...entry, plugin, value }]));
    if (kept.length > 0) await connection.entries.insertMany(kept);
    if (logged !== null) await connection.log.replaceOne({ _id: logged._id }, logged, { upsert: true });
    const trimmed = await this.#trimmed(meta, meta.intent);
    await connection.meta.updateOne({ _id: plugin, seq }, { $set: { intent: null, ...trimmed } });
    return { ...meta, ...trimmed, intent: null };
  }

  /** The log without what is too much of it: whole commits, the oldest first, and some more, so that not every commit trims. */
  async #trimmed(meta: Meta, { logged }: Intent): Promise<Pick<Meta, "logSince" | "logChanges" | "logBytes">> {
    let { logSince, logChanges, logBytes } = meta;
    if (logged === null) return { logSince, logChanges, logBytes };
    const maxBytes = maxLogBytes(this.#options);
    const cutoff = logged.time - LOG_LIMITS.maxAgeMs;
    let share = 1;
    const isOver = (): boolean => logChanges > share * LOG_LIMITS.maxChanges || logBytes > share * maxBytes;
    const before = logSince;
    for await (const { seq, time, count, bytes } of this.#log(0).project<Omit<Logged, "changes">>({ changes: 0 })) {
      if (time > cutoff && !isOver()) break;
      if (time > cutoff) share = KEPT_SHARE;
      [logSince, logChanges, logBytes] = [seq, logChanges - count, logBytes - bytes];
    }
    const { connection, plugin } = this.#options;
    if (logSince !== before) await connection.log.deleteMany({ _id: { $gt: logIdOf(plugin, 0), $lte: logIdOf(plugin, logSince ?? 0) } });
    return { logSince, logChanges, logBytes };
  }

  #log(after: number): FindCursor<Logged> {
    return this.#options.connection.log.find(this.#logRange(after)).sort({ _id: 1 });
  }

  #logRange(after: number): { readonly _id: object } {
    const { plugin } = this.#options;
    return { _id: { $gt: logIdOf(plugin, after), $lte: logIdOf(plugin, Number.MAX_SAFE_INTEGER) } };
  }

  async #found(ids: readonly string[], hasEnds: boolean, now: number): Promise<Found> {
    const { connection, plugin } = this.#options;
    const ended = hasEnds ? await connection.entries.find({ plugin, endsAt: { $ne: null, $lte: now } }).toArray() : [];
    const entries = new Map(ended.map((entry) => [entry._id, entry]));
    for (const [id, entry] of await this.#entries([...new Set(ids)])) entries.set(id, entry);
    return { entries, ended: ended.map(({ _id }) => _id) };
  }

  async #entries(ids: readonly string[], maxBytes: number = Number.POSITIVE_INFINITY): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>();
    if (ids.length === 0) return found;
    let bytes = 0;
    for await (const entry of this.#options.connection.entries.find({ _id: { $in: [...ids] } }).batchSize(100)) {
      bytes += lengthOf(entry.value);
      if (bytes > maxBytes) throw tooMuchRead(maxBytes);
      found.set(entry._id, entry);
    }
    return found;
  }

  #range({ prefix, after, reverse }: Omit<ScanRange, "limit" | "maxBytes">) {
    const { connection, plugin } = this.#options;
    const id = (key: string): string => idOf(plugin, key);
    const end =
      after !== undefined && reverse && Buffer.compare(Buffer.from(after), Buffer.from(behind(prefix))) < 0 ? after : behind(prefix);
    const within = { $gte: id(prefix), $lt: id(end), ...(after === undefined || reverse ? {} : { $gt: id(after) }) };
    const live = [{ endsAt: null }, { endsAt: { $gt: this.#now() } }];
    return connection.entries.find({ _id: within, $or: live }).sort({ _id: reverse ? -1 : 1 });
  }

  #now(): number {
    return this.#options.now?.() ?? this.#options.connection.now();
  }
}

const isLive = ({ endsAt }: Entry, now: number): boolean => endsAt === null || endsAt > now;
