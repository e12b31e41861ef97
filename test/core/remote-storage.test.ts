// What stands between a plugin and a store on the host's side: asking once more, not asking at all, moving, and the address of the store.

import { describe, expect, it, vi } from "vitest";
import { asRemote } from "../../host/bounds/remote-storage.ts";
import { STORE_DESTINATION, storeAddress } from "../../host/bounds/store-address.ts";
import { StoreUnavailable } from "../../host/bounds/store-unavailable.ts";
import { Circuit, throughCircuit } from "../../host/capabilities/storage/circuit.ts";
import { retrying } from "../../host/capabilities/storage/retrying.ts";
import { HostError } from "../../host/core/errors.ts";
import type { RemoteStorage } from "../../host/core/ports/storage.ts";
import { MemoryStorage } from "../../host/drivers/storage-memory/driver.ts";
import { Commits } from "../../host/drivers/storage-postgres/commits.ts";
import type { Connections } from "../../host/drivers/storage-postgres/connection.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { copyAll, requireEqual } from "../../host/lifecycle/moving.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { utf8 } from "../support/scripted-cell.ts";

const MIB = 1_048_576;
const memory = (): RemoteStorage => asRemote(new MemoryStorage({ plugin: "p", maxBytes: MIB, maxKeys: 10_000, clock: systemClock }));
const away = (): never => {
  throw new StoreUnavailable("away");
};

/** Fails so often, before or after it has done what it is asked. */
function failing(
  times: number,
  when: "before" | "after",
  storage: RemoteStorage = memory(),
): RemoteStorage & { asked: number; ids: Set<string> } {
  let left = times;
  const seen = { asked: 0, ids: new Set<string>() };
  const made = new Map<string, unknown>();
  const once = async <T>(id: string | undefined, work: () => Promise<T>): Promise<T> => {
    seen.asked += 1;
    seen.ids.add(id ?? "");
    left -= 1;
    if (left >= 0 && when === "before") away();
    const done = made.get(id ?? "") ?? (await work());
    // As stores do that know a commit by its name.
    if (id !== undefined) made.set(id, done);
    if (left >= 0) away();
    return done as T;
  };
  return Object.assign(seen, {
    read: (keys: readonly string[], maxBytes: number) => once(undefined, () => storage.read(keys, maxBytes)),
    set: (change: Parameters<RemoteStorage["set"]>[0]) => once(change.id, () => storage.set(change)),
    commit: (commit: Parameters<RemoteStorage["commit"]>[0]) => once(commit.id, () => storage.commit(commit)),
    keys: (range: Parameters<RemoteStorage["keys"]>[0]) => once(undefined, () => storage.keys(range)),
    scan: (range: Parameters<RemoteStorage["scan"]>[0]) => once(undefined, () => storage.scan(range)),
    changes: (after: number, limit: number) => once(undefined, () => storage.changes(after, limit)),
    close: () => storage.close(),
  });
}

