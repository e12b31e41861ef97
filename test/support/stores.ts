// Storage drivers of the host's side as tests open them: over a real server, each test with a part of its own.

import { randomUUID } from "node:crypto";
import { openHostDatabase } from "../../host/admin/database.ts";
import { SecretStore } from "../../host/admin/secrets.ts";
import { STORE_DESTINATION } from "../../host/bounds/store-address.ts";
import type { StoreWithFaults } from "../../host/contracts/storage-faults.ts";
import type { StorageToOpen } from "../../host/contracts/storage-words.ts";
import type { RemoteStorage, RemoteStorageDriver } from "../../host/core/ports/storage.ts";
import { openMongo } from "../../host/drivers/storage-mongodb/driver.ts";
import { openPostgres } from "../../host/drivers/storage-postgres/driver.ts";
import { openRedis } from "../../host/drivers/storage-redis/driver.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { muteProxy } from "./mute-proxy.ts";
import { type MortalServer, PASSWORD, type ServerKind, startedServer } from "./servers.ts";

interface Place {
  readonly port: number;
  /** Nobody else's. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly now?: (() => number) | undefined;
}

const password = encodeURIComponent(PASSWORD);
const tell = (): void => {};

const urlOf: Readonly<Record<StoreKind, (port: number) => string>> = {
  postgres: (port) => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
  redis: (port) => `redis://:${password}@127.0.0.1:${port}`,
  mongodb: (port) => `mongodb://127.0.0.1:${port}/`,
};

export type StoreKind = "postgres" | "redis" | "mongodb";

const OPEN: Readonly<Record<StoreKind, (place: Place) => Promise<RemoteStorageDriver>>> = {
  postgres: ({ port, name, timeoutMs, now }) =>
    openPostgres(
      { schema: name, connections: 4, timeoutMs },
      { address: { url: new URL(urlOf.postgres(port)), tls: undefined }, tell, now },
    ),
  redis: ({ port, name, timeoutMs, now }) =>
    openRedis({ prefix: name, timeoutMs }, { address: { url: new URL(urlOf.redis(port)), tls: undefined }, tell, now }),
  mongodb: ({ port, name, timeoutMs, now }) =>
    openMongo({ database: name, timeoutMs }, { address: { url: new URL(urlOf.mongodb(port)), tls: undefined }, tell, now }),
};

/** The option that says whose part it is. */
const PART: Readonly<Record<StoreKind, string>> = { postgres: "schema", redis: "prefix", mongodb: "database" };
/** What answers for it here. */
export const SERVER_OF: Readonly<Record<StoreKind, ServerKind>> = { postgres: "postgres", redis: "redis", mongodb: "ferretdb" };
const SECRET = "store-url";

export const STORE_KINDS: readonly StoreKind[] = Object.keys(OPEN) as StoreKind[];

/** An empty part for each plugin and for each that is opened. */
export class TestStores implements AsyncDisposable {
  readonly #kind: StoreKind;
  readonly #name: string;
  readonly #drivers: RemoteStorageDriver[] = [];
  #plugins = 0;

  /** `name` is of the part of the store; a new one by default. */
  constructor(kind: StoreKind, name: string = newName()) {
    this.#kind = kind;
    this.#name = name;
  }

  readonly open = async ({ maxBytes = 1_048_576, maxKeys = 1_000, clock, keepsLog }: StorageToOpen = {}): Promise<RemoteStorage> => {
    const driver = await this.#openDriver(clock && (() => clock.now()));
    this.#plugins += 1;
    const limits = { ...DEFAULT_LIMITS, storageBytes: maxBytes, storageKeys: maxKeys };
    return driver.open({ name: `p${this.#plugins}`, limits, keepsStorageLog: keepsLog });
  };

  /** A plugin's part as a host with this configuration has it. */
  async openPlugin(name: string): Promise<RemoteStorage> {
    return (await this.#openDriver()).open({ name, limits: DEFAULT_LIMITS });
  }

  /** What a configuration says for the same part of the store; its secret is put into the host's data folder, which no host has open. */
  async section(dataDir: string): Promise<object> {
    const { port } = await startedServer(SERVER_OF[this.#kind]);
    const database = openHostDatabase(dataDir);
    new SecretStore(database.connection, systemClock, dataDir).set(SECRET, urlOf[this.#kind](port), [STORE_DESTINATION]);
    database.close();
    return { driver: this.#kind, urlSecret: SECRET, timeoutMs: 60_000, [PART[this.#kind]]: this.#name };
  }

  async #openDriver(now?: () => number): Promise<RemoteStorageDriver> {
    const { port } = await startedServer(SERVER_OF[this.#kind]);
    const driver = await OPEN[this.#kind]({ port, name: this.#name, timeoutMs: 60_000, now });
    this.#drivers.push(driver);
    return driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of this.#drivers) await driver[Symbol.asyncDispose]();
  }
}

/** A server that comes back whenever it is ended; and what can be done to it. */
export async function storeWithFaults(kind: StoreKind, server: MortalServer): Promise<StoreWithFaults> {
  const proxy = await muteProxy(server.port);
  const drivers: RemoteStorageDriver[] = [];
  const name = newName();
  return {
    async open() {
      const driver = await OPEN[kind]({ port: proxy.port, name, timeoutMs: 1_000 });
      drivers.push(driver);
      return driver.open({ name: "p", limits: DEFAULT_LIMITS });
    },
    mute: () => proxy.mute(),
    kill: () => server.kill(),
    async [Symbol.asyncDispose]() {
      for (const driver of drivers) await driver[Symbol.asyncDispose]();
      await proxy.close();
    },
  };
}

export const newName = (): string => `t_${randomUUID().replaceAll("-", "_")}`;
