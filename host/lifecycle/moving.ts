// Copies all that a plugin keeps from one store to another, a page at a time, and compares them.

import { MAX_BATCH_BYTES } from "../bounds/storage-rules.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { RemoteStorage } from "../core/ports/storage.ts";
import type { StorageChange, StorageEntry } from "../core/wit.ts";
import type { StorageReader } from "../drivers/storage-sqlite/reader.ts";

const PAGE = { prefix: "", limit: 500, reverse: false, maxBytes: MAX_BATCH_BYTES / 2 } as const;

type Readable = Pick<RemoteStorage, "read" | "scan">;

async function* pagesOf(storage: Readable, from?: string): AsyncGenerator<readonly StorageEntry[]> {
  for (let after = from; ; ) {
    const { entries, next } = await storage.scan({ ...PAGE, after });
    if (entries.length > 0) yield entries;
    if (next === undefined) return;
    after = next;
  }
}

const keysOf = (entries: readonly StorageEntry[]): string[] => entries.map(({ key }) => key);

interface Copying {
  /** The last key that is there already. */
  readonly after: string | undefined;
  now(): number;
  /** Told of each page that is there, by its last key. */
  note(after: string): void;
}

/** What arrives has versions above all that were given out before, so that no check holds by accident. Values end when they would have. */
export async function copyAll(from: StorageReader, to: RemoteStorage, { after, now, note }: Copying): Promise<void> {
  const above = await from.lastVersion();
  for await (const entries of pagesOf(from, after)) {
    const found = await from.read(keysOf(entries), MAX_BATCH_BYTES);
    const changes = entries.flatMap(({ key }, i): StorageChange[] => {
      const { value, expiresAt } = found[i] ?? {};
      // It has ended meanwhile.
      if (value === undefined) return [];
      return [{ key, value, ttlMs: expiresAt === undefined ? undefined : Math.max(1, expiresAt - now()) }];
    });
    if (changes.length > 0) await to.commit({ checks: [], changes, above });
    note(entries.at(-1)?.key ?? "");
  }
}

/** How much both have. Rejects with HostError `storage-failed` when they have not the same. */
export async function requireEqual(
  plugin: string,
  from: Readable,
  to: Readable,
): Promise<{ readonly keys: number; readonly bytes: number }> {
  const has = await requireWithin(plugin, from, to);
  await requireWithin(plugin, to, from);
  return has;
}

async function requireWithin(plugin: string, one: Readable, other: Readable): Promise<{ readonly keys: number; readonly bytes: number }> {
  let [keys, bytes] = [0, 0];
  for await (const entries of pagesOf(one)) {
    const found = await other.read(keysOf(entries), MAX_BATCH_BYTES);
    for (const [i, { key, value }] of entries.entries()) {
      const copy = found[i]?.value;
      // What has a time to live may end between two looks.
      if (copy === undefined && (await one.read([key], MAX_BATCH_BYTES))[0] === undefined) continue;
      if (copy === undefined || Buffer.compare(copy, value) !== 0)
        throw new HostError(
          "storage-failed",
          `the copy of "${printable(key)}" of ${plugin} is another; its data are where they were, move them again`,
        );
      keys += 1;
      bytes += Buffer.byteLength(key) + value.length;
    }
  }
  return { keys, bytes };
}