describe("a store that cannot be reached", () => {
  const patience = { clock: systemClock, deadline: Number.POSITIVE_INFINITY };

  it("is asked three times, by one name for a write, so that it is made once although its answer was lost", async () => {
    const store = failing(2, "after");
    const { version } = await retrying(store, patience).commit({
      checks: [{ key: "a", version: 0 }],
      changes: [{ key: "a", value: utf8("1"), ttlMs: undefined }],
    });
    expect([store.asked, store.ids.size]).toEqual([3, 1]);
    expect((await store.read(["a"], MIB))[0]?.version).toBe(version);
    const lost = failing(3, "before");
    await expect(retrying(lost, patience).set({ key: "a", value: utf8("1") })).rejects.toMatchObject({ code: "storage-failed" });
    expect(lost.asked).toBe(3);
  });

  it("is not asked again after the turn's deadline, when nobody waits, or when it has answered with a refusal", async () => {
    const late = failing(9, "before");
    await expect(retrying(late, { clock: systemClock, deadline: systemClock.monotonicMs() }).read(["a"], MIB)).rejects.toThrow("away");
    expect(late.asked).toBe(1);
    const ended = failing(9, "before");
    await expect(retrying(ended, { ...patience, ended: AbortSignal.abort() }).read(["a"], MIB)).rejects.toThrow("away");
    expect(ended.asked).toBe(1);
    const read = vi.fn(() => Promise.reject(new HostError("quota-exceeded", "full")));
    await expect(retrying({ ...memory(), read }, patience).read(["a"], MIB)).rejects.toThrow("full");
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("is left alone for a while after five failures, whoever asks, and then tried by one", async () => {
    const clock = fakeClock();
    const said: string[] = [];
    const circuit = new Circuit(clock, (message) => said.push(message));
    let isAway = true;
    const ask = vi.fn(async () => (isAway ? away() : []));
    const store = throughCircuit({ ...memory(), read: ask }, circuit);
    const other = throughCircuit({ ...memory(), keys: ask }, circuit);
    for (let i = 0; i < 5; i += 1) await expect(store.read(["a"], MIB)).rejects.toThrow("away");
    for (let i = 0; i < 5; i += 1) await expect(other.keys({ prefix: "", after: undefined, limit: 1 })).rejects.toThrow("is away");
    expect(ask).toHaveBeenCalledTimes(5);
    clock.pass(5_000);
    await Promise.allSettled(Array.from({ length: 10 }, () => store.read(["a"], MIB)));
    expect(ask).toHaveBeenCalledTimes(6);
    clock.pass(5_000);
    isAway = false;
    expect(await store.read(["a"], MIB)).toEqual([]);
    expect(await other.keys({ prefix: "", after: undefined, limit: 1 })).toEqual([]);
    expect(said).toEqual([expect.stringContaining("is away"), "a store of plugins is back"]);
  });
});

describe("commits of many plugins in PostgreSQL", () => {
  it("go together while others are under way, and each alone when one spoils it for all", async () => {
    const asked: string[][] = [];
    const gates: (() => void)[] = [];
    const query = async (_text: string, values: readonly unknown[]) => {
      const plugins = values.filter((value) => String(value).startsWith("p")) as string[];
      asked.push(plugins);
      await new Promise<void>((resolve) => gates.push(resolve));
      if (plugins.includes("p-bad")) throw new Error("bad");
      return plugins.map((_, place) => ({ place, outcome: "made", version: place, had: false, found_keys: 0 }));
    };
    const commits = new Commits({ query: query as Connections["query"] }, '"s"');
    const made = ["p1", "p2", "p3", "p4", "p9", "p-bad", "p5"].map((plugin) =>
      commits.make({ plugin, values: [plugin, ...Array.from({ length: 16 }, () => 0)] }).then(
        ({ outcome }) => outcome,
        (cause: unknown) => String(cause),
      ),
    );
    for (let i = 0; i < 10; i += 1) {
      for (const open of gates.splice(0)) open();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(made)).toEqual(["made", "made", "made", "made", "made", "Error: bad", "made"]);
    expect(asked.slice(0, 5)).toEqual([["p1"], ["p2"], ["p3"], ["p4"], ["p-bad", "p5", "p9"]]);
    expect(asked.slice(5)).toEqual([["p-bad"], ["p5"], ["p9"]]);
  });
});

describe("a move from store to store", () => {
  const filled = async (): Promise<RemoteStorage> => {
    const storage = memory();
    for (let i = 0; i < 1_700; i += 1) await storage.set({ key: `k${i}`, value: utf8(String(i)) });
    await storage.commit({ checks: [], changes: [{ key: "brief", value: utf8("1"), ttlMs: 60_000 }] });
    return storage;
  };
  const reader = (storage: RemoteStorage) => ({ ...storage, lastVersion: async () => 5_000 });

  it("goes on after the last page that arrived, and keeps when a value ends", async () => {
    const [from, to] = [await filled(), memory()];
    let after: string | undefined;
    const commit = vi.fn((one: Parameters<RemoteStorage["commit"]>[0]) => (commit.mock.calls.length === 2 ? away() : to.commit(one)));
    const breaking = { ...to, commit };
    const note = (last: string): void => {
      after = last;
    };
    const copying = { now: () => systemClock.now(), note };
    await expect(copyAll(reader(from), breaking, { ...copying, after })).rejects.toThrow("away");
    await expect(requireEqual("p", from, to)).rejects.toThrow(/the copy of ".*" of p is another/);
    await copyAll(reader(from), breaking, { ...copying, after });
    expect(commit).toHaveBeenCalledTimes(5);
    expect(await requireEqual("p", from, to)).toMatchObject({ keys: 1_701 });
    const [brief] = await to.read(["brief"], MIB);
    expect(brief?.version).toBeGreaterThan(5_000);
    expect(Number(brief?.expiresAt) - systemClock.now()).toBeLessThanOrEqual(60_000);
  });

  it("finds a value that is another, one that is missing, and one too many", async () => {
    const from = await filled();
    for (const [key, value] of [
      ["k9", "other"],
      ["k9", undefined],
      ["more", "1"],
    ] as const) {
      const to = memory();
      await copyAll(reader(from), to, { after: undefined, now: () => systemClock.now(), note: () => {} });
      await to.set({ key, value: value === undefined ? undefined : utf8(value) });
      await expect(requireEqual("p", from, to), key).rejects.toMatchObject({
        code: "storage-failed",
        message: expect.stringContaining(`"${key}"`),
      });
    }
  });
});

describe("the address of a store", () => {
  const secrets = {
    find: (name: string) =>
      ({
        url: { value: "postgres://u:secret@db.example.com/x", mayGoTo: (to: string) => to === STORE_DESTINATION },
        key: { value: "postgres://u:secret@db.example.com/x", mayGoTo: () => false },
      })[name],
  };
  const of = (options: Parameters<typeof storeAddress>[0]) => storeAddress(options, secrets, ["postgres:"]);

  it("is a URL without a password, or a secret that may go there, and encrypted unless it is this machine", () => {
    expect(of({ urlSecret: "url" })).toMatchObject({ url: { password: "secret" }, tls: { servername: "db.example.com" } });
    expect(of({ url: "postgres://127.0.0.1/x" }).tls).toBeUndefined();
    expect(of({ url: "postgres://db.example.com/x", tls: false }).tls).toBeUndefined();
    expect(of({ url: "postgres://localhost/x", tls: true }).tls).toEqual({ servername: "localhost" });
  });

  it("is refused in words that do not have it", () => {
    const refusals = [
      [{}, /write url, or urlSecret/],
      [{ url: "postgres://u:secret@h/x" }, /has a password.*urlSecret/],
      [{ urlSecret: "key" }, /"bulkhead secret set key --to drivers\.storage" makes one/],
      [{ urlSecret: "none" }, /there is no secret none/],
      [{ url: "http://h/" }, /none of postgres:\/\//],
      [{ url: "postgres://h/x?sslmode=disable" }, /write tls beside it/],
      [{ url: "postgres://h/x", tls: { ca: "/nowhere" } }, /tls\.ca \(\/nowhere\) cannot be read/],
    ] as const;
    for (const [options, says] of refusals) {
      expect(() => of(options)).toThrow(says);
      expect(() => of(options)).not.toThrow(/secret@/);
    }
  });
});
