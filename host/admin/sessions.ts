// Sessions of those who have logged in. Each is known by 256 random bits, of which the SHA-256 is kept: who reads the database can be nobody. A session ends
// twelve hours after it began, after an hour in which nobody used it, or when somebody ends it; whoever lets people in is told.

import { hash, randomBytes } from "node:crypto";
import type { Database as Connection } from "better-sqlite3";
import type { Clock } from "../core/ports/clock.ts";

/** A session that goes on. */
export interface Session {
  /** The hash of its secret, in Base64. */
  readonly id: string;
  /** Such as `account:ada`. */
  readonly principal: string;
  /** Into which somebody else has put whoever it is; undefined for an account, which has roles. */
  readonly groups: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

interface Row {
  readonly hash: Buffer;
  readonly principal: string;
  readonly groups: string | null;
  readonly created_at: number;
  readonly used_at: number;
}

interface Entry {
  readonly session: Session;
  readonly hash: Buffer;
  /** On the monotonic clock, whatever becomes of the other: a session is no longer than it may be. */
  readonly endsAtMs: number;
  usedAtMs: number;
  usedAt: number;
  writtenAt: number;
}

/** Part of the database's schema. */
export const SESSIONS_SCHEMA = `
  CREATE TABLE sessions (
    hash BLOB PRIMARY KEY, principal TEXT NOT NULL, groups TEXT, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

export const SESSION_MS: number = 12 * 3_600_000;
export const IDLE_MS = 3_600_000;
/** Of one principal, and in all; the one that was used least recently makes room. */
export const MAX_OF_ONE = 16;
export const MAX_SESSIONS = 10_000;
const SECRET_BYTES = 32;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** How exactly it is kept when one was used, and how soon what goes on with one that is over ends. */
const EVERY_MS = 60_000;

const hashOf = (secret: string): Buffer => hash("sha256", secret, "buffer");

export class SessionStore {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(ids: readonly string[]) => void>();
  #cancel: (() => void) | undefined;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    for (const row of connection.prepare<[], Row>("SELECT * FROM sessions").all()) this.#remember(row);
  }

  /** The secret of a session that begins; nobody can see it again. */
  open(principal: string, groups?: readonly string[]): { readonly secret: string; readonly expiresAt: number } {
    const now = this.#clock.now();
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    this.#end(this.#thatMakeRoom(principal));
    const row: Row = {
      ...{ hash: hashOf(secret), principal, groups: groups === undefined ? null : JSON.stringify(groups) },
      ...{ created_at: now, used_at: now },
    };
    this.#connection.prepare("INSERT INTO sessions VALUES (:hash, :principal, :groups, :created_at, :used_at)").run(row);
    this.#remember(row);
    return { secret, expiresAt: now + SESSION_MS };
  }

  /** Which session it is, and uses it; undefined for what is none, or none any more. */
  check(secret: string): Session | undefined {
    const id = SECRET.test(secret) ? hashOf(secret).toString("base64") : "";
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    if (this.#isOver(entry)) {
      this.#end([id]);
      return undefined;
    }
    this.#use(entry);
    return entry.session;
  }

  /** Ends the session of the secret, and says whose it was. */
  end(secret: string): string | undefined {
    const id = hashOf(secret).toString("base64");
    const principal = this.#entries.get(id)?.session.principal;
    this.#end([id]);
    return principal;
  }

  /** Ends all of a principal's, and says how many they were. */
  endOf(principal: string): number {
    return this.#end(this.#of(principal)).length;
  }

  /** How many each principal has. */
  counts(): ReadonlyMap<string, number> {
    this.#sweep();
    const counts = new Map<string, number>();
    for (const { session } of this.#entries.values()) counts.set(session.principal, (counts.get(session.principal) ?? 0) + 1);
    return counts;
  }

  /** Tells of those that are over, by their ids; returns its undo. */
  onEnded(listener: (ids: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #of(principal: string): string[] {
    return [...this.#entries].filter(([, { session }]) => session.principal === principal).map(([id]) => id);
  }

  #thatMakeRoom(principal: string): string[] {
    const own = this.#of(principal);
    if (own.length >= MAX_OF_ONE) return this.#leastRecentlyUsed(own);
    return this.#entries.size >= MAX_SESSIONS ? this.#leastRecentlyUsed([...this.#entries.keys()]) : [];
  }

  // Looked for when one is needed: to keep them in order would cost each use of one ten times as much as all else about it.
  #leastRecentlyUsed(ids: readonly string[]): string[] {
    const usedAt = (id: string): number => this.#entries.get(id)?.usedAt ?? 0;
    return [ids.reduce((found, id) => (usedAt(id) < usedAt(found) ? id : found))];
  }

  #isOver({ session, usedAt, usedAtMs, endsAtMs }: Entry): boolean {
    const [now, steady] = [this.#clock.now(), this.#clock.monotonicMs()];
    return now >= session.expiresAt || now - usedAt >= IDLE_MS || steady >= endsAtMs || steady - usedAtMs >= IDLE_MS;
  }

  #use(entry: Entry): void {
    entry.usedAt = this.#clock.now();
    entry.usedAtMs = this.#clock.monotonicMs();
    if (Math.abs(entry.usedAt - entry.writtenAt) < EVERY_MS) return;
    entry.writtenAt = entry.usedAt;
    this.#connection.prepare("UPDATE sessions SET used_at = ? WHERE hash = ?").run(entry.usedAt, entry.hash);
  }

  #remember({ hash, principal, groups, created_at, used_at }: Row): void {
    const id = hash.toString("base64");
    const session = {
      ...{ id, principal, groups: groups === null ? undefined : (JSON.parse(groups) as string[]) },
      expiresAt: created_at + SESSION_MS,
    };
    const steady = this.#clock.monotonicMs();
    const endsAtMs = steady + Math.min(SESSION_MS, session.expiresAt - this.#clock.now());
    this.#entries.set(id, { session, hash, endsAtMs, usedAtMs: steady, usedAt: used_at, writtenAt: used_at });
    this.#cancel ??= this.#clock.after(EVERY_MS, () => this.#look());
  }

  #look(): void {
    this.#cancel = undefined;
    try {
      this.#sweep();
    } catch {
      // A full disk, say; those that are over let nobody in all the same.
    }
    if (this.#entries.size > 0) this.#cancel = this.#clock.after(EVERY_MS, () => this.#look());
  }

  #sweep(): void {
    this.#end([...this.#entries].filter(([, entry]) => this.#isOver(entry)).map(([id]) => id));
  }

  #end(ids: readonly string[]): readonly string[] {
    const ended = ids.filter((id) => this.#entries.has(id));
    if (ended.length === 0) return ended;
    const remove = this.#connection.prepare("DELETE FROM sessions WHERE hash = ?");
    for (const id of ended) remove.run(this.#entries.get(id)?.hash);
    for (const id of ended) this.#entries.delete(id);
    for (const listener of this.#listeners) listener(ended);
    return ended;
  }
}
