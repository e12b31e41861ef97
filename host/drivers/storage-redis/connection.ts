// The connection to Redis: one, over which all questions go after each other without waiting for one another's answers. Nothing waits for ever, which ioredis
// would by default. All of the package ioredis is here.

import type { Redis } from "ioredis";
import type { StoreAddress } from "../../bounds/store-address.ts";
import { StoreUnavailable } from "../../bounds/store-unavailable.ts";
import { CHANGES, COMMIT, RANGE, READ } from "./scripts.ts";

type ScriptName = "read" | "range" | "changes" | "commit";
const SCRIPTS: Readonly<Record<ScriptName, string>> = { read: READ, range: RANGE, changes: CHANGES, commit: COMMIT };
const KEYS = 5;
const MAX_RECONNECT_MS = 2_000;
const FIRST_RECONNECT_MS = 50;
/** What Redis says when it will do later what it does not do now. */
const PASSES = /^(LOADING|READONLY|MASTERDOWN|BUSY|TRYAGAIN|CLUSTERDOWN) /;

/** What a script answers: Buffers, numbers, nothing, and lists of such. */
export type Answer = Buffer | number | null | readonly Answer[];

export interface RedisConnection {
  /** Rejects with StoreUnavailable when the same may succeed later, else with what Redis says. */
  run(script: ScriptName, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<Answer>;
  /** Fields of a section of INFO. */
  info(section: string): Promise<ReadonlyMap<string, string>>;
  /** Undefined where it may not be asked. */
  setting(name: string): Promise<string | undefined>;
  remove(keys: readonly string[]): Promise<void>;
  close(): void;
}

export interface RedisConnectionOptions {
  readonly address: StoreAddress;
  readonly timeoutMs: number;
  /** Told when it breaks. */
  onError(cause: unknown): void;
}

type Scripted = Redis & Readonly<Record<string, (...args: (string | number | Buffer)[]) => Promise<Answer>>>;

export async function connect({ address, timeoutMs, onError }: RedisConnectionOptions): Promise<RedisConnection> {
  const { Redis: Client } = await import("ioredis");
  const { url, tls } = address;
  const client = new Client({
    host: url.hostname === "" ? "127.0.0.1" : url.hostname,
    port: url.port === "" ? 6_379 : Number(url.port),
    db: Number(url.pathname.slice(1)) || 0,
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    ...(tls === undefined ? {} : { tls }),
    connectionName: "bulkhead",
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    retryStrategy: (times) => Math.min(MAX_RECONNECT_MS, FIRST_RECONNECT_MS * 2 ** times),
    scripts: Object.fromEntries(Object.entries(SCRIPTS).map(([name, lua]) => [`${name}Stored`, { lua, numberOfKeys: KEYS }])),
  }) as Scripted;
  client.on("error", onError);
  // What cannot be reached now is tried again by itself.
  await client.connect().catch(() => {});
  const asked = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (cause) {
      throw asUnavailable(cause);
    }
  };
  return {
    run: (script, keys, args) => asked(async () => client[`${script}StoredBuffer`]?.(...keys, ...args) ?? null),
    info: async (section) =>
      new Map((await asked(() => client.info(section))).split("\r\n").map((line) => line.split(":", 2) as [string, string])),
    async setting(name) {
      const answer = await asked(() => client.config("GET", name)).catch((thrown: unknown) => {
        if (thrown instanceof StoreUnavailable) throw thrown;
        return [];
      });
      return (answer as readonly string[])[1];
    },
    remove: (keys) => asked(async () => void (await client.unlink(...keys))),
    close: () => client.disconnect(),
  };
}

function asUnavailable(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  if (cause.name === "ReplyError" && !PASSES.test(cause.message)) return cause;
  return new StoreUnavailable("Redis does not answer", cause);
}
