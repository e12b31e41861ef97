// The folder of turns that failed: bounded in bytes, number and age, sealed, and as good as empty where somebody has had his hands in it.

import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recordOperations } from "../../host/admin/record-operations.ts";
import { TurnRecords } from "../../host/admin/turn-records.ts";
import type { Tape } from "../../host/bounds/turn-tape.ts";
import type { RecordedTurn } from "../../host/core/ports/cell.ts";
import { NO_USAGE, type PluginDefinition } from "../../host/core/types.ts";
import { failureRecords } from "../../host/lifecycle/failure-records.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { describeOnSmallDisk, mountSmallDisk, unmountDisk } from "../support/small-disk.ts";

const KIB = 1_024;
const MIB = KIB * KIB;
const HOUR_MS = 3_600_000;
const SECRET = "the input of somebody";
const MODULE = new Uint8Array(8);

const tape = (more: Partial<Tape["turn"]> = {}): Uint8Array => {
  const turn: Tape["turn"] = {
    ...{
      entryPoint: "f",
      input: "",
      caller: { kind: "host", name: "x" },
      isNew: true,
      calls: [],
      now: [],
      monotonic: [],
      random: "",
      fuel: 1,
    },
    ...more,
  };
  return new TextEncoder().encode(JSON.stringify({ salt: "0".repeat(32), before: [], turn } satisfies Tape));
};
const failed = (plugin: string, given: Partial<RecordedTurn> = {}): RecordedTurn => ({
  ...{ plugin, entryPoint: "f", input: SECRET, caller: { kind: "host", name: "x" }, traceparent: "00-0-0-01", tape: tape() },
  moduleSha256: "0".repeat(64),
  outcome: { ok: false, error: { code: "plugin-failed", message: "no" }, usage: NO_USAGE },
  ...given,
});
const definition = (name: string): PluginDefinition => ({
  ...{ name, version: "1.0.0", module: MODULE, entryPoints: ["f"], limits: DEFAULT_LIMITS, config: {} },
  ...{ services: [], subscriptions: [], permissions: [], grants: [], dependencies: [] },
});

