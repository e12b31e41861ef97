// The audit log: append-only, and whatever is done to it behind the host's back shows.

import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditLog } from "../../host/admin/audit.ts";
import { type HostDatabase, openHostDatabase } from "../../host/admin/database.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

describe("the audit log", () => {
  let folder: TemporaryFolder;
  let database: HostDatabase;
  let log: AuditLog;

  beforeEach(() => {
    folder = temporaryFolder();
    database = openHostDatabase(folder.path);
    log = new AuditLog(database.connection, fakeClock());
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
    const again = new AuditLog(database.connection, fakeClock());
    again.append("host", "start", "host");
    expect(again.verify()).toEqual({ ok: true, entries: 6 });
  });
});

describe("the host's database", () => {
  it("is one process's at a time, and free again after it", () => {
    const folder = temporaryFolder();
    const first = openHostDatabase(folder.path);
    expect(() => openHostDatabase(folder.path)).toThrow(expect.objectContaining({ code: "conflict" }));
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
    expect(() => openHostDatabase(folder.path)).toThrow(/newer version/);
    folder.remove();
  });
});
