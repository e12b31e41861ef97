// The audit log: append-only, and whatever is done to it behind the host's back shows.

import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditLog } from "../../host/admin/audit.ts";
import { AuditAnchor } from "../../host/admin/audit-anchor.ts";
import { type HostDatabase, openHostDatabase } from "../../host/admin/database.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

describe("the audit log", () => {
  let folder: TemporaryFolder;
  let database: HostDatabase;
  let log: AuditLog;
  let clock: FakeClock;

  beforeEach(() => {
    folder = temporaryFolder();
    clock = fakeClock();
    database = openHostDatabase(folder.path);
    log = new AuditLog(database.connection, clock, new AuditAnchor(folder.path));
    for (let i = 1; i <= 5; i += 1) log.append("user:ada", "grant", `p${i}`, { resource: "a.*" });
  });
  afterEach(() => {
    database.close();
    folder.remove();
  });

  /** Does something to the file that no operation of the host does. */
  const tamper = (sql: string): void => {
    database.connection.exec(`DROP TRIGGER IF EXISTS audit_is_not_changed; DROP TRIGGER IF EXISTS audit_is_not_deleted; ${sql}`);
  };

  it("tells what was done, in order, and from where one has read", () => {
    expect(log.read({ limit: 2 }).map(({ seq, actor, action, subject, detail }) => [seq, actor, action, subject, detail])).toEqual([
      [4, "user:ada", "grant", "p4", { resource: "a.*" }],
      [5, "user:ada", "grant", "p5", { resource: "a.*" }],
    ]);
    expect(log.read({ after: 4 }).map(({ seq }) => seq)).toEqual([5]);
    expect(log.verify()).toEqual({ ok: true, entries: 5 });
  });

  it("keeps its order, and is as it was written, whatever becomes of the clock", () => {
    for (const byMs of [7_200_000, -14_400_000, 7_200_000]) {
      clock.set(byMs);
      log.append("user:ada", "grant", "p6", { byMs });
    }
    expect(log.read({ after: 5 }).map(({ seq, at }) => [seq, at])).toEqual([
      [6, "2026-01-01T02:00:00.000Z"],
      [7, "2025-12-31T22:00:00.000Z"],
      [8, "2026-01-01T00:00:00.000Z"],
    ]);
    expect(log.verify()).toEqual({ ok: true, entries: 8 });
  });

  it("tells listeners of each entry until they have heard enough", () => {
    const heard: string[] = [];
    const undo = log.onEntry(({ subject }) => heard.push(subject));
    log.append("host", "start", "host");
    undo();
    log.append("host", "stop", "host");
    expect(heard).toEqual(["host"]);
  });

  it("cannot be changed by way of SQL as long as its triggers stand", () => {
    expect(() => database.connection.exec("UPDATE audit SET subject = 'x' WHERE seq = 2")).toThrow(/append-only/);
    expect(() => database.connection.exec("DELETE FROM audit")).toThrow(/append-only/);
  });

  it.each([
    ["an entry that was changed", "UPDATE audit SET subject = 'innocent' WHERE seq = 3", 3],
    ["an entry that is missing", "DELETE FROM audit WHERE seq = 2", 2],
    ["a missing end", "DELETE FROM audit WHERE seq = 5", 5],
    ["a missing log", "DELETE FROM audit", 1],
    ["a hash that was replaced", "UPDATE audit SET hash = 'x' WHERE seq = 4", 4],
    ["an entry too many", "INSERT INTO audit SELECT 6, at, actor, action, subject, detail, hash FROM audit WHERE seq = 5", 6],
    ["a head that was moved", "UPDATE audit_head SET seq = 4", 6],
  ])("shows %s", (_what, sql, seq) => {
    tamper(sql);
    expect(log.verify()).toMatchObject({ ok: false, seq });
  });

  it("keeps what was committed, and goes on with it", () => {
    database.close();
    database = openHostDatabase(folder.path);
    const again = new AuditLog(database.connection, clock, new AuditAnchor(folder.path));
    again.append("host", "start", "host");
    expect(again.verify()).toEqual({ ok: true, entries: 6 });
  });
});