describe("the records of a host", () => {
  let folder: TemporaryFolder;
  let clock: FakeClock;
  const open = (options = {}): TurnRecords =>
    new TurnRecords({ dataDir: folder.path, clock, options: () => ({ mib: 2, mibPerPlugin: 1, maxAgeHours: 24, ...options }) });
  const at = (): string => join(folder.path, "records");
  const files = (): string[] => (existsSync(at()) ? readdirSync(at()).sort() : []);
  const bytes = (): number => files().reduce((sum, name) => sum + statSync(join(at(), name)).size, 0);
  const keep = (records: TurnRecords, plugin = "p", given: Partial<RecordedTurn> = {}): string => {
    clock.pass(61_000);
    return records.keep(failed(plugin, given), definition(plugin), "1.0.0").id;
  };

  beforeEach(() => {
    folder = temporaryFolder();
    clock = fakeClock();
  });
  afterEach(() => folder.remove());

  it("are there after a restart as they were, the latest first", () => {
    const ids = [keep(open()), keep(open(), "q")];
    const again = open();
    expect(again.list({ limit: 10 }).map(({ id, plugin }) => [id, plugin])).toEqual([
      [ids[1], "q"],
      [ids[0], "p"],
    ]);
    expect(again.list({ plugin: "p", limit: 10 })).toHaveLength(1);
    const record = again.read(ids[0] ?? "");
    expect(Buffer.from(record.input, "base64").toString()).toBe(SECRET);
    expect(record).toMatchObject({ plugin: "p", code: "plugin-failed", error: { message: "no" }, tape: { before: [] } });
  });

  it("take no more than their bytes, of each plugin and of all, however often one fails; the oldest go first", () => {
    const records = open({ maxAgeHours: 8_000 });
    const random = Buffer.alloc(100 * KIB, 7).toString("base64");
    const others = [keep(records, "q"), keep(records, "q")];
    let dropped = 0;
    let last = "";
    for (let i = 0; i < 10_000; i += 1) {
      clock.pass(61_000);
      const kept = records.keep(failed("p", i % 100 === 0 ? { tape: tape({ random }) } : {}), definition("p"), "1.0.0");
      dropped += kept.dropped;
      last = kept.id;
      if (i % 1_000 === 0) expect(bytes()).toBeLessThanOrEqual(MIB + 8 * KIB);
    }
    expect(records.usage().bytes).toBeLessThanOrEqual(MIB + 8 * KIB);
    expect(files().length).toBeLessThanOrEqual(258);
    expect(dropped).toBeGreaterThan(9_000);
    const listed = records.list({ limit: 1_000 }).map(({ id }) => id);
    expect(listed[0]).toBe(last);
    expect(others.every((id) => listed.includes(id))).toBe(true);
  });

  it("of all plugins together take no more than they may", () => {
    const records = open({ mib: 1, mibPerPlugin: 1 });
    const random = Buffer.alloc(200 * KIB, 7).toString("base64");
    for (const plugin of ["a", "b", "c", "d", "e", "f"]) keep(records, plugin, { tape: tape({ random }) });
    expect(bytes()).toBeLessThanOrEqual(MIB);
    expect(records.list({ limit: 10 }).map(({ plugin }) => plugin)).toEqual(["f", "e", "d"]);
  });

  it("do not keep the disk busy: what comes beyond them within a minute is not kept, and no record is larger than may be", () => {
    const records = open();
    const turn = failed("p", { tape: tape({ random: Buffer.alloc(500 * KIB, 7).toString("base64") }) });
    let refused: unknown;
    for (let i = 0; i < 10 && refused === undefined; i += 1) {
      try {
        records.keep(turn, definition("p"), "1.0.0");
      } catch (thrown) {
        refused = thrown;
      }
    }
    expect(refused).toMatchObject({ code: "quota-exceeded", message: expect.stringContaining("within this minute") });
    clock.pass(60_000);
    expect(() => records.keep(turn, definition("p"), "1.0.0")).not.toThrow();
    const huge = failed("p", { tape: new Uint8Array(2 * MIB) });
    expect(() => records.keep(huge, definition("p"), "1.0.0")).toThrow(/the limit is 1048576 \(records.mibPerPlugin\)/);
  });

  it("are not gone because somebody sets the clock, unless it stays so", () => {
    const records = open();
    const early = keep(records);
    clock.set(8_760 * HOUR_MS);
    expect(records.read(early)).toMatchObject({ id: early });
    const ahead = keep(records);
    clock.set(-8_760 * HOUR_MS);
    clock.pass(HOUR_MS);
    const late = keep(records);
    expect(records.list({ limit: 10 }).map(({ id }) => id)).toEqual([late, ahead, early]);
    clock.set(8_760 * HOUR_MS);
    expect(records.list({ limit: 10 })).toHaveLength(3);
    clock.pass(HOUR_MS);
    expect(records.list({ limit: 10 }).map(({ id }) => id)).toEqual([ahead]);
  });

  it("are gone when they are too old, by the hour and for whoever asks", () => {
    const records = open();
    const id = keep(records);
    clock.pass(24 * HOUR_MS + 1);
    expect(() => records.read(id)).toThrow(/there is no record/);
    expect(files()).toEqual([]);
  });

  it("say nothing of what was said in them, neither in their files nor in their list", () => {
    const records = open();
    keep(records);
    const [file = ""] = files();
    const raw = readFileSync(join(at(), file));
    for (const text of [SECRET, Buffer.from(SECRET).toString("base64").slice(0, 16), "plugin-failed"])
      expect(raw.includes(text)).toBe(false);
    expect(JSON.stringify(records.list({ limit: 1 }))).not.toContain('no"');
    expect(statSync(join(at(), file)).mode & 0o777).toBe(0o600);
  });

  it("open only as they were written, under their own names, with their own key", () => {
    const id = keep(open());
    const [file = ""] = files();
    const path = join(at(), file);
    const raw = readFileSync(path);
    for (const place of [0, 9, 30, raw.length - 1]) {
      const changed = Buffer.from(raw);
      changed[place] = (changed[place] ?? 0) ^ 1;
      writeFileSync(path, changed);
      expect(() => open().read(id), `byte ${place}`).toThrow(/is damaged|cannot be opened/);
      expect(() => open().list({ limit: 10 })).not.toThrow();
    }
    writeFileSync(path, raw.subarray(0, 40));
    expect(() => open().read(id)).toThrow(/is damaged/);
    writeFileSync(path, raw);
    const foreign = file.replace("-p-", "-q-").replace(id, "0123456789ab");
    copyFileSync(path, join(at(), foreign));
    expect(() => open().read("0123456789ab")).toThrow(/cannot be opened/);
    rmSync(join(folder.path, "secret.key"));
    expect(() => open().read(id)).toThrow(/secret.key is lost/);
  });

  it("are not believed where their cell has lied, and can be dropped all the same", () => {
    const records = open();
    const id = keep(records, "p", { tape: new TextEncoder().encode('{"image":{"limits":{}},"turn":{}}') });
    expect(() => records.read(id)).toThrow(/the tape of the turn is malformed/);
    expect(records.list({ limit: 1 })).toHaveLength(1);
    expect(records.drop([id])).toBe(1);
    expect(() => records.drop([id])).toThrow(/there is no record/);
  });

  it("are read by nobody without an entry in the audit log", async () => {
    const records = open();
    const id = keep(records);
    const entries: unknown[] = [];
    const operations = new Map(recordOperations({ records, record: (...entry) => entries.push(entry) }));
    await operations.get("records")?.({}, "user:ada");
    expect(entries).toEqual([]);
    await operations.get("read-record")?.({ id }, "user:ada");
    expect(entries).toEqual([["user:ada", "read-record", "p", { id, entryPoint: "f" }]]);
    const full = new Map(
      recordOperations({
        records,
        record: () => {
          throw new Error("the disk is full");
        },
      }),
    );
    expect(() => full.get("read-record")?.({ id }, "user:ada")).toThrow("the disk is full");
    expect(() => operations.get("read-record")?.({ id: "../../etc/passwd" }, "user:ada")).toThrow(/malformed/);
  });

  it("tell the operator what is not kept and what went, once a minute, and fail nobody", () => {
    const log = memoryLog();
    const core = () => ({ plugin: (name: string) => ({ definition: definition(name) }) }) as never;
    using keeping = failureRecords({ core, stores: { records: open() }, clock, log });
    const turn = failed("p", { tape: tape({ random: Buffer.alloc(400 * KIB, 7).toString("base64") }) });
    for (let i = 0; i < 20; i += 1) keeping.onRecorded(turn);
    const warnings = log.lines.filter(({ level }) => level === "warning").map(({ message }) => message);
    expect(warnings).toEqual([expect.stringContaining("older records went for those of p")]);
    clock.pass(60_000);
    for (let i = 0; i < 20; i += 1) keeping.onRecorded({ ...turn, tape: new Uint8Array(2 * MIB) });
    expect(log.lines.filter(({ level }) => level === "warning")).toHaveLength(2);
    expect(log.lines.at(-1)?.message).toContain("a turn of p that failed is not kept: it has");
    expect(log.lines.filter(({ record }) => record !== undefined).length).toBeGreaterThan(2);
  });
});

const small: TemporaryFolder = temporaryFolder();

describeOnSmallDisk("records on a full disk", () => {
  beforeEach(() => mountSmallDisk(small.path, "1m"));
  afterEach(() => unmountDisk(small.path));

  it("are told and leave nothing half done, and go on once there is room", () => {
    const clock = fakeClock();
    const records = new TurnRecords({ dataDir: small.path, clock, options: () => ({ mib: 64, mibPerPlugin: 64, maxAgeHours: 1 }) });
    const ballast = join(small.path, "ballast");
    writeFileSync(ballast, new Uint8Array(700 * KIB));
    const turn = failed("p", { tape: tape({ random: Buffer.alloc(300 * KIB, 7).toString("base64") }) });
    expect(() => records.keep(turn, definition("p"), "1.0.0")).toThrow(/the disk is full/);
    expect(readdirSync(join(small.path, "records"))).toEqual([]);
    rmSync(ballast);
    expect(records.keep(turn, definition("p"), "1.0.0").dropped).toBe(0);
  });
});
