// A commit of a plugin's storage in PostgreSQL, beside the same written by hand: on one connection each, to one server that does not wait for its disk.

import pg from "pg";
import { openPostgres } from "../../host/drivers/storage-postgres/driver.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { ownServer, PASSWORD } from "../support/servers.ts";
import { measureBoth, type Row, slower } from "./measure.ts";

const CHANGES = 10;
const COMMITS = 400;
const VALUE = Buffer.alloc(100, 7);
const keys = Array.from({ length: CHANGES }, (_, i) => `key-${i}`);

export async function benchStores(): Promise<Row[]> {
  const { port } = await ownServer("postgres");
  const url = new URL(`postgres://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`);
  const address = { url, tls: undefined };
  const driver = await openPostgres({ schema: "bench", connections: 1, timeoutMs: 30_000 }, { address, tell: () => {} });
  const storage = await driver.open({ name: "bench", limits: DEFAULT_LIMITS });
  let version = 0;
  const ours = async (): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < COMMITS; i += 1) {
      VALUE[0] = i;
      const changes = keys.map((key) => ({ key, value: VALUE, ttlMs: undefined }));
      const outcome = await storage.commit({ checks: [{ key: "key-0", version }], changes });
      if (!outcome.committed) throw new Error("the check failed");
      version = outcome.version;
    }
    return ((performance.now() - start) * 1_000) / COMMITS;
  };
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await client.query("CREATE TABLE by_hand (key bytea PRIMARY KEY, value bytea NOT NULL, version bigint NOT NULL)");
  const theirs = byHand(client);
  await ours();
  await theirs();
  const commits = await measureBoth({ runOurs: ours, runTheirs: theirs });
  await client.end();
  await driver[Symbol.asyncDispose]();
  return [slower(`storage commit of a check and ${CHANGES} changes in PostgreSQL vs a transaction by hand with pg`, commits, 1.5)];
}

/** Reads the version under a lock, writes all rows in one statement, with statements that are prepared; four round trips. */
function byHand(client: pg.Client): () => Promise<number> {
  let version = 0;
  const upsert = `INSERT INTO by_hand (key, value, version)
    SELECT key, value, $3 FROM unnest($1::bytea[], $2::bytea[]) AS r(key, value)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version`;
  return async () => {
    const start = performance.now();
    for (let i = 0; i < COMMITS; i += 1) {
      VALUE[0] = i;
      await client.query("BEGIN");
      const select = { name: "check", text: "SELECT version FROM by_hand WHERE key = $1 FOR UPDATE", values: [Buffer.from("key-0")] };
      const found = (await client.query<{ version: string }>(select)).rows[0]?.version ?? "0";
      if (Number(found) !== version) throw new Error("the check failed");
      version += 1;
      const values = [keys.map((key) => Buffer.from(key)), keys.map(() => VALUE), version];
      await client.query({ name: "upsert", text: upsert, values });
      await client.query("COMMIT");
    }
    return ((performance.now() - start) * 1_000) / COMMITS;
  };
}
