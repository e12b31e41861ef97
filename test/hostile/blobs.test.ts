// Who wants more of blobs than a plugin may have, or leaves them half written: by the last step, by many at once, by dying, on a disk that is full.

import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Blobs } from "../../host/capabilities/blobs/blobs.ts";
import { Entries } from "../../host/capabilities/blobs/entries.ts";
import { blobFunctions } from "../../host/capabilities/blobs/functions.ts";
import type { BlobDriver } from "../../host/core/ports/blobs.ts";
import type { CheckedCall } from "../../host/core/ports/capability.ts";
import { fileBlobs } from "../../host/drivers/blobs/files.ts";
import { memoryBlobs } from "../../host/drivers/blobs/memory.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import type { BlobLimits } from "../../host/seams.ts";
import { type Step, scribe } from "../support/blobs.ts";
import { cellsOf } from "../support/cells.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { describeOnSmallDisk, mountSmallDisk, unmountDisk } from "../support/small-disk.ts";

const MIB = 1_048_576;
const LIMITS: BlobLimits = { blobBytes: 64 * MIB, blobs: 1_000 };
const blob = (name: string) => ({ name, mediaType: "text/plain", metadata: [] });
const usageOf = async (blobs: Blobs): Promise<object> => (await blobs.of("p")).usage;

describe("a plugin", () => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  const start = async (isolation: string, limits: object = {}): Promise<void> => {
    await scribe(folder.path, "scribe");
    const text = JSON.stringify({ adapters: { http: false }, plugins: { scribe: { path: "scribe", isolation, limits } } });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  };
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await host.stop();
    folder.remove();
  });
  const run = (...steps: readonly Step[]): Promise<string[]> => host.call<string[]>("scribe.run", steps);
  const files = (): string[] => {
    const path = join(folder.path, "data", "blobs", "scribe");
    return existsSync(path) ? readdirSync(path) : [];
  };

  it("that begins more blobs than it may have finishes as many as it may", async () => {
    await start("inline", { blobs: 1 });
    const [a = "", b = ""] = await run({ op: "create", name: "a" }, { op: "create", name: "b" }, { op: "finish" });
    expect([a, b]).toEqual(["1", "2"]);
    const answers = await run(
      { op: "delete", name: "b" },
      { op: "create", name: "a" },
      { op: "create", name: "b" },
      { op: "finish", writer: 3 },
      { op: "finish", writer: 4 },
      { op: "scan" },
    );
    expect(answers.slice(3)).toEqual([
      expect.stringMatching(/^a text\/plain 0 /),
      "quota-exceeded: scribe has 1 blobs; the limit is 1 (limits.blobs); delete some",
      "a",
    ]);
    await eventually("the other's file is gone", () => files().length === 2 || undefined);
  });

  it("whose process is killed while it writes leaves nothing, and has all of its quota again", async () => {
    await start("process", { blobMiB: 1, deadlineMs: 60_000, cpuMs: 60_000 });
    const appends = Array.from({ length: 20_000 }, () => ({ op: "append", bytes: 50, fill: 1 }));
    const written = run({ op: "create", name: "a" }, ...appends, { op: "finish" }).then(
      () => "written",
      ({ code }) => code,
    );
    await eventually("it writes", () => files().length > 0 || undefined);
    for (const pid of cellsOf(process.pid)) process.kill(pid, "SIGKILL");
    expect(await written).toBe("plugin-failed");
    await eventually("nothing is left", () => files().length === 0 || undefined);
    const again = await eventually("its cell is back", () =>
      run({ op: "create", name: "a" }, { op: "append", bytes: MIB - 100 }, { op: "finish" }).catch(() => undefined),
    );
    expect(again.at(-1)).toContain(`a text/plain ${MIB - 100} `);
  });
});

describe("a turn", () => {
  it("that ends while its first blob is being opened has begun none", async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const driver = memoryBlobs();
    const slow: BlobDriver = { ...driver, open: (plugin) => opened.then(() => driver.open(plugin)) };
    const blobs = new Blobs(slow, systemClock);
    const context = { traceparent: "of the turn" };
    const call = { plugin: "p", limits: DEFAULT_LIMITS, spend() {}, within: { context } } as unknown as CheckedCall;
    const created = blobFunctions(blobs)["blobs.create"]?.answer(call, "a", "text/plain", []);
    blobs.endTurn({ plugin: "p", traceparent: context.traceparent });
    open();
    await expect(created).rejects.toMatchObject({ code: "deadline-exceeded" });
    expect(await usageOf(blobs)).toEqual({ blobs: 0, bytes: 0 });
    expect(blobs.writersOf("p").has(context.traceparent, 1)).toBe(false);
  });
});

