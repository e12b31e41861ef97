// Plugin storage in PostgreSQL, 12 and newer, for hosts on more than one machine. Tables are made, and brought to this version, when the host first reaches it.

import { z } from "zod";
import { type StoreAddressOptions, storeAddress, storeAddressShape } from "../../bounds/store-address.ts";
import { StoreUnavailable } from "../../bounds/store-unavailable.ts";
import { HostError } from "../../core/errors.ts";
import type { RemoteStorageDriver } from "../../core/ports/storage.ts";
import type { StoredPlugin } from "../../core/types.ts";
import type { StorageDriverOfHost } from "../../seams.ts";
import { Commits } from "./commits.ts";
import { type Connections, connect } from "./connection.ts";
import { STEPS } from "./schema.ts";
import { PostgresStore } from "./store.ts";

export interface PostgresOptions extends StoreAddressOptions {
  /** In which the tables are. Hosts that name the same one share what their plugins of the same name keep. */
  readonly schema: string;
  readonly connections: number;
  /** For a connection and for each question. */
  readonly timeoutMs: number;
}

const postgresOptions: z.ZodType<PostgresOptions> = z.strictObject({
  ...storeAddressShape,
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, "lower-case letters, digits and _")
    .default("bulkhead"),
  connections: z.int().min(1).max(100).default(8),
  timeoutMs: z.int().min(50).max(60_000).default(1_000),
});

export const postgres: StorageDriverOfHost<PostgresOptions> = {
  name: "postgres",
  options: postgresOptions,
  packages: { pg: "^8.23.0" },
  open: ({ secrets, log }, options) =>
    openPostgres(options, {
      address: storeAddress(options, secrets, ["postgres:", "postgresql:"]),
      tell: (message, cause) => log.write({ level: "warning", plugin: "host", message, cause }),
    }),
};

export interface PostgresPorts {
  readonly address: ReturnType<typeof storeAddress>;
  readonly tell: (message: string, cause?: unknown) => void;
  /** Instead of the clock of PostgreSQL, for tests. */
  readonly now?: (() => number) | undefined;
}

/** Rejects with HostError for a schema that cannot be used; one that is away is no reason. */
export async function openPostgres(options: PostgresOptions, { address, tell, now }: PostgresPorts): Promise<RemoteStorageDriver> {
  const { connections: count, timeoutMs } = options;
  const onError = (cause: unknown): void => tell("a connection to PostgreSQL broke", cause);
  const connections = await connect({ address, connections: count, timeoutMs, onError });
  const schema = `"${options.schema}"`;
  const commits = new Commits(connections, schema);
  const ready = onceDone(() => climb(connections, schema, options.schema));
  try {
    await ready();
  } catch (thrown) {
    if (!(thrown instanceof StoreUnavailable)) {
      await connections.close();
      throw thrown;
    }
    tell("PostgreSQL, where plugins keep what they store, does not answer; it is tried again when a plugin asks for it", thrown.cause);
  }
  return {
    async open({ name: plugin, limits, keepsStorageLog = false }: StoredPlugin) {
      await ready();
      const bounds = { plugin, maxBytes: limits.storageBytes, maxKeys: limits.storageKeys };
      return new PostgresStore({ ...bounds, connections, commits, schema, keepsLog: keepsStorageLog, now });
    },
    async purge(plugin) {
      await ready();
      await connections.alone(async (query) => {
        await query("BEGIN");
        for (const table of ["entries", "log", "plugins"]) await query(`DELETE FROM ${schema}.${table} WHERE plugin = $1`, [plugin]);
        await query("COMMIT");
      });
    },
    [Symbol.asyncDispose]: () => connections.close(),
  };
}

/** Makes the tables, or brings them to this version; one host at a time. */
async function climb(connections: Connections, schema: string, name: string): Promise<void> {
  await connections.alone(async (query) => {
    // To whom all is there already nothing is asked that he might not be allowed.
    if ((await versionOf(query, schema)) === STEPS.length) return;
    await query("BEGIN");
    await query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`bulkhead ${name}`]);
    await query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await query(
      `CREATE TABLE IF NOT EXISTS ${schema}.schema (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), version integer NOT NULL)`,
    );
    const reached = await versionOf(query, schema);
    if (reached > STEPS.length)
      throw new HostError("storage-failed", `the schema ${name} was written by a newer version of bulkhead; update this one`);
    for (const step of STEPS.slice(reached)) await query(step(schema));
    await query(`INSERT INTO ${schema}.schema (version) VALUES ($1) ON CONFLICT (only_one) DO UPDATE SET version = excluded.version`, [
      STEPS.length,
    ]);
    await query("COMMIT");
  });
}

async function versionOf(
  query: (text: string, values?: readonly unknown[]) => Promise<readonly object[]>,
  schema: string,
): Promise<number> {
  const [there] = (await query("SELECT to_regclass($1) IS NOT NULL AS is_there", [`${schema}.schema`])) as { is_there: boolean }[];
  if (there?.is_there !== true) return 0;
  const [row] = (await query(`SELECT version FROM ${schema}.schema`)) as { version: number }[];
  return row?.version ?? 0;
}

/** Does the work at the first call, and again at each until it has succeeded once. */
function onceDone(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work().catch((thrown: unknown) => {
      done = undefined;
      throw thrown;
    });
    return done;
  };
}
