// Who is quarantined, kept in the host's database; and the step by which that database came from 0.1, where it was a folder of files.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HostDatabase, openHostDatabase } from "../../host/admin/database.ts";
import { QuarantineStore } from "../../host/admin/quarantine.ts";
import { toFirstSchema } from "../support/first-schema.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

interface Row {
  readonly plugin: string;
  readonly reason: string;
  readonly since: string;
}

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const rowsOf = ({ connection }: HostDatabase): Row[] => connection.prepare<[], Row>("SELECT * FROM quarantine ORDER BY plugin").all();

describe("the quarantine", () => {
  it("keeps who is in it, since when and why, until it is released", () => {
    const first = openHostDatabase(folder.path);
    const quarantine = new QuarantineStore(first.connection);
    quarantine.add("b", "it trapped");
    quarantine.add("a", "it hung");
    quarantine.add("a", "it hung again");
    expect(rowsOf(first)).toEqual([
      { plugin: "a", reason: "it hung again", since: expect.stringMatching(/^\d{4}-.*Z$/) },
      { plugin: "b", reason: "it trapped", since: expect.any(String) },
    ]);
    first.close();

    const second = openHostDatabase(folder.path);
    const again = new QuarantineStore(second.connection);
    expect([again.names(), again.reasonOf("b")]).toEqual([["a", "b"], "it trapped"]);
    expect(again.release("a")).toBe(true);
    expect([again.names(), again.release("a")]).toEqual([["b"], false]);
    expect(() => again.reasonOf("a")).toThrow(expect.objectContaining({ code: "invalid-message" }));
    second.close();
  });

  it("tells of a release, of that alone, and only whoever still listens", () => {
    const { connection, close } = openHostDatabase(folder.path);
    const quarantine = new QuarantineStore(connection);
    const [heard, overheard]: string[][] = [[], []];
    const stop = quarantine.onRelease((name) => heard?.push(name));
    quarantine.onRelease((name) => overheard?.push(name));
    quarantine.add("a", "it hung");
    quarantine.release("other");
    quarantine.release("a");
    stop();
    quarantine.add("b", "it hung");
    quarantine.release("b");
    expect([heard, overheard]).toEqual([["a"], ["a", "b"]]);
    close();
  });
});

describe("a host.sqlite of 0.1", () => {
  const note = (file: string, text: string): void => {
    mkdirSync(join(folder.path, "quarantine"), { recursive: true });
    writeFileSync(join(folder.path, "quarantine", file), text);
  };
  /** What schema 1 is, whatever the ladder makes of it. */
  const makeOld = (): void => {
    openHostDatabase(folder.path).close();
    const raw = new Database(join(folder.path, "host.sqlite"));
    raw.exec("INSERT INTO usage VALUES ('p', 'state.read', 'x', 'then')");
    toFirstSchema(raw);
    raw.close();
  };

  it("takes the files of the quarantine over, also what nobody can read, and removes them", () => {
    makeOld();
    note("trapper.json", '{"reason":"10 failures, last: it trapped","since":"2026-01-02T03:04:05.000Z"}\n');
    note("undated.json", '{"reason":"it hung"}');
    note("torn.json", '{"reason":');
    note("odd.json", '{"reason":7}');
    note("Not a plugin.json", "{}");
    note("README", "not ours");
    const database = openHostDatabase(folder.path);
    expect(rowsOf(database)).toEqual([
      { plugin: "odd", reason: "its file could not be read", since: expect.any(String) },
      { plugin: "torn", reason: "its file could not be read", since: expect.any(String) },
      { plugin: "trapper", reason: "10 failures, last: it trapped", since: "2026-01-02T03:04:05.000Z" },
      { plugin: "undated", reason: "it hung", since: expect.any(String) },
    ]);
    database.close();
    expect(existsSync(join(folder.path, "quarantine"))).toBe(false);
    expect(readdirSync(folder.path)).toContain("host.sqlite.before-2");
  });

  it("removes the files of a step that was committed just before the process ended, and takes nobody in again", () => {
    openHostDatabase(folder.path).close();
    note("released-since.json", '{"reason":"it trapped"}');
    const database = openHostDatabase(folder.path);
    expect(rowsOf(database)).toEqual([]);
    expect(existsSync(join(folder.path, "quarantine"))).toBe(false);
    database.close();
  });

  it("stays as it was, files too, when the step fails", () => {
    makeOld();
    note("trapper.json", '{"reason":"it trapped"}');
    const raw = new Database(join(folder.path, "host.sqlite"));
    raw.exec("CREATE TABLE quarantine (other TEXT)");
    raw.close();
    expect(() => openHostDatabase(folder.path)).toThrow(
      expect.objectContaining({ code: "storage-failed", message: expect.stringContaining("it has schema 1, and all that was in it") }),
    );
    expect(readdirSync(join(folder.path, "quarantine"))).toEqual(["trapper.json"]);
    const mended = new Database(join(folder.path, "host.sqlite"));
    mended.exec("DROP TABLE quarantine");
    mended.close();
    const database = openHostDatabase(folder.path);
    expect(new QuarantineStore(database.connection).names()).toEqual(["trapper"]);
    expect(database.connection.prepare("SELECT plugin FROM usage").pluck().all()).toEqual(["p"]);
    database.close();
  });
});
