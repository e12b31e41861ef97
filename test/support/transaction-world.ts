// A plugin whose turns are transactions, in a real cell over a real store and log: what its turns do is written in the test.

import { setTimeout as delay } from "node:timers/promises";
import { storageFunctions } from "../../host/capabilities/storage/functions.ts";
import { RemoteTransactions } from "../../host/capabilities/storage/remote-transactions.ts";
import { Transactions } from "../../host/capabilities/transactions/transactions.ts";
import type { TestedTransactions, TestedTurn, TestedWork } from "../../host/contracts/transactions.ts";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { EventLog } from "../../host/core/ports/events.ts";
import type { RemoteStorage, StorageDriver } from "../../host/core/ports/storage.ts";
import type { HandledEvents, Limits, TurnOutcome } from "../../host/core/types.ts";
import { memory } from "../../host/drivers/events/memory.ts";
import { eventLogOptions } from "../../host/drivers/events/options.ts";
import { MemoryStorage } from "../../host/drivers/storage-memory/driver.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Keeping } from "../../host/lifecycle/events/keeping.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { hostPorts } from "./host-ports.ts";
import { memoryLog } from "./memory-log.ts";
import { definition, textOf, utf8 } from "./scripted-cell.ts";
import { type GuestTurn, scriptedGuests } from "./scripted-guests.ts";

const TRACE = `00-${"1".repeat(32)}-${"1".repeat(16)}-01`;
const PUBLISHES = { permission: "events.publish", resource: "p.**" };

export const WORLD_LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  storageBytes: 16 * 1_024 * 1_024,
  storageKeys: 10_000,
  publishesPerSecond: 100_000,
  deadlineMs: 60_000,
};

/** What outlives each cell: opened by the cell, or on the host's side. */
export type WorldStore = { readonly openStorage: () => StorageDriver } | { readonly remote: RemoteStorage };

export const testedTurn = ({ storage, ask }: GuestTurn): TestedTurn => ({
  get: (key) => {
    const value = storage.get(key);
    return value && textOf(value);
  },
  version: (key) => storage.getVersioned(key)?.version,
  set: (key, value) => storage.set(key, utf8(value)),
  delete: (key) => storage.delete(key),
  commit: (checks, changes) => storage.commit(checks, changes),
  keys: (prefix, after, limit) => storage.keys({ prefix, after, limit }),
  scan: (prefix, after, limit, reverse) => storage.scan({ prefix, after, limit, reverse }),
  publish: (data) => ask("events.publish", "p.happened", "text/plain", utf8(data)),
});

export const testedOnHost = ({ ask }: GuestTurn): TestedTurn => ({
  async get(key) {
    const value = await ask("storage.get", key);
    return value && textOf(value);
  },
  version: async (key) => (await ask("storage.get-versioned", key))?.version,
  set: async (key, value) => void (await ask("storage.set", key, utf8(value))),
  delete: (key) => ask("storage.delete", key),
  commit: (checks, changes) => ask("storage.commit", checks, changes),
  keys: (prefix, after, limit) => ask("storage.keys", prefix, after, limit),
  scan: (prefix, after, limit, reverse) => ask("storage.scan", prefix, after, limit, reverse),
  publish: (data) => ask("events.publish", "p.happened", "text/plain", utf8(data)),
});

export async function transactionWorld(store: WorldStore, close: () => void | Promise<void>): Promise<TestedTransactions> {
  const tested = "remote" in store ? testedOnHost : testedTurn;
  const openStorage =
    "remote" in store ? () => new MemoryStorage({ plugin: "p", maxBytes: 0, maxKeys: 0, clock: systemClock }) : store.openStorage;
  const clock = systemClock;
  const log = memoryLog();
  const events = (await memory.open({ clock, log, dataDir: "" }, eventLogOptions.parse({}))) as EventLog & AsyncDisposable;
  let isBroken = false;
  let work: TestedWork = async () => undefined;
  let host: Host;
  let follow: () => void;

  const live = async (): Promise<void> => {
    const keeping = new Keeping(() => born, events, ["p.**"]);
    const transactions = new Transactions({ core: () => born, clock, log });
    const stores = { of: () => ("remote" in store ? store.remote : Promise.reject(new Error("it is in its cell"))) };
    const remote = new RemoteTransactions({ core: () => born, clock, stores, transactions });
    let isDead = false;
    const born: Host = new Host(
      hostPorts({
        ...{
          clock,
          log,
          stage: transactions.stage,
          cellFunctions: new Map([...transactions.functions, ...remote.functions]),
          capabilities: storageFunctions(remote, clock),
        },
        keep: (event) => (isBroken || isDead ? Promise.reject(new HostError("storage-failed", "the disk is full")) : keeping.keep(event)),
      }),
    );
    const undo = [transactions.follow(), remote.follow()];
    const script = { run: (turn: GuestTurn) => work(tested(turn)) };
    const granted = { permissions: [{ ...PUBLISHES, reason: "test" }], grants: [PUBLISHES], limits: WORLD_LIMITS };
    const plugin = definition(
      "p",
      {},
      { ...granted, entryPoints: ["run"], transaction: "turn", storage: "remote" in store ? "host" : "cell" },
    );
    born.add(plugin, scriptedGuests({ clock, log, scripts: { p: script }, openStorage }));
    await born.start("p");
    host = born;
    follow = () => {
      isDead = true;
      for (const one of undo) one();
    };
  };
  await live();

  return {
    turn(next, handles?: HandledEvents): Promise<TurnOutcome> {
      work = next;
      const deadline = clock.monotonicMs() + WORLD_LIMITS.deadlineMs;
      const context = {
        caller: { kind: "host", name: "test" } as const,
        traceparent: TRACE,
        deadline,
        waiting: [],
        authorities: [],
        handles,
      };
      const { promise, resolve } = Promise.withResolvers<TurnOutcome>();
      host.plugin("p")?.submit("run", "", context, resolve);
      return promise;
    },
    async stored(key) {
      if ("remote" in store) {
        const [found] = await store.remote.read([key], 1_000_000);
        return found && textOf(found.value);
      }
      const driver = openStorage();
      const value = driver.get(key);
      driver.close();
      return value && textOf(value);
    },
    async kept() {
      const { events: found } = await events.read({ types: "**", after: 0, limit: 1_000 });
      return found.map(({ id, data }) => ({ id, data: textOf(data) }));
    },
    breakLog(toBroken) {
      isBroken = toBroken;
    },
    async die() {
      follow();
      await live();
    },
    pass: () => delay(1_200),
    async [Symbol.asyncDispose]() {
      follow();
      await events[Symbol.asyncDispose]();
      await close();
    },
  };
}
