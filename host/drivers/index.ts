// The drivers that come with the host, by port; loaded when the configuration chooses them.

import type { EventLog } from "../core/ports/events.ts";
import type { StateDriver } from "../core/ports/state.ts";
import type { Driver, Leases, LogOutput, Peers, PeersOpening, StorageDriverModule, StorageDriverOfHost } from "../seams.ts";

export const LOG_DRIVERS: Readonly<Record<string, () => Promise<Driver<LogOutput>>>> = {
  json: async () => (await import("./log-json/driver.ts")).json as Driver<LogOutput>,
};

/** Where the state is that plugins share. */
export const STATE_DRIVERS: Readonly<Record<string, () => Promise<Driver<StateDriver>>>> = {
  memory: async () => (await import("./state/memory.ts")).memory as Driver<StateDriver>,
  sqlite: async () => (await import("./state/sqlite.ts")).sqlite as Driver<StateDriver>,
  nats: async () => (await import("./state/nats.ts")).nats as Driver<StateDriver>,
};

/** Where events are that outlive whoever should hear them. */
export const EVENT_DRIVERS: Readonly<Record<string, () => Promise<Driver<EventLog>>>> = {
  memory: async () => (await import("./events/memory.ts")).memory as Driver<EventLog>,
  sqlite: async () => (await import("./events/sqlite.ts")).sqlite as Driver<EventLog>,
};

/** By which one of several hosts is chosen. */
export const LEASE_DRIVERS: Readonly<Record<string, () => Promise<Driver<Leases>>>> = {
  memory: async () => (await import("./leases/memory.ts")).memory as Driver<Leases>,
  sqlite: async () => (await import("./leases/sqlite.ts")).sqlite as Driver<Leases>,
  nats: async () => (await import("./leases/nats.ts")).nats as Driver<Leases>,
};

/** By what hosts of a cluster reach each other. */
export const PEERS_DRIVERS: Readonly<Record<string, () => Promise<Driver<Peers, unknown, PeersOpening>>>> = {
  memory: async () => (await import("./peers/memory.ts")).memory as Driver<Peers, unknown, PeersOpening>,
  nats: async () => (await import("./peers/nats.ts")).nats as Driver<Peers, unknown, PeersOpening>,
};

/** Where plugins keep what is their own, in their cells: so all of these come with the host. */
export const STORAGE_DRIVERS: Readonly<Record<string, () => Promise<StorageDriverModule>>> = {
  memory: async () => (await import("./storage-memory/driver.ts")).memory,
  sqlite: async () => (await import("./storage-sqlite/driver.ts")).sqlite,
};

/** The same on the host's side. */
export const STORAGE_DRIVERS_OF_HOST: Readonly<Record<string, () => Promise<StorageDriverOfHost>>> = {
  postgres: async () => (await import("./storage-postgres/driver.ts")).postgres as StorageDriverOfHost,
  redis: async () => (await import("./storage-redis/driver.ts")).redis as StorageDriverOfHost,
  mongodb: async () => (await import("./storage-mongodb/driver.ts")).mongodb as StorageDriverOfHost,
  "memory-remote": async () => (await import("./storage-memory/remote.ts")).memoryRemote as StorageDriverOfHost,
};
