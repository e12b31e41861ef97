// What becomes of a host whose folder is impossible, damaged, others' or full: a code, the path and the remedy, and nothing hangs or is taken for well.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkDataFolder, checkSocket, openDataFolder } from "../../host/admin/data-folder.ts";
import { openHostDatabase } from "../../host/admin/database.ts";
import { openControl } from "../../host/cli/control.ts";
import { startTrace } from "../../host/core/trace.ts";
import { openSqliteStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { eventually } from "../support/eventually.ts";
import { toFirstSchema } from "../support/first-schema.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { describeOnSmallDisk, mountSmallDisk, unmountDisk } from "../support/small-disk.ts";

const MIB = 1_024 * 1_024;
const isRoot = process.getuid?.() === 0;
const failure = (why: string): object => expect.objectContaining({ code: "storage-failed", message: expect.stringContaining(why) });

describe("the data folder", () => {
  let folder: TemporaryFolder;

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const configuration = (dataDir: string): ReturnType<typeof parseConfiguration> =>
    parseConfiguration(JSON.stringify({ dataDir, adapters: { http: false } }), join(folder.path, "bulkhead.json"));
  const boot = (dataDir: string, log = memoryLog()): ReturnType<typeof createHost> =>
    createHost({ configuration: configuration(dataDir), log });

  it("is made with its parents, for its user alone", () => {
    const path = join(folder.path, "a", "b", "c");
    openDataFolder(path);
    expect(readdirSync(join(folder.path, "a"))).toEqual(["b"]);
    expect(() => checkDataFolder(path)).not.toThrow();
  });

  it("is refused where none can be, without hanging", () => {
    writeFileSync(join(folder.path, "file"), "");
    expect(() => openDataFolder(join(folder.path, "file"))).toThrow(failure("is no folder; name one with --data"));
    expect(() => openDataFolder(join(folder.path, "file", "below"))).toThrow(failure("--data"));
    if (existsSync("/proc")) expect(() => openDataFolder("/proc/x/y")).toThrow(failure("/proc/x cannot be made"));
  });

  it("is refused when others may write there, by host and command", async () => {
    const path = join(folder.path, "open");
    mkdirSync(path);
    chmodSync(path, 0o777);
    expect(() => openDataFolder(path)).toThrow(failure(`chmod 700 ${path}`));
    await expect(openControl(configuration(path))).rejects.toEqual(failure("can be written by others"));
    await expect(boot(path)).rejects.toEqual(failure("can be written by others"));
  });

  it.skipIf(!isRoot)(`holds no socket of another user${isRoot ? "" : " (needs root)"}`, () => {
    const path = join(folder.path, "control.sock");
    writeFileSync(path, "");
    expect(() => checkSocket(path)).not.toThrow();
    chownSync(path, 4_711, 4_711);
    expect(() => checkSocket(path)).toThrow(failure("belongs to the user 4711"));
  });

  it("is named with a remedy when a database in it is damaged", async () => {
    openHostDatabase(folder.path).close();
    writeFileSync(join(folder.path, "host.sqlite"), "this was a database once, and a long time ago at that, as it seems. ".repeat(100));
    await expect(boot(folder.path)).rejects.toEqual(failure("host.sqlite is damaged"));
    await expect(openControl(configuration(folder.path))).rejects.toEqual(failure("bring it back from a backup"));
    writeFileSync(join(folder.path, "lock.sqlite"), "x".repeat(5_000));
    await expect(boot(folder.path)).rejects.toEqual(failure("lock.sqlite is damaged"));
  });

  it("is free again after a boot that failed on the way", async () => {
    const bad = { ...configuration(folder.path), adapters: { http: { host: "192.0.2.1", port: 0 } } };
    await expect(createHost({ configuration: bad, log: memoryLog() })).rejects.toMatchObject({ code: "invalid-message" });
    const host = await boot(folder.path);
    await host.stop();
  });

  it("tells at start that host.sqlite or secret.key was lost", async () => {
    const first = await boot(folder.path);
    const control = await openControl(configuration(folder.path));
    await control.invoke("block", { plugin: "evil", range: "*", reason: "it is" });
    await control.invoke("set-secret", { name: "TOKEN", value: "sk-live-4711", to: ["https://api.example.com"] });
    await first.stop();
    rmSync(join(folder.path, "secret.key"));
    const log = memoryLog();
    const second = await boot(folder.path, log);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: "error", message: expect.stringContaining("the secrets TOKEN cannot be opened") }),
    );
    expect(await control.invoke("secrets")).toMatchObject([{ name: "TOKEN", opens: false }]);
    await second.stop();
    rmSync(join(folder.path, "host.sqlite"));
    const third = await boot(folder.path, log);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: "error", message: expect.stringContaining("the record of this host was lost") }),
    );
    expect(await control.invoke("verify")).toMatchObject({ ok: false });
    expect(await control.invoke("accept-loss")).toBe(true);
    expect(await control.invoke("verify")).toMatchObject({ ok: true });
    await third.stop();
  });

  it("boots although a file among the plugins' storage is none of ours, and says which", async () => {
    const path = join(folder.path, "data");
    await (await boot(path)).stop();
    writeFileSync(join(folder.path, "elsewhere"), "kept");
    linkSync(join(folder.path, "elsewhere"), join(path, "storage", "backed-up.sqlite"));
    symlinkSync(join(folder.path, "elsewhere"), join(path, "storage", "moved.sqlite"));
    mkdirSync(join(path, "storage", "folder.sqlite"));
    const log = memoryLog();
    const host = await boot(path, log);
    for (const name of ["backed-up", "moved", "folder"])
      expect(log.lines).toContainEqual(
        expect.objectContaining({ level: "error", message: expect.stringContaining(join(path, "storage", `${name}.sqlite`)) }),
      );
    expect(readFileSync(join(folder.path, "elsewhere"), "utf8")).toBe("kept");
    await host.stop();
  });
});

