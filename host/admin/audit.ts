// Who did what when. Append-only; each entry's hash covers the one before it, so that a change, a gap or a missing end shows.

import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { userInfo } from "node:os";
import type { Database as Connection } from "better-sqlite3";
import type { Clock } from "../core/ports/clock.ts";
import type { AuditAnchor, AuditHead } from "./audit-anchor.ts";

/** Who acts: a user of the system, somebody whom the gate has let in, or the host itself. */
export type Actor = `${string}:${string}` | "host";

/** Whoever runs this process: by name, or by number where the system knows none, as in many containers. */
export function localActor(): Actor {
  try {
    return `user:${userInfo().username}`;
  } catch {
    return `user:${process.getuid?.() ?? "unknown"}`;
  }
}

/** By which door an actor came, and from where. */
export interface CameBy {
  readonly via: string;
  readonly address?: string | undefined;
}

export interface AuditEntry {
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly actor: string;
  /** Such as `grant`, `revoke`, `denied`, `quarantine`, `install`. */
  readonly action: string;
  /** The plugin, or what else it was done to. */
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

interface Row extends Omit<AuditEntry, "detail"> {
  readonly detail: string;
}

/** What `verify` found: the number of entries, or the first that is not as it was written. */
export type Verification =
  | { readonly ok: true; readonly entries: number }
  | { readonly ok: false; readonly seq: number; readonly problem: string };

const MAX_READ = 10_000;
// A plugin that is denied again and again makes entries too, and writing the anchor waits for the disk.
const ANCHOR_MS = 1_000;

export class AuditLog {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #anchor: AuditAnchor;
  readonly #listeners = new Set<(entry: AuditEntry) => void>();
  readonly #cameBy = new AsyncLocalStorage<CameBy>();
  #cancel: (() => void) | undefined;

  constructor(connection: Connection, clock: Clock, anchor: AuditAnchor) {
    this.#connection = connection;
    this.#clock = clock;
    this.#anchor = anchor;
  }

  /** In words, what was here once and is not any more; undefined when nothing is known to be lost. */
  loss(): string | undefined {
    const anchor = this.#anchor.read();
    if (anchor === undefined) return undefined;
    if (anchor === "damaged") return "audit.anchor, which says how far it had come, is damaged";
    if (anchor.seq === 0 || this.#hashOf(anchor.seq) === anchor.hash) return undefined;
    const { seq } = this.#head();
    return `it had ${anchor.seq} entries and ${seq < anchor.seq ? `has ${Math.max(0, seq)}` : "has others now"}: host.sqlite was emptied, exchanged or put back`;
  }

  /** The operator knows of the loss: from now on what is here counts. False when nothing is lost. */
  acceptLoss(actor: Actor): boolean {
    const loss = this.loss();
    if (loss === undefined) return false;
    this.append(actor, "accept-loss", "host", { loss });
    this.#anchor.write(this.#head());
    return true;
  }

  /** Anchors what was appended last. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.loss() === undefined) this.#anchor.write(this.#head());
  }

  /** What is appended while the work goes on has this in its detail. */
  through<T>(cameBy: CameBy, work: () => T): T {
    return this.#cameBy.run(cameBy, work);
  }

  /** Part of the transaction that it is called in, if any: what was not done is not told. */
  append(actor: Actor, action: string, subject: string, given: Readonly<Record<string, unknown>> = {}): void {
    const detail = { ...given, ...this.#cameBy.getStore() };
    const append = this.#connection.transaction(() => {
      const head = this.#head();
      const seq = head.seq + 1;
      const row = { seq, at: new Date(this.#clock.now()).toISOString(), actor, action, subject, detail: JSON.stringify(detail) };
      const hash = hashOf(head.hash, row);
      this.#connection.prepare("INSERT INTO audit VALUES (:seq, :at, :actor, :action, :subject, :detail, :hash)").run({ ...row, hash });
      this.#connection.prepare("UPDATE audit_head SET seq = ?, hash = ?").run(seq, hash);
      return { ...row, detail, hash };
    });
    const entry = append();
    // Later, when the transaction around it, if any, is committed.
    this.#cancel ??= this.#clock.after(ANCHOR_MS, () => this.#anchorNow());
    for (const listener of this.#listeners) listener(entry);
  }

  /** The last `limit` entries after `after`, oldest first. */
  read({ after = 0, limit = 100 }: { readonly after?: number | undefined; readonly limit?: number | undefined } = {}): AuditEntry[] {
    const rows = this.#connection
      .prepare<[number, number], Row>("SELECT * FROM (SELECT * FROM audit WHERE seq > ? ORDER BY seq DESC LIMIT ?) ORDER BY seq")
      .all(after, Math.min(limit, MAX_READ));
    return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) as AuditEntry["detail"] }));
  }

  /** Tells of each new entry; returns its undo. */
  onEntry(listener: (entry: AuditEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads everything and computes every hash anew. */
  verify(): Verification {
    let seq = 0;
    let hash = "";
    for (const row of this.#connection.prepare<[], Row>("SELECT * FROM audit ORDER BY seq").iterate()) {
      if (row.seq !== seq + 1) return { ok: false, seq: seq + 1, problem: "it is missing" };
      if (row.hash !== hashOf(hash, row)) return { ok: false, seq: row.seq, problem: "it, or the one before it, was changed" };
      ({ seq, hash } = row);
    }
    const head = this.#head();
    if (head.seq !== seq || head.hash !== hash) return { ok: false, seq: seq + 1, problem: "entries at the end are missing" };
    const loss = this.loss();
    return loss === undefined ? { ok: true, entries: seq } : { ok: false, seq: seq + 1, problem: loss };
  }

  #anchorNow(): void {
    try {
      this.close();
    } catch {
      // A full disk, say; the next entry tries again, and until then the anchor is only older than it could be.
    }
  }

  #hashOf(seq: number): string | undefined {
    return this.#connection.prepare<[number], string>("SELECT hash FROM audit WHERE seq = ?").pluck().get(seq);
  }

  #head(): AuditHead {
    const head = this.#connection.prepare<[], AuditHead>("SELECT seq, hash FROM audit_head").get();
    return head ?? { seq: -1, hash: "" };
  }
}

function hashOf(previous: string, { seq, at, actor, action, subject, detail }: Omit<Row, "hash">): string {
  return createHash("sha256")
    .update(JSON.stringify([previous, seq, at, actor, action, subject, detail]))
    .digest("hex");
}
