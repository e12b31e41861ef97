// Commits of many plugins in few statements: while some are under way, those that come wait for each other, and go together. One that is alone goes at once.

import { StoreUnavailable } from "../../bounds/store-unavailable.ts";
import type { Connections } from "./connection.ts";

/** What came of a commit; its place among those that went together. */
export interface CommitRow {
  readonly place: number;
  readonly outcome: "made" | "failed" | "keys" | "bytes";
  readonly version: number;
  readonly had: boolean;
  readonly found_keys: number;
}

/** The types of what `write_commit` is given, in their order. */
const TYPES = [
  ...["text", "text", "bigint", "text", "boolean", "boolean", "bigint"],
  ...["bytea[]", "bigint[]", "bytea[]", "bytea[]", "bigint[]", "bigint", "bigint", "bigint", "bigint", "bigint"],
] as const;
/** Statements under way at a time, each on a connection of its own. Measured with 32 plugins that write: 1.6 times the commits of each alone on 8 connections, with 8 plugins 1.1. */
const MAX_UNDER_WAY = 4;
const MAX_TOGETHER = 32;

export interface WaitingCommit {
  readonly plugin: string;
  /** What `write_commit` is given, the plugin first. */
  readonly values: readonly unknown[];
}

interface Waiting extends WaitingCommit {
  resolve(row: CommitRow): void;
  reject(cause: unknown): void;
}

export class Commits {
  readonly #connections: Pick<Connections, "query">;
  readonly #schema: string;
  readonly #waiting: Waiting[] = [];
  #underWay = 0;

  constructor(connections: Pick<Connections, "query">, schema: string) {
    this.#connections = connections;
    this.#schema = schema;
  }

  /** Rejects as a statement does. */
  make(commit: WaitingCommit): Promise<CommitRow> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...commit, resolve, reject });
      this.#send();
    });
  }

  #send(): void {
    if (this.#underWay >= MAX_UNDER_WAY || this.#waiting.length === 0) return;
    // Whoever locks rows of several plugins does so in one order.
    const together = this.#waiting.splice(0, MAX_TOGETHER).sort((a, b) => (a.plugin < b.plugin ? -1 : 1));
    this.#underWay += 1;
    void this.#run(together).finally(() => {
      this.#underWay -= 1;
      this.#send();
    });
  }

  async #run(together: readonly Waiting[]): Promise<void> {
    try {
      const rows = await this.#query(together);
      for (const row of rows) together[row.place]?.resolve(row);
    } catch (cause) {
      if (together.length === 1 || cause instanceof StoreUnavailable) for (const one of together) one.reject(cause);
      // What one of them is at fault for is not the others': each alone, by the same name.
      else await Promise.all(together.map((one) => this.#run([one])));
    }
  }

  #query(together: readonly Waiting[]): Promise<readonly CommitRow[]> {
    const rows = together.map(
      (_, place) => `(${place}, ${TYPES.map((type, i) => `$${place * TYPES.length + i + 1}::${type}`).join(", ")})`,
    );
    const names = TYPES.map((_, i) => `a.v${i}`).join(", ");
    const columns = TYPES.map((_, i) => `v${i}`).join(", ");
    return this.#connections.query<CommitRow>(
      `SELECT a.place, c.outcome, c.version::float8, c.had, c.found_keys::float8
       FROM (VALUES ${rows.join(", ")}) AS a(place, ${columns}) CROSS JOIN LATERAL ${this.#schema}.write_commit(${names}) AS c`,
      together.flatMap(({ values }) => values),
      `bulkhead ${this.#schema} commit ${together.length}`,
    );
  }
}
