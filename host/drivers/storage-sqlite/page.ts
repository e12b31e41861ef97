// A page of entries from the file of a plugin's storage.

import { behind } from "../../bounds/storage.ts";
import type { ScanRange } from "../../core/ports/storage.ts";
import type { StorageEntry, StoragePage } from "../../core/wit.ts";
import type { Statements } from "./statements.ts";

export function pageOf(
  { forwards, backwards }: Pick<Statements, "forwards" | "backwards">,
  { prefix, after, limit, reverse, maxBytes }: ScanRange,
  now: number,
): StoragePage {
  const rows = reverse ? backwards.iterate(behind(prefix), after ?? behind(""), now) : forwards.iterate(prefix, after ?? "", now);
  const entries: StorageEntry[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (!row.key.startsWith(prefix)) break;
    bytes += Buffer.byteLength(row.key) + row.value.length;
    if (entries.length === limit || (bytes > maxBytes && entries.length > 0)) return { entries, next: entries.at(-1)?.key };
    entries.push(row);
  }
  return { entries, next: undefined };
}
