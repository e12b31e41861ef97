// The event log in one SQLite file: every write is a transaction, and on the disk once it is done. Runs in a thread of its own (sqlite-main.ts).

import { chmodSync } from "node:fs";
import Database, { type Database as Connection } from "better-sqlite3";
import { openStore, type Step } from "../../bounds/ladder.ts";
import { compilePattern } from "../../core/names.ts";
import type { DeadLetter, DeadLetterRange, EventPage, EventRange, RecordedEvent } from "../../core/ports/events.ts";
import {
  type ConsumerContents,
  type ConsumerRow,
  type Cursor,
  type EventEntry,
  type EventStore,
  type LogContents,
  type LogWrite,
  PAGE_BYTES,
  pageOf,
  SCAN_LIMIT,
  type SourcePage,
  type SourceRange,
  sizeOf,
} from "./store.ts";

/** The same, at once. */
export type SyncEventStore = {
  readonly [M in keyof EventStore]: (...args: Parameters<EventStore[M]>) => Awaited<ReturnType<EventStore[M]>>;
};

const PRIVATE = 0o600;
const ENDLESS = Number.MAX_SAFE_INTEGER;

/** What a step says has been written somewhere, so it stays as it is. */
export const EVENT_STEPS: readonly Step[] = [
  {
    since: "0.2.0",
    up: (connection) =>
      connection.exec(`
        CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE events (
          position INTEGER PRIMARY KEY,
          source INTEGER NOT NULL,
          id TEXT NOT NULL UNIQUE,
          type TEXT NOT NULL,
          time_ms INTEGER NOT NULL,
          traceparent TEXT NOT NULL,
          content_type TEXT NOT NULL,
          bytes INTEGER NOT NULL,
          data BLOB NOT NULL
        ) STRICT;
        CREATE INDEX events_by_source ON events (source, position);
        CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL) STRICT;
        INSERT INTO head VALUES (1, 0);
        CREATE TABLE consumers (name TEXT PRIMARY KEY, definition TEXT NOT NULL, start INTEGER NOT NULL, until INTEGER) STRICT, WITHOUT ROWID;
        CREATE TABLE cursors (
          consumer TEXT NOT NULL, source INTEGER NOT NULL, position INTEGER NOT NULL,
          PRIMARY KEY (consumer, source)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE settled (
          consumer TEXT NOT NULL, source INTEGER NOT NULL, position INTEGER NOT NULL,
          PRIMARY KEY (consumer, source, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE attempts (
          consumer TEXT NOT NULL, source INTEGER NOT NULL, position INTEGER NOT NULL, attempts INTEGER NOT NULL, retry_at_ms INTEGER NOT NULL,
          PRIMARY KEY (consumer, source, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE dead (
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          consumer TEXT NOT NULL,
          reason TEXT NOT NULL,
          attempts INTEGER NOT NULL,
          at_ms INTEGER NOT NULL,
          position INTEGER NOT NULL,
          id TEXT NOT NULL,
          source TEXT NOT NULL,
          type TEXT NOT NULL,
          time_ms INTEGER NOT NULL,
          traceparent TEXT NOT NULL,
          content_type TEXT NOT NULL,
          bytes INTEGER NOT NULL,
          data BLOB NOT NULL
        ) STRICT;
        CREATE INDEX dead_by_consumer ON dead (consumer, number);`),
  },
];

interface Row extends Omit<RecordedEvent, "time" | "data"> {
  readonly timeMs: number;
  readonly data: Buffer;
}

const EVENT = `events.position, events.id, sources.name AS "source", type, time_ms AS "timeMs", traceparent, content_type AS "contentType", data`;
const FROM = "FROM events JOIN sources ON sources.id = events.source";

const fromRow = ({ timeMs, data, ...event }: Row): RecordedEvent => ({
  ...event,
  time: new Date(timeMs).toISOString(),
  // better-sqlite3 gives a buffer of its own for each value.
  data: new Uint8Array(data.buffer, data.byteOffset, data.length),
});

/** `sync` says when a write is done: on the disk, or handed to the system. */
export function openSqliteEvents(file: string, sync: "full" | "normal"): SyncEventStore {
  const connection = openStore(() => connect(file, sync), EVENT_STEPS, file);
  for (const name of [file, `${file}-wal`, `${file}-shm`]) chmodSync(name, PRIVATE);
  return new SqliteEvents(connection);
}

function connect(file: string, sync: "full" | "normal"): Connection {
  const connection = new Database(file);
  connection.pragma("journal_mode = WAL");
  connection.pragma(`synchronous = ${sync}`);
  return connection;
}

class SqliteEvents implements SyncEventStore {
  readonly #db: Connection;
  readonly #sources = new Map<string, number>();
  readonly write: (write: LogWrite) => readonly number[];

  constructor(db: Connection) {
    this.#db = db;
    for (const { id, name } of db.prepare<[], { id: number; name: string }>("SELECT id, name FROM sources").all())
      this.#sources.set(name, id);
    this.write = this.#writer();
  }

