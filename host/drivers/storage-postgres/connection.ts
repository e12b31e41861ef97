// The connections to PostgreSQL: a pool that waits for nothing longer than it may, and says which failures may pass by themselves. All of the package pg is here.

import type { Pool, QueryResult } from "pg";
import type { StoreAddress } from "../../bounds/store-address.ts";
import { StoreUnavailable } from "../../bounds/store-unavailable.ts";

export interface Connections {
  /** Rejects with StoreUnavailable when the same may succeed later, else with what PostgreSQL says. `name` prepares it once a connection. */
  query<Row extends object>(text: string, values: readonly unknown[], name?: string): Promise<readonly Row[]>;
  /** On one connection, and nobody else within it. */
  alone<T>(work: (query: (text: string, values?: readonly unknown[]) => Promise<readonly object[]>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  readonly address: StoreAddress;
  readonly connections: number;
  readonly timeoutMs: number;
  /** Told of connections that break while nobody uses them. */
  onError(cause: unknown): void;
}

/** The server's own limit comes first, so that it is not left working for nobody. */
const SERVER_SHARE = 0.9;
const IDLE_MS = 30_000;
/** Serialization failure, deadlock, cancelled for its time, shutdown and start, too many connections, and all of the connection's own class. */
const PASSES = /^(40001|40P01|57014|57P0[1-3]|53300|08...)$/;

export async function connect({ address, connections, timeoutMs, onError }: ConnectionOptions): Promise<Connections> {
  const { default: pg } = await import("pg");
  const { url, tls } = address;
  const pool: Pool = new pg.Pool({
    connectionString: url.href,
    ssl: tls ?? false,
    max: connections,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: Math.ceil(timeoutMs * SERVER_SHARE),
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    application_name: "bulkhead",
  });
  // Without a listener a connection that breaks while idle would end the host.
  pool.on("error", onError);
  return {
    async query<Row extends object>(text: string, values: readonly unknown[], name?: string): Promise<readonly Row[]> {
      try {
        const query = { text, values: [...values], ...(name === undefined ? {} : { name }) };
        const { rows }: QueryResult<Row> = await pool.query<Row>(query);
        return rows;
      } catch (cause) {
        throw asUnavailable(cause);
      }
    },
    async alone(work) {
      const client = await pool.connect().catch((cause: unknown) => {
        throw asUnavailable(cause);
      });
      try {
        const done = await work(async (text, values = []) => (await client.query(text, [...values])).rows);
        client.release();
        return done;
      } catch (cause) {
        client.release(true);
        throw asUnavailable(cause);
      }
    },
    close: () => pool.end(),
  };
}

/** What has no code of PostgreSQL's did not come from it. */
function asUnavailable(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const isOfServer = /^[0-9A-Z]{5}$/.test(code) && "severity" in cause;
  if (isOfServer && !PASSES.test(code)) return cause;
  return new StoreUnavailable("PostgreSQL does not answer", cause);
}