describe("a writer whose disk fails", () => {
  it("gives back once what it had reserved, however many pieces are on their way and whoever ends it", async () => {
    const driver = memoryBlobs();
    const failing: BlobDriver = {
      ...driver,
      create: async (plugin) => ({ ...(await driver.create(plugin)), write: () => Promise.reject(new Error("no disk")) }),
    };
    const blobs = new Blobs(failing, systemClock);
    const sink = await blobs.begin("p", blob("a"), LIMITS);
    const ended = [sink.write(new Uint8Array(MIB)), sink.write(new Uint8Array(MIB)), sink.write(new Uint8Array(MIB)), sink.discard()];
    expect((await Promise.allSettled(ended)).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "fulfilled"]);
    await expect(sink.finish()).rejects.toMatchObject({ code: "invalid-message" });
    expect(await usageOf(blobs)).toEqual({ blobs: 0, bytes: 0 });
  });

  it("gives it back when the last step fails, and the former blob is there", async () => {
    const driver = memoryBlobs();
    let isBroken = false;
    const failing: BlobDriver = {
      ...driver,
      put: (plugin, entry, former) => (isBroken ? Promise.reject(new Error("no disk")) : driver.put(plugin, entry, former)),
    };
    const blobs = new Blobs(failing, systemClock);
    const write = async (bytes: number): Promise<unknown> => {
      const sink = await blobs.begin("p", blob("a"), LIMITS);
      await sink.write(new Uint8Array(bytes));
      return sink.finish();
    };
    await write(10);
    const before = await usageOf(blobs);
    isBroken = true;
    await expect(write(20)).rejects.toThrow("no disk");
    expect(await usageOf(blobs)).toEqual(before);
    expect((await (await blobs.of("p")).read("a", 0, 99, undefined)).length).toBe(10);
  });
});

const small = temporaryFolder();
describeOnSmallDisk("a full disk", () => {
  beforeEach(() => mountSmallDisk(small.path, "4m"));
  afterEach(() => unmountDisk(small.path));

  it("is told, costs a plugin neither its quota nor its former blob, and leaves no file", async () => {
    const blobs = new Blobs(fileBlobs(join(small.path, "blobs")), systemClock);
    const write = async (name: string, pieces: number): Promise<unknown> => {
      const sink = await blobs.begin("p", blob(name), LIMITS);
      for (let i = 0; i < pieces; i += 1) await sink.write(new Uint8Array(MIB).fill(i));
      return sink.finish();
    };
    await write("a", 1);
    const before = await usageOf(blobs);
    const full = { code: "storage-failed", message: "the disk of the host's blobs is full" };
    await expect(write("a", 5)).rejects.toMatchObject(full);
    await expect(write("b", 5)).rejects.toMatchObject(full);
    expect(await usageOf(blobs)).toEqual(before);
    expect(readdirSync(join(small.path, "blobs", "p"))).toHaveLength(2);
    // Not even an entry fits.
    const sink = await blobs.begin("p", blob("c"), LIMITS);
    try {
      for (;;) writeFileSync(join(small.path, "ballast"), Buffer.alloc(4_096), { flag: "a" });
    } catch {
      // Full.
    }
    await expect(sink.finish()).rejects.toMatchObject(full);
    expect(readdirSync(join(small.path, "blobs", "p"))).toHaveLength(2);
    rmSync(join(small.path, "ballast"));
    await write("a", 2);
    expect(await (await blobs.of("p")).read("a", 2 * MIB - 1, 9, undefined)).toEqual(new Uint8Array([1]));
  });
});

describe("pages of names", () => {
  it("are those of all names sorted by their bytes, for every prefix and place, whatever was set and deleted before", () => {
    const letters = ["a", "b", "\u00E9", "\uD7FF", "\uE000", "\uFF5E", "\u{1F600}", "\u{10FFFF}"];
    const bytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));
    let state = 7;
    const pick = <T>(of: readonly T[]): T => {
      state = (state * 16_807) % 2_147_483_647;
      return of[state % of.length] as T;
    };
    const name = (): string => Array.from({ length: pick([1, 2, 3]) }, () => pick(letters)).join("");
    const entries = new Entries([]);
    const known = new Set<string>();
    for (let i = 0; i < 2_000; i += 1) {
      const one = name();
      if (pick([true, true, false])) {
        entries.set({ ...blob(one), size: 1, id: "x", modified: 1 });
        known.add(one);
      } else {
        entries.delete(one);
        known.delete(one);
      }
      const [prefix, after, limit] = [pick(["", name()]), pick([undefined, "", name()]), pick([1, 3, 1_000])];
      const expected = [...known].sort(bytes).filter((each) => each.startsWith(prefix) && bytes(each, after ?? "") > 0);
      expect(entries.page({ prefix, after, limit }).map((entry) => entry.name)).toEqual(expected.slice(0, limit));
      expect(entries.size).toBe(known.size);
    }
    expect(entries.bytes).toBe([...known].reduce((sum, each) => sum + Buffer.byteLength(each) + "text/plain".length + 1, 0));
  });
});