  contents(): LogContents {
    const db = this.#db;
    const counted = `count(*) AS "events", sum(bytes) AS "bytes"`;
    const all = <T>(sql: string): T[] => db.prepare<[], T>(sql).all();
    const rows = all<{ name: string; definition: string; start: number; until: number | null }>("SELECT * FROM consumers");
    return {
      head: db.prepare<[], number>("SELECT position FROM head").pluck().get() ?? 0,
      bySource: all(
        `SELECT name AS "source", events, bytes FROM (SELECT source, ${counted} FROM events GROUP BY source) AS found JOIN sources ON sources.id = found.source`,
      ),
      byType: all(`SELECT type, ${counted} FROM events GROUP BY type ORDER BY type LIMIT 100000`),
      consumers: rows.map(({ definition, start, until }) =>
        this.#consumer({ ...JSON.parse(definition), start, until: until ?? undefined }),
      ),
    };
  }

  #consumer(row: ConsumerRow): ConsumerContents {
    const of = <T>(sql: string): T[] => this.#db.prepare<[string], T>(sql).all(row.name);
    const source = (table: string): string => `JOIN sources ON sources.id = ${table}.source WHERE consumer = ?`;
    const [dead = { events: 0, bytes: 0 }] = of<{ events: number; bytes: number }>(
      `SELECT count(*) AS "events", coalesce(sum(bytes), 0) AS "bytes" FROM dead WHERE consumer = ?`,
    );
    return {
      row,
      dead,
      cursors: of<Omit<Cursor, "hasRows">>(`SELECT consumer, name AS "source", position FROM cursors ${source("cursors")}`).map(
        (cursor) => ({
          ...cursor,
          hasRows: false,
        }),
      ),
      settled: of(`SELECT name AS "source", position FROM settled ${source("settled")} ORDER BY position`),
      attempts: of(`SELECT consumer, name AS "source", position, attempts, retry_at_ms AS "retryAtMs" FROM attempts ${source("attempts")}`),
    };
  }

  read({ types, source, sinceMs = 0, untilMs = ENDLESS, after, limit }: EventRange): EventPage {
    const only = source === undefined ? undefined : (this.#sources.get(source) ?? -1);
    const entries = this.#db
      .prepare<unknown[], { position: number; type: string; timeMs: number; bytes: number }>(
        `SELECT position, type, time_ms AS "timeMs", bytes FROM events WHERE position > ? ${only === undefined ? "" : "AND source = ?"} ORDER BY position LIMIT ?`,
      )
      .all(...(only === undefined ? [after, SCAN_LIMIT] : [after, only, SCAN_LIMIT]));
    const matches = compilePattern(types);
    const isIn = ({ type, timeMs }: { type: string; timeMs: number }): boolean => timeMs >= sinceMs && timeMs <= untilMs && matches(type);
    const { taken, scannedTo, isEnd } = pageOf(entries, isIn, { after, limit, maxBytes: PAGE_BYTES });
    return { events: taken.map((position) => this.#event(position)), next: isEnd ? undefined : scannedTo };
  }

  readSource({ source, types, after, until = ENDLESS, limit, maxBytes }: SourceRange): SourcePage {
    const id = this.#sources.get(source) ?? -1;
    const entries = this.#db
      .prepare<[number, number, number, number], { position: number; type: string; bytes: number }>(
        "SELECT position, type, bytes FROM events WHERE source = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?",
      )
      .all(id, after, until, SCAN_LIMIT);
    const matches = compilePattern(types);
    const { taken, scannedTo, isEnd } = pageOf(entries, ({ type }) => matches(type), { after, limit, maxBytes });
    return { events: taken.map((position) => this.#event(position)), scannedTo, isEnd };
  }

  #event(position: number): RecordedEvent {
    const row = this.#db.prepare<[number], Row>(`SELECT ${EVENT} ${FROM} WHERE events.position = ?`).get(position);
    if (row === undefined) throw new Error(`event ${position} is not there`);
    return fromRow(row);
  }

  count({ source, types, after, until = ENDLESS }: Parameters<EventStore["count"]>[0]): { events: number; bytes: number } {
    const matches = compilePattern(types);
    const total = { events: 0, bytes: 0 };
    const rows = this.#db
      .prepare<[number, number, number], { type: string; events: number; bytes: number }>(
        `SELECT type, count(*) AS "events", sum(bytes) AS "bytes" FROM events WHERE source = ? AND position > ? AND position <= ? GROUP BY type`,
      )
      .iterate(this.#sources.get(source) ?? -1, after, until);
    for (const { type, events, bytes } of rows) {
      if (!matches(type)) continue;
      total.events += events;
      total.bytes += bytes;
    }
    return total;
  }

  oldest(source: string | undefined, after: number, limit: number): EventEntry[] {
    const where = source === undefined ? "" : "AND events.source = ?";
    return this.#db
      .prepare<unknown[], EventEntry>(
        `SELECT position, name AS "source", type, time_ms AS "timeMs", bytes ${FROM} WHERE position > ? ${where} ORDER BY position LIMIT ?`,
      )
      .all(...(source === undefined ? [after, limit] : [after, this.#sources.get(source) ?? -1, limit]));
  }

  deadLetters({ of, after, limit }: DeadLetterRange): DeadLetter[] {
    const isPlugin = of !== undefined && !of.includes("/");
    const where = of === undefined ? "" : isPlugin ? "AND substr(consumer, 1, ?) = ?" : "AND consumer = ?";
    const which = of === undefined ? [] : isPlugin ? [of.length + 1, `${of}/`] : [of];
    const rows = this.#db
      .prepare<unknown[], Row & Omit<DeadLetter, "event" | "id"> & { number: number; bytes: number }>(
        `SELECT number, consumer, reason, attempts, at_ms AS "atMs", position, id, source, type, time_ms AS "timeMs", traceparent, content_type AS "contentType", bytes, data
         FROM dead WHERE number > ? ${where} ORDER BY number LIMIT ?`,
      )
      .iterate(after, ...which, limit);
    const found: DeadLetter[] = [];
    let left = PAGE_BYTES;
    for (const { number, consumer, reason, attempts, atMs, bytes, ...event } of rows) {
      left -= bytes;
      if (left < 0 && found.length > 0) break;
      found.push({ id: number, consumer, reason, attempts, atMs, event: fromRow(event) });
    }
    return found;
  }

  close(): void {
    this.#db.close();
  }

  #sourceId(name: string): number {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const id = Number(this.#db.prepare("INSERT INTO sources (name) VALUES (?)").run(name).lastInsertRowid);
    this.#sources.set(name, id);
    return id;
  }

  #writer(): (write: LogWrite) => readonly number[] {
    const db = this.#db;
    const event = db.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING");
    const head = db.prepare("UPDATE head SET position = ?");
    const consumer = db.prepare(
      `INSERT INTO consumers VALUES (?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, start = excluded.start, until = excluded.until`,
    );
    const death = db.prepare(
      `INSERT INTO dead (consumer, reason, attempts, at_ms, position, id, source, type, time_ms, traceparent, content_type, bytes, data)
       SELECT ?, ?, ?, ?, position, events.id, sources.name, type, time_ms, traceparent, content_type, bytes, data ${FROM} WHERE position = ?`,
    );
    const settled = db.prepare("INSERT OR IGNORE INTO settled VALUES (?, ?, ?)");
    const attempt = db.prepare("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?)");
    const cursor = db.prepare(
      "INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT (consumer, source) DO UPDATE SET position = excluded.position",
    );
    const below = ["settled", "attempts"].map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE consumer = ? AND source = ? AND position <= ?`),
    );
    const trim = db.prepare("DELETE FROM events WHERE position = ?");
    const forget = ["cursors", "settled", "attempts", "dead"].map((table) => db.prepare(`DELETE FROM ${table} WHERE consumer = ?`));
    const forgetName = db.prepare("DELETE FROM consumers WHERE name = ?");
    const drop = db.prepare("DELETE FROM dead WHERE number = ?");

    const run = db.transaction((write: LogWrite): number[] => {
      const known: number[] = [];
      for (const one of write.events) {
        const { position, source, id, type, time, traceparent, contentType, data } = one;
        const { changes } = event.run(
          position,
          this.#sourceId(source),
          id,
          type,
          Date.parse(time),
          traceparent,
          contentType,
          sizeOf(one),
          data,
        );
        if (changes === 0) known.push(position);
      }
      const last = write.events.at(-1);
      if (last !== undefined) head.run(last.position);
      for (const name of write.forgotten) {
        for (const statement of forget) statement.run(name);
        forgetName.run(name);
      }
      for (const { start, until, ...definition } of write.consumers)
        consumer.run(definition.name, JSON.stringify(definition), start, until ?? null);
      for (const { consumer: name, reason, attempts, atMs, position } of write.deaths) death.run(name, reason, attempts, atMs, position);
      for (const { consumer: name, source, position } of write.settled) settled.run(name, this.#sourceId(source), position);
      for (const { consumer: name, source, position, attempts, retryAtMs } of write.attempts)
        attempt.run(name, this.#sourceId(source), position, attempts, retryAtMs);
      for (const { consumer: name, source, position, hasRows } of write.cursors) {
        const id = this.#sourceId(source);
        cursor.run(name, id, position);
        if (hasRows) for (const statement of below) statement.run(name, id, position);
      }
      for (const position of write.trimmed) trim.run(position);
      for (const id of write.dropped) drop.run(id);
      return known;
    });
    return (write) => {
      try {
        return run.immediate(write);
      } catch (thrown) {
        // What a transaction that failed had named is gone with it.
        this.#sources.clear();
        for (const { id, name } of db.prepare<[], { id: number; name: string }>("SELECT id, name FROM sources").all())
          this.#sources.set(name, id);
        throw thrown;
      }
    };
  }
}
