// One plugin's part of a Redis. Nothing of a script comes from a guest, and the names of keys never do.

import { randomUUID } from "node:crypto";
import { behind, bytesFull, keysFull, LOG_LIMITS, logTrimmed, maxLogBytes, noLog, type StorageBounds } from "../../bounds/storage.ts";
import { tooMuchRead } from "../../bounds/storage-rules.ts";
import type { KeyRange, RemoteCommit, RemoteSet, RemoteStorage, ScanRange } from "../../core/ports/storage.ts";
import type { StorageCommitOutcome, StorageEntry, StorageLogged, StoragePage, StorageVersioned } from "../../core/wit.ts";
import type { Answer, RedisConnection } from "./connection.ts";

export interface RedisStoreOptions extends StorageBounds {
  readonly connection: Pick<RedisConnection, "run">;
  readonly prefix: string;
  readonly keepsLog: boolean;
  /** Instead of the clock of Redis, for tests. */
  readonly now?: (() => number) | undefined;
}

const DIGITS = 16;
const bytes = (text: string): Buffer => Buffer.from(text, "utf8");
const textOf = (found: Answer | undefined): string => (Buffer.isBuffer(found) ? found.toString("utf8") : String(found ?? ""));
const listOf = (found: Answer | undefined): readonly Answer[] => (Array.isArray(found) ? found : []);
const bound = (kind: "[" | "(", key: string): Buffer => bytes(kind + key);

/** In one slot, should there be a cluster behind it. */
export const keysOf = (prefix: string, plugin: string): readonly string[] =>
  ["data", "index", "ends", "meta", "log"].map((part) => `${prefix}:{${plugin}}:${part}`);

export class RedisStore implements RemoteStorage {
  readonly #options: RedisStoreOptions;
  readonly #keys: readonly string[];

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#keys = keysOf(options.prefix, options.plugin);
  }

  async read(keys: readonly string[], maxBytes: number): Promise<readonly (StorageVersioned | undefined)[]> {
    const found = await this.#run("read", [maxBytes, ...keys.map(bytes)]);
    if (found === null) throw tooMuchRead(maxBytes);
    return listOf(found).map((one) => (Buffer.isBuffer(one) ? stored(one) : undefined));
  }

  async set({ key, value, trace, id }: RemoteSet): Promise<boolean> {
    const { had } = await this.#commit({ checks: [], changes: [{ key, value, ttlMs: undefined }], trace, id }, value === undefined);
    return had;
  }

  async commit(commit: RemoteCommit): Promise<StorageCommitOutcome> {
    const { committed, version } = await this.#commit(commit, false);
    return { committed, version };
  }

  async keys({ prefix, after, limit }: KeyRange): Promise<readonly string[]> {
    const [, ...keys] = listOf(await this.#run("range", ["forwards", ...forwards(prefix, after), limit, ""]));
    return keys.map(textOf);
  }

  async scan({ prefix, after, limit, reverse, maxBytes }: ScanRange): Promise<StoragePage> {
    const range = reverse ? ["reverse", ...backwards(prefix, after)] : ["forwards", ...forwards(prefix, after)];
    const [hasMore, ...found] = listOf(await this.#run("range", [...range, limit, maxBytes]));
    const entries: StorageEntry[] = [];
    for (let i = 0; i < found.length; i += 2) {
      const { value, version } = stored(found[i + 1] as Buffer);
      entries.push({ key: textOf(found[i]), value, version });
    }
    return { entries, next: Number(hasMore) === 1 ? entries.at(-1)?.key : undefined };
  }

  async changes(after: number, limit: number): Promise<readonly StorageLogged[]> {
    const { plugin, keepsLog } = this.#options;
    if (!keepsLog) throw noLog(plugin);
    const [since, ...rows] = listOf(await this.#run("changes", [after, limit]));
    if (after < Number(textOf(since))) throw logTrimmed(plugin, Number(textOf(since)));
    return rows.map((row) => {
      const [seq, key, removed, time, trace] = listOf(row).map(textOf);
      return { seq: Number(seq), key: key ?? "", removed: removed === "1", time: Number(time), trace: trace === "" ? undefined : trace };
    });
  }

  async close(): Promise<void> {}

  async #commit(
    { checks, changes, trace = "", above = 0, id = randomUUID() }: RemoteCommit,
    onlyWhereThere: boolean,
  ): Promise<StorageCommitOutcome & { readonly had: boolean }> {
    const { keepsLog, maxBytes, maxKeys } = this.#options;
    const answer = await this.#run("commit", [
      // The name is looked for with a pattern, in which a hyphen would mean something.
      ...[id.replaceAll("-", ""), trace, keepsLog ? 1 : 0, onlyWhereThere ? 1 : 0],
      ...[maxBytes, maxKeys, LOG_LIMITS.maxAgeMs, LOG_LIMITS.maxChanges, maxLogBytes(this.#options)],
      above,
      checks.length,
      ...checks.flatMap(({ key, version }) => [bytes(key), version]),
      ...changes.flatMap(({ key, value, ttlMs }) => [bytes(key), value === undefined ? 0 : 1, Buffer.from(value ?? []), ttlMs ?? ""]),
    ]);
    const [outcome, version, had, keys] = listOf(answer).map(textOf);
    if (outcome === "keys") throw keysFull(this.#options, Number(keys));
    if (outcome === "bytes") throw bytesFull(this.#options);
    return { committed: outcome === "made", version: Number(version), had: had === "1" };
  }

  #run(script: Parameters<RedisConnection["run"]>[0], args: Parameters<RedisConnection["run"]>[2]): Promise<Answer> {
    return this.#options.connection.run(script, this.#keys, [this.#options.now?.() ?? "", ...args]);
  }
}

function stored(found: Buffer): StorageVersioned {
  const endsAt = Number.parseInt(found.toString("latin1", DIGITS, 2 * DIGITS), 16);
  return {
    value: found.subarray(2 * DIGITS),
    version: Number.parseInt(found.toString("latin1", 0, DIGITS), 16),
    expiresAt: endsAt === 0 ? undefined : endsAt,
  };
}

function forwards(prefix: string, after: string | undefined): readonly [from: Buffer, to: Buffer] {
  const isWithin = after !== undefined && Buffer.compare(bytes(after), bytes(prefix)) >= 0;
  return [isWithin ? bound("(", after) : bound("[", prefix), bound("(", behind(prefix))];
}

function backwards(prefix: string, after: string | undefined): readonly [from: Buffer, to: Buffer] {
  const isWithin = after !== undefined && Buffer.compare(bytes(after), bytes(behind(prefix))) < 0;
  return [bound("(", isWithin ? after : behind(prefix)), bound("[", prefix)];
}
