// Whether what was unpacked is what a host of ours has written: databases with our schemas and no others, whole, an audit log without a gap, packages and blobs that
// are what they are called. Nothing of a database is run for it.

import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import Database, { type Database as Connection } from "better-sqlite3";
import { AuditLog } from "../admin/audit.ts";
import { AuditAnchor } from "../admin/audit-anchor.ts";
import { hostSteps } from "../admin/database.ts";
import type { Step } from "../bounds/ladder.ts";
import { SCHEDULE_STEPS } from "../capabilities/schedules/store.ts";
import { HostError } from "../core/errors.ts";
import { CONTENT, ENTRY, entryFile, parseEntry } from "../drivers/blobs/entry-file.ts";
import { EVENT_STEPS } from "../drivers/events/sqlite-store.ts";
import { STATE_STEPS } from "../drivers/state/sqlite.ts";
import { STEPS as STORAGE_STEPS } from "../drivers/storage-sqlite/schema.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { idOf } from "../install/package-store.ts";
import { damaged, EVENTS, HOST, type Manifest, SCHEDULES, SENDS, STATE } from "./contents.ts";

const COMPANIONS = ["-wal", "-shm"];
const MAX_MANIFEST_BYTES = 1_048_576;

/** Throws HostError `invalid-message` for the first thing that is wrong, `storage-failed` for a store that a later version wrote. */
export function checkUnpacked(folder: string, { files, audit }: Manifest, label: string): void {
  const names = files.map(({ name }) => name);
  for (const name of names.filter((one) => one.endsWith(".sqlite"))) checkStore(folder, name, label);
  checkAudit(folder, audit, label);
  for (const id of new Set(names.filter((one) => one.startsWith("packages/")).map((one) => one.split("/")[1] ?? "")))
    checkPackage(folder, id, label);
  for (const plugin of new Set(names.filter((one) => one.startsWith("blobs/")).map((one) => one.split("/")[1] ?? "")))
    checkBlobs(join(folder, "blobs", plugin), label);
}

/** Of one database. What it finds is the same for the copy of a host that still is. */
export function checkStore(folder: string, name: string, label: string): void {
  const file = join(folder, name);
  try {
    reading(file, (connection) => {
      requireSchema(connection, stepsOf(name, folder), `${name} in ${label}`);
      const found = connection.pragma("integrity_check(1)", { simple: true });
      if (found !== "ok") throw damaged(label, `${name} in it is damaged`, String(found).slice(0, 500));
    });
  } catch (cause) {
    if (cause instanceof Database.SqliteError) throw damaged(label, `${name} in it is no database of ours`, cause.message);
    throw cause;
  }
}

function reading(file: string, work: (connection: Connection) => void): void {
  const connection = new Database(file, { readonly: true });
  try {
    // What somebody wrote into its schema is not to be run here.
    connection.pragma("trusted_schema = OFF");
    connection.pragma("cell_size_check = ON");
    work(connection);
  } finally {
    connection.close();
    for (const ending of COMPANIONS) rmSync(file + ending, { force: true });
  }
}

function stepsOf(name: string, folder: string): readonly Step[] {
  const stores: Readonly<Record<string, readonly Step[]>> = {
    [HOST]: hostSteps(folder),
    [EVENTS]: EVENT_STEPS,
    [SENDS]: EVENT_STEPS,
    [STATE]: STATE_STEPS,
    [SCHEDULES]: SCHEDULE_STEPS,
  };
  return Object.hasOwn(stores, name) ? (stores[name] ?? []) : STORAGE_STEPS;
}

/**
 * A trigger in it would do what nobody asked for as soon as somebody writes. One that climbed from an earlier version has the same words. Of an older schema
 * tables and indexes may be as they were then, and all else is of ours.
 */
function requireSchema(connection: Connection, steps: readonly Step[], what: string): void {
  const schema = Number(connection.pragma("user_version", { simple: true }));
  if (schema > steps.length)
    throw new HostError("storage-failed", `${what} was written by a later bulkhead; bring it back with that version`);
  const ours = new Set(schemaOf(climbed(steps)));
  const found = schemaOf(connection);
  const foreign = found.find(
    (one) => !ours.has(one) && (schema === steps.length || !/^(table|index)\n[^\n]*\nCREATE (?:UNIQUE )?(?:TABLE|INDEX) /i.test(one)),
  );
  if (foreign !== undefined || (schema === steps.length && found.length !== ours.size))
    throw damaged(what, "its schema is not one of ours", foreign?.slice(0, 500));
}

const schemaOf = (connection: Connection): string[] =>
  connection
    .prepare<[], { readonly type: string; readonly name: string; readonly sql: string }>(
      "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL",
    )
    .all()
    .map(({ type, name, sql }) => `${type}\n${name}\n${sql}`);

function climbed(steps: readonly Step[]): Connection {
  const connection = new Database(":memory:");
  for (const { up } of steps) up(connection);
  return connection;
}

function checkAudit(folder: string, { entries, hash }: Manifest["audit"], label: string): void {
  reading(join(folder, HOST), (connection) => {
    // Nothing anchors it here; the manifest says how far it had come.
    const found = new AuditLog(connection, systemClock, new AuditAnchor(join(folder, "none"))).verify();
    if (!found.ok) throw damaged(label, `entry ${found.seq} of its audit log: ${found.problem}`);
    const last = connection.prepare<[], string>("SELECT hash FROM audit_head").pluck().get();
    if (found.entries !== entries || last !== hash) throw damaged(label, "its audit log is not the one that the manifest names");
  });
}

function checkPackage(folder: string, id: string, label: string): void {
  const [manifest, module] = ["plugin.json", "module.wasm"].map((name) => join(folder, "packages", id, name));
  const isWhole = manifest !== undefined && module !== undefined && existsSync(manifest) && existsSync(module);
  if (!isWhole || statSync(manifest).size > MAX_MANIFEST_BYTES) throw damaged(label, `the package ${id} in it is not whole`);
  const read = { manifestText: readFileSync(manifest, "utf8"), wasm: new Uint8Array(readFileSync(module)) };
  if (idOf(read) !== id) throw damaged(label, `the package ${id} in it is another one`);
}

function checkBlobs(folder: string, label: string): void {
  const names = new Set(readdirSync(folder));
  for (const name of names) {
    if (!name.endsWith(ENTRY)) continue;
    const path = join(folder, name);
    const entry = statSync(path).size > MAX_MANIFEST_BYTES ? undefined : parseEntry(readFileSync(path, "utf8"));
    const content = `${entry?.id}${CONTENT}`;
    const isWhole =
      entry !== undefined && entryFile(entry.name) === name && names.has(content) && statSync(join(folder, content)).size === entry.size;
    if (!isWhole) throw damaged(label, `the blob ${name} in it is not whole`);
  }
}