const small = temporaryFolder();
describeOnSmallDisk("a full disk", () => {
  beforeEach(() => mountSmallDisk(small.path, "24m"));
  afterEach(() => unmountDisk(small.path));

  const fill = (leave: number): void => {
    for (const block of [MIB, 4_096]) {
      try {
        for (;;) writeFileSync(join(small.path, "ballast"), Buffer.alloc(block), { flag: "a" });
      } catch {
        // Full.
      }
    }
    if (leave > 0) execFileSync("truncate", ["-s", `-${leave}`, join(small.path, "ballast")]);
  };

  it("is not taken for a plugin's quota, and writing goes on when there is room", () => {
    const storage = openSqliteStorage({
      dir: join(small.path, "storage"),
      plugin: "p",
      maxBytes: 64 * MIB,
      maxKeys: 1_000,
      clock: systemClock,
    });
    storage.set("a", Buffer.from("1"));
    fill(0);
    expect(() => storage.set("b", Buffer.alloc(MIB))).toThrow(failure("the disk of the host is full"));
    expect(() => storage.commit({ checks: [], changes: [{ key: "b", value: Buffer.alloc(MIB), ttlMs: undefined }] })).toThrow(
      failure("the disk of the host is full"),
    );
    rmSync(join(small.path, "ballast"));
    storage.set("b", Buffer.alloc(MIB));
    expect(storage.keys({ prefix: "", after: undefined, limit: 9 })).toEqual(["a", "b"]);
    storage.close();
    const tight = openSqliteStorage({ dir: join(small.path, "storage"), plugin: "q", maxBytes: MIB, maxKeys: 1_000, clock: systemClock });
    expect(() => tight.set("b", Buffer.alloc(2 * MIB))).toThrow(expect.objectContaining({ code: "quota-exceeded" }));
    tight.close();
  });

  it("leaves no room for the copy of an older database, which stays as it was until there is", () => {
    const dataDir = join(small.path, "data");
    openHostDatabase(dataDir).close();
    const raw = new Database(join(dataDir, "host.sqlite"));
    const latest = raw.pragma("user_version", { simple: true });
    toFirstSchema(raw);
    raw.exec("CREATE TABLE weight AS SELECT randomblob(4000000) AS bytes");
    raw.close();
    fill(2 * MIB);
    expect(() => openHostDatabase(dataDir)).toThrow(failure("it has schema 1, and all that was in it: make room"));
    rmSync(join(small.path, "ballast"));
    const { connection, close } = openHostDatabase(dataDir);
    expect(connection.pragma("user_version", { simple: true })).toBe(latest);
    expect(connection.prepare("SELECT length(bytes) FROM weight").pluck().get()).toBe(4_000_000);
    close();
  });

  it("is told by the host, which goes on, and whose commands say why they fail", async () => {
    const configuration = parseConfiguration(JSON.stringify({ dataDir: small.path }), join(small.path, "bulkhead.json"));
    const log = memoryLog();
    fill(8 * MIB);
    const host = await createHost({ configuration: { ...configuration, adapters: { http: { port: 0 } } }, log });
    expect(await (await fetch(`${host.url}/healthz`)).json()).toMatchObject({
      status: "degraded",
      problems: [expect.stringContaining("MiB left")],
    });
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "error", message: expect.stringContaining("make room") }));
    const control = await openControl(configuration);
    fill(0);
    const blocked = Array.from({ length: 400 }, (_, i) =>
      control.invoke("block", { plugin: `p${i}`, range: "*", reason: "x".repeat(400) }),
    );
    const refused = (await Promise.allSettled(blocked)).filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: failure("the disk is full; make room, and it goes on") });
    rmSync(join(small.path, "ballast"));
    await control.invoke("block", { plugin: "other", range: "*", reason: "now" });
    expect(await control.invoke("verify")).toMatchObject({ ok: true });
    await host.stop();
  });

  it("is no reason to refuse a plugin: planning its installation says what is full", async () => {
    const source = '(module (memory (export "memory") 1) (func (export "run")))';
    const spec = await writePlugin(small.path, "p", source);
    await using control = await openControl(parseConfiguration(JSON.stringify({ dataDir: join(small.path, "data") }), "bulkhead.json"));
    fill(0);
    await expect(control.invoke("plan", { spec })).rejects.toEqual(failure("the disk is full"));
    expect(existsSync(join(small.path, "data", "packages")) ? readdirSync(join(small.path, "data", "packages")) : []).toEqual([]);
    expect(existsSync(join(small.path, "data", "admitted")) ? readdirSync(join(small.path, "data", "admitted")) : []).toEqual([]);
    rmSync(join(small.path, "ballast"));
    expect(await control.invoke("plan", { spec })).toMatchObject({ refusals: [] });
  });

  it("ends neither a host whose plugin is quarantined meanwhile, nor its stop", async () => {
    const source = '(module (memory (export "memory") 1) (func (export "trap") unreachable))';
    const path = await writePlugin(small.path, "p", source, { services: { "p.trap": { entryPoint: "trap" } } });
    const settings = { plugins: { p: { path } }, adapters: { http: false }, containment: { pauseAfter: 1, quarantineAfter: 1 } };
    const configuration = parseConfiguration(JSON.stringify({ dataDir: join(small.path, "data"), ...settings }), "bulkhead.json");
    const log = memoryLog();
    const host = await createHost({ configuration, log });
    fill(0);
    const call = {
      service: "p.trap",
      payload: new Uint8Array(0),
      caller: { kind: "host", name: "test" },
      traceparent: startTrace(),
    } as const;
    await expect(host.core.services.call(call)).rejects.toThrow("unreachable");
    await eventually("the quarantine", () => host.core.plugin("p")?.state === "quarantined");
    await host.stop();
    expect(log.lines.map(({ message }) => message)).toContain('the audit log cannot take "stop" of host');
    rmSync(join(small.path, "ballast"));
  });
});