describe("an audit log that was anchored", () => {
  let folder: TemporaryFolder;
  const open = (): { database: HostDatabase; log: AuditLog; clock: FakeClock } => {
    const database = openHostDatabase(folder.path);
    const clock = fakeClock();
    return { database, clock, log: new AuditLog(database.connection, clock, new AuditAnchor(folder.path)) };
  };
  const remove = (): void => {
    for (const name of ["host.sqlite", "host.sqlite-wal", "host.sqlite-shm"]) rmSync(join(folder.path, name), { force: true });
  };
  const write = (entries: number, subject = "p"): void => {
    const { database, log } = open();
    for (let i = 0; i < entries; i += 1) log.append("user:ada", "block", `${subject}${i}`);
    log.close();
    database.close();
  };

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("does not pass for whole when the database is lost, emptied, or another's, until the operator says so", () => {
    write(5);
    const copy = readFileSync(join(folder.path, "host.sqlite"));
    write(2);
    for (const lose of [
      remove,
      () => {
        remove();
        writeFileSync(join(folder.path, "host.sqlite"), "");
      },
      () => {
        remove();
        writeFileSync(join(folder.path, "host.sqlite"), copy);
      },
    ]) {
      lose();
      write(1);
      const { database, log } = open();
      expect(log.loss()).toMatch(/it had 7 entries and has [16]: host.sqlite was emptied/);
      expect(log.verify()).toMatchObject({ ok: false, problem: expect.stringContaining("7 entries") });
      database.close();
    }
    const { database, log } = open();
    expect(log.acceptLoss("user:ada")).toBe(true);
    expect(log.acceptLoss("user:ada")).toBe(false);
    expect(log.verify()).toEqual({ ok: true, entries: 7 });
    expect(log.read().at(-1)).toMatchObject({ action: "accept-loss", detail: { loss: expect.stringContaining("7 entries") } });
    database.close();
  });

  it("shows other entries of the same number, and an anchor that was damaged", () => {
    write(3);
    remove();
    write(3, "q");
    const { database, log } = open();
    expect(log.loss()).toMatch(/it had 3 entries and has others now/);
    writeFileSync(join(folder.path, "audit.anchor"), "{}");
    expect(log.loss()).toMatch(/audit.anchor/);
    database.close();
  });

  it("is anchored a second after an entry, also when the process then dies", async () => {
    const { database, log, clock } = open();
    log.append("user:ada", "block", "p");
    log.append("user:ada", "block", "q");
    expect(new AuditAnchor(folder.path).read()).toBeUndefined();
    await clock.advance(1_000);
    expect(new AuditAnchor(folder.path).read()).toMatchObject({ seq: 2 });
    database.close();
  });
});

describe("the host's database", () => {
  it("is one process's at a time, and free again after it", () => {
    const folder = temporaryFolder();
    const first = openHostDatabase(folder.path);
    expect(() => openHostDatabase(folder.path)).toThrow(expect.objectContaining({ code: "conflict" }));
    for (const name of ["host.sqlite", "host.sqlite-wal", "lock.sqlite"])
      expect(statSync(join(folder.path, name)).mode & 0o077, name).toBe(0);
    first.close();
    openHostDatabase(folder.path).close();
    folder.remove();
  });

  it("is refused when a newer version wrote it, or when it is none", () => {
    const folder = temporaryFolder();
    openHostDatabase(folder.path).close();
    const raw = new Database(`${folder.path}/host.sqlite`);
    raw.pragma("user_version = 99");
    raw.close();
    expect(() => openHostDatabase(folder.path)).toThrow(/schema 99 of bulkhead 0\.2\.0 or later/);
    folder.remove();
  });
});
