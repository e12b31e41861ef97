// What a commit would change, worked out before anything is written.

import { bytesFull, keysFull, logBytesOf, type StorageBounds } from "../../bounds/storage.ts";
import type { StorageChange } from "../../core/wit.ts";
import { type Entry, type Intent, type Logged, lengthOf, type Meta } from "./connection.ts";

const SEQ_DIGITS = 16;

export const idOf = (plugin: string, key: string): string => `${plugin}:${key}`;
export const logIdOf = (plugin: string, seq: number): string => `${plugin}:${String(seq).padStart(SEQ_DIGITS, "0")}`;
export const keyOf = (plugin: string, id: string): string => id.slice(plugin.length + 1);
export interface Found {
  /** By their ids: what the changes are about, and what has ended. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly ended: readonly string[];
}

export interface Planned {
  readonly intent: Intent;
  readonly bytes: number;
  readonly keys: number;
}

export interface Plan extends StorageBounds {
  readonly meta: Meta;
  readonly seq: number;
  readonly changes: readonly StorageChange[];
  readonly keepsLog: boolean;
  readonly now: number;
  readonly trace: string | undefined;
}

/** Throws HostError `quota-exceeded`. */
export function planned(plan: Plan, { entries, ended }: Found): Planned {
  const { meta, seq, changes, plugin, now } = plan;
  const after = new Map<string, Intent["entries"][number]>();
  for (const id of ended) after.set(id, { _id: id, value: null, version: seq, endsAt: null });
  const freed = [...ended].reduce((sum, id) => sum + sizeOf(plugin, entries.get(id)), 0);
  const [keysBefore, bytesBefore] = [meta.keys - ended.length, meta.bytes - freed];
  for (const { key, value, ttlMs } of changes) {
    const _id = idOf(plugin, key);
    after.set(_id, { _id, value: value ?? null, version: seq, endsAt: value === undefined || ttlMs === undefined ? null : now + ttlMs });
  }
  let [keys, bytes] = [meta.keys, meta.bytes];
  for (const [id, entry] of after) {
    const before = entries.get(id);
    keys += (entry.value === null ? 0 : 1) - (before === undefined ? 0 : 1);
    bytes += sizeOf(plugin, entry) - sizeOf(plugin, before);
  }
  if (keys > plan.maxKeys && keys > keysBefore) throw keysFull(plan, keysBefore);
  if (bytes > plan.maxBytes && bytes > bytesBefore) throw bytesFull(plan);
  return { intent: { seq, entries: [...after.values()], logged: plan.keepsLog ? loggedOf(plan) : null }, bytes, keys };
}

function loggedOf({ plugin, seq, changes, now, trace }: Plan): Logged {
  const bytes = changes.reduce((sum, { key }) => sum + logBytesOf(Buffer.byteLength(key)), 0);
  const rows = changes.map(({ key, value }) => ({ key, removed: value === undefined }));
  return { _id: logIdOf(plugin, seq), seq, time: now, trace: trace ?? null, changes: rows, count: rows.length, bytes };
}

function sizeOf(plugin: string, entry: Pick<Intent["entries"][number], "_id" | "value"> | undefined): number {
  if (entry === undefined || entry.value === null) return 0;
  return Buffer.byteLength(entry._id) - plugin.length - 1 + lengthOf(entry.value);
}
