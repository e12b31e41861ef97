// How a store that an earlier version wrote becomes one of this version: a ladder of steps, each one transaction, after a copy of the file was made
// beside it. What the steps do is the store's own; nothing ever climbs down.

import { closeSync, constants, existsSync, fsyncSync, openSync, readdirSync, readSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Database as Connection } from "better-sqlite3";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";

export interface Step {
  /** The version of bulkhead that writes this schema first; an older one refuses the store with it. Numbers up to 255. */
  readonly since: `${number}.${number}.${number}`;
  /** Within the step's transaction. */
  readonly up: (connection: Connection) => void;
  /** Once it is committed: what no transaction can hold. */
  readonly settle?: (connection: Connection) => void;
}

/** Where SQLite's header has the schema's number. */
const USER_VERSION_AT = 60;
/** The first byte of the application id, whose others are the version of bulkhead that wrote the schema first. */
const MARK = 0x42;
const PRIVATE = 0o600;
const PIECE_BYTES = 1_048_576;
// A link would lead to a file of somebody else.
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * Opens a store and brings it to the last schema of the ladder, which a new one climbs from below. `file` is what `open` opens, undefined in memory; nobody
 * else may have it open. Throws HostError `storage-failed` for a store of a newer version, and when copy or step fails: then it has the schema that the
 * message names, and all that was in it.
 */
export function openStore(open: () => Connection, steps: readonly Step[], file: string | undefined): Connection {
  let connection = open();
  const store = escapeControls(file ?? "the store");
  let reached = 0;
  try {
    reached = Number(connection.pragma("user_version", { simple: true }));
    if (reached > steps.length) throw new HostError("storage-failed", `${store} ${newer(connection, reached, steps.length)}`);
    const isNew = connection.prepare<[], number>("SELECT count(*) FROM sqlite_schema").pluck().get() === 0;
    if (reached < steps.length && file !== undefined && !isNew) {
      closeWhole(connection);
      copy(file, reached + 1);
      connection = open();
    }
    for (const step of steps.slice(reached)) {
      take(connection, step, reached + 1);
      reached += 1;
      step.settle?.(connection);
    }
    return connection;
  } catch (cause) {
    connection.close();
    if (cause instanceof HostError) throw cause;
    const why = `${cause instanceof Error ? cause.message : String(cause)}; it has schema ${reached}, and all that was in it`;
    const remedy = "make room if the disk is full and start again, or go on with the version before";
    throw new HostError("storage-failed", `${store} could not be brought to schema ${steps.length}: ${why}: ${remedy}`, { cause });
  }
}

/** What the file was before it became `schema`, kept until it becomes the next. */
export const copyOf = (file: string, schema: number): string => `${file}.before-${schema}`;

/** The copies of the file that there are. */
export function copiesOf(file: string): string[] {
  const names = existsSync(dirname(file)) ? readdirSync(dirname(file)) : [];
  return names.filter((name) => name.startsWith(`${basename(file)}.before-`)).map((name) => join(dirname(file), name));
}

/** Makes the file that the copy goes into, for one who opens the store and can make none himself. Removes the copies of earlier climbs. */
export function reserveCopy(file: string, schema: number): void {
  // The step before has proven itself when the next is taken.
  for (const earlier of copiesOf(file)) if (earlier !== copyOf(file, schema)) rmSync(earlier, { force: true });
  closeSync(openSync(copyOf(file, schema), FLAGS, PRIVATE));
  sync(dirname(file));
}

/** The schema that the file's header names, without opening it as a database; undefined for none yet. A log beside it may name a later one. */
export function schemaOf(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const descriptor = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(4);
    return readSync(descriptor, bytes, 0, 4, USER_VERSION_AT) === 4 ? bytes.readUInt32BE() : undefined;
  } finally {
    closeSync(descriptor);
  }
}

function take(connection: Connection, { since, up }: Step, schema: number): void {
  connection.transaction(() => {
    up(connection);
    connection.pragma(`application_id = ${markOf(since)}`);
    connection.pragma(`user_version = ${schema}`);
  })();
}

/** Closes it with everything in the file itself. A copy of an open file would lose SQLite's locks on it when the file is closed (POSIX). */
function closeWhole(connection: Connection): void {
  const [state] = connection.pragma("wal_checkpoint(TRUNCATE)") as readonly { readonly busy: number }[];
  if (state?.busy === 1) throw new Error("another process reads it; end that");
  connection.close();
}

// By hand: SQLite's own ways to copy make a journal beside the copy, which the user of a cell may not, and Node's permission model has no fsync.
function copy(file: string, schema: number): void {
  const target = copyOf(file, schema);
  if (!existsSync(target)) reserveCopy(file, schema);
  const from = openSync(file, "r");
  const to = openSync(target, FLAGS | constants.O_TRUNC | constants.O_DSYNC);
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let length = readSync(from, piece); length > 0; length = readSync(from, piece)) writeFileSync(to, piece.subarray(0, length));
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

const markOf = (since: Step["since"]): number => since.split(".").reduce((mark, part) => mark * 256 + Number(part), MARK);

function newer(connection: Connection, schema: number, known: number): string {
  const mark = Number(connection.pragma("application_id", { simple: true }));
  const numbers = [16, 8, 0].map((shift) => (mark >>> shift) & 0xff);
  const version = mark >>> 24 === MARK ? `bulkhead ${numbers.join(".")} or later` : "a later bulkhead";
  return `was written by schema ${schema} of ${version}, and this one reads up to ${known}; run that version, or put back a copy that was made before (docs/configuration.md)`;
}
