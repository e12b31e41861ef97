// Which grants are used, and what is refused: counted in memory, written down every few seconds, so that a check costs next to nothing.

import type { Database as Connection } from "better-sqlite3";
import { printable } from "../core/names.ts";
import type { PermissionPorts } from "../core/permissions.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Grant, Permission } from "../core/types.ts";
import type { AuditLog } from "./audit.ts";

type Check = Parameters<PermissionPorts["onCheck"]>[0];

interface Denial {
  readonly plugin: string;
  readonly permission: Permission;
  readonly resource: string;
  readonly verdict: string;
  times: number;
}

const WRITE_INTERVAL_MS = 2_000;
// What is refused comes from guests, so what is kept of it must not grow with them: so much of one plugin, so often; what is more is counted together.
const MAX_DENIALS = 20;
const DENIALS_INTERVAL_MS = 60_000;
const MORE = "(and others)";
// Plugins are counted by the operator; who else is refused comes by a door, under a name that may be new each time.
const MAX_DENIED = 10_000;

export class PermissionUsage {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #audit: AuditLog;
  readonly #used = new Map<Grant, string>();
  readonly #denials = new Map<string, Map<string, Denial>>();
  /** When denials of a plugin were last written. */
  readonly #told = new Map<string, number>();
  #cancel: () => void = () => {};

  constructor(connection: Connection, clock: Clock, audit: AuditLog) {
    this.#connection = connection;
    this.#clock = clock;
    this.#audit = audit;
    this.#schedule();
  }

  readonly onCheck = ({ plugin, permission, resource, verdict, by }: Check): void => {
    // A subscription may be wider than its grant: what it does not hear it was never promised.
    if (verdict !== "allowed" && permission !== "events.subscribe") this.#deny(plugin, permission, resource, verdict);
    else for (const { grant } of by) if (!this.#used.has(grant)) this.#used.set(grant, plugin);
  };

  /** When each grant of a plugin was last used, ISO 8601; by permission and resource. */
  lastUsed(plugin: string): ReadonlyMap<string, string> {
    this.write();
    const rows = this.#connection
      .prepare<[string], { permission: string; resource: string; last_used: string }>("SELECT * FROM usage WHERE plugin = ?")
      .all(plugin);
    return new Map(rows.map(({ permission, resource, last_used }) => [`${permission} ${resource}`, last_used]));
  }

  /** Writes down what was counted; what cannot be written now is written the next time. */
  write(): void {
    const at = new Date(this.#clock.now()).toISOString();
    const used = [...this.#used];
    const due = this.#dueDenials();
    if (used.length === 0 && due.length === 0) return;
    this.#connection.transaction(() => {
      const put = this.#connection.prepare("INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?)");
      for (const [{ permission, resource }, plugin] of used) put.run(plugin, permission, resource, at);
      for (const [plugin, denials] of due)
        for (const { plugin: _, ...denial } of denials.values()) this.#audit.append("host", "denied", plugin, denial);
    })();
    this.#used.clear();
    const now = this.#clock.monotonicMs();
    for (const [plugin, at] of this.#told) if (now - at >= DENIALS_INTERVAL_MS) this.#told.delete(plugin);
    for (const [plugin] of due) {
      this.#told.set(plugin, this.#clock.monotonicMs());
      this.#denials.delete(plugin);
    }
  }

  /** Writes a last time and counts no more. */
  close(): void {
    this.#cancel();
    this.#told.clear();
    this.write();
  }

  #deny(who: string, permission: Permission, resource: string, verdict: string): void {
    const plugin = this.#denials.has(who) || this.#denials.size < MAX_DENIED ? who : MORE;
    const ofPlugin = this.#denials.get(plugin) ?? new Map<string, Denial>();
    this.#denials.set(plugin, ofPlugin);
    const shown = ofPlugin.size < MAX_DENIALS ? printable(resource) : MORE;
    const key = `${permission} ${shown}`;
    const denial = ofPlugin.get(key) ?? { plugin, permission, resource: shown, verdict, times: 0 };
    ofPlugin.set(key, denial);
    denial.times += 1;
  }

  // The first of a plugin at once, what follows within a minute together.
  #dueDenials(): [plugin: string, denials: ReadonlyMap<string, Denial>][] {
    const now = this.#clock.monotonicMs();
    return [...this.#denials].filter(([plugin]) => now - (this.#told.get(plugin) ?? Number.NEGATIVE_INFINITY) >= DENIALS_INTERVAL_MS);
  }

  #schedule(): void {
    this.#cancel = this.#clock.after(WRITE_INTERVAL_MS, () => {
      try {
        this.write();
      } catch {
        // A full disk, say, of which others tell: what was counted stays for the next time.
      }
      this.#schedule();
    });
  }
}
