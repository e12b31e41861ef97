// Stores of earlier versions: brought up step by step after a copy, left as they were by what fails, refused when they are newer.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database, { type Database as Connection } from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyOf, openStore, type Step } from "../../host/bounds/ladder.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const CLIMBING = fileURLToPath(new URL("./climbing.ts", import.meta.url));
const failure = (...parts: string[]): object =>
  expect.objectContaining({ code: "storage-failed", message: expect.stringMatching(new RegExp(parts.join(".*"))) });

const FIRST: Step = { since: "0.1.0", up: (connection) => connection.exec("CREATE TABLE notes (text TEXT)") };
const SECOND: Step = { since: "0.2.0", up: (connection) => connection.exec("ALTER TABLE notes ADD COLUMN at TEXT") };
const THIRD: Step = { since: "1.4.12", up: (connection) => connection.exec("UPDATE notes SET at = 'now'") };
const BROKEN: Step = {
  since: "0.2.0",
  up(connection) {
    connection.exec("DELETE FROM notes");
    throw new Error("the step is broken");
  },
};

describe("a ladder", () => {
  let folder: TemporaryFolder;
  let file: string;

  beforeEach(() => {
    folder = temporaryFolder();
    file = join(folder.path, "store.sqlite");
  });
  afterEach(() => folder.remove());

  const connect = (path: string): Connection => {
    const connection = new Database(path);
    connection.pragma("journal_mode = WAL");
    return connection;
  };
  const opened = <T>(path: string, work: (connection: Connection) => T): T => {
    const connection = connect(path);
    try {
      return work(connection);
    } finally {
      connection.close();
    }
  };
  const climbed = (...steps: Step[]): void => void openStore(() => connect(file), steps, file).close();
  const notes = (path = file): unknown[] => opened(path, (connection) => connection.prepare("SELECT * FROM notes").all());
  const schema = (path = file): unknown => opened(path, (connection) => connection.pragma("user_version", { simple: true }));
  const write = (text: string): void =>
    void opened(file, (connection) => connection.prepare("INSERT INTO notes (text) VALUES (?)").run(text));
  const copies = (): string[] => readdirSync(folder.path).filter((name) => name.includes(".before-"));

  it("is climbed by a new store without a copy, and stood on without a change", () => {
    climbed(FIRST, SECOND);
    climbed(FIRST, SECOND);
    expect(schema()).toBe(2);
    expect(readdirSync(folder.path)).toEqual(["store.sqlite"]);
    const inMemory = openStore(() => new Database(":memory:"), [FIRST, SECOND], undefined);
    expect(inMemory.pragma("user_version", { simple: true })).toBe(2);
    inMemory.close();
  });

  it("brings an old store up after a whole copy of its own, kept until the next climb", () => {
    climbed(FIRST);
    // In the log beside the file, which a copy of the file alone would miss.
    const writer = connect(file);
    writer.prepare("INSERT INTO notes (text) VALUES ('kept')").run();
    climbed(FIRST, SECOND);
    writer.close();
    expect(notes()).toEqual([{ text: "kept", at: null }]);
    expect(copies()).toEqual(["store.sqlite.before-2"]);
    expect([notes(copyOf(file, 2)), schema(copyOf(file, 2))]).toEqual([[{ text: "kept" }], 1]);
    expect(statSync(copyOf(file, 2)).mode & 0o077).toBe(0);

    climbed(FIRST, SECOND, THIRD);
    expect(notes()).toEqual([{ text: "kept", at: "now" }]);
    expect(copies()).toEqual(["store.sqlite.before-3"]);
  });

  it("leaves a store as it was when a step fails, says so, and goes on from there", () => {
    climbed(FIRST);
    write("kept");
    expect(() => climbed(FIRST, BROKEN)).toThrow(failure("to schema 2: the step is broken", "it has schema 1, and all that was in it"));
    expect([notes(), schema()]).toEqual([[{ text: "kept" }], 1]);
    write("later");
    climbed(FIRST, SECOND);
    expect(notes(copyOf(file, 2))).toEqual([{ text: "kept" }, { text: "later" }]);
    // Each step is a transaction of its own: what the first did stays.
    expect(() => climbed(FIRST, SECOND, THIRD, BROKEN)).toThrow(failure("to schema 4", "it has schema 3"));
    expect([notes(), copies()]).toEqual([
      [
        { text: "kept", at: "now" },
        { text: "later", at: "now" },
      ],
      ["store.sqlite.before-3"],
    ]);
  });

  it("is not climbed while somebody reads the store, whose log would be missing in the copy", () => {
    climbed(FIRST);
    write("before");
    const reader = connect(file);
    const reading = reader.prepare("SELECT * FROM notes").iterate();
    reading.next();
    write("later");
    const impatient = (): Connection => {
      const connection = connect(file);
      connection.pragma("busy_timeout = 0");
      return connection;
    };
    expect(() => openStore(impatient, [FIRST, SECOND], file)).toThrow(failure("another process reads it; end that", "it has schema 1"));
    reading.return?.();
    reader.close();
    climbed(FIRST, SECOND);
    expect(notes(copyOf(file, 2))).toEqual([{ text: "before" }, { text: "later" }]);
  });

  it("does not begin without its copy", () => {
    climbed(FIRST);
    write("kept");
    mkdirSync(copyOf(file, 2));
    expect(() => climbed(FIRST, SECOND)).toThrow(failure("EISDIR", "it has schema 1"));
    expect(schema()).toBe(1);
  });

  it("writes its copy into no file of somebody else", () => {
    climbed(FIRST);
    const elsewhere = join(folder.path, "elsewhere");
    symlinkSync(elsewhere, copyOf(file, 2));
    expect(() => climbed(FIRST, SECOND)).toThrow(failure("ELOOP"));
    expect(existsSync(elsewhere)).toBe(false);
    writeFileSync(elsewhere, "kept");
    expect(() => climbed(FIRST, SECOND)).toThrow(failure("ELOOP"));
    expect(readFileSync(elsewhere, "utf8")).toBe("kept");
  });

  it("refuses a store of a newer version, by the version that reads it", () => {
    climbed(FIRST, SECOND, THIRD);
    expect(() => climbed(FIRST)).toThrow(failure("written by schema 3 of bulkhead 1.4.12 or later", "reads up to 1; run that version"));
    opened(file, (connection) => connection.pragma("application_id = 0"));
    expect(() => climbed(FIRST)).toThrow(failure("written by schema 3 of a later bulkhead"));
    expect(schema()).toBe(3);
  });

  it.each([
    ["copied", 1, [{ text: "kept" }]],
    ["changed", 1, [{ text: "kept" }]],
    ["committed", 2, [{ text: "kept", at: "then" }]],
  ])("has all or nothing of a step when its process is killed where it is %s, and can be climbed again", async (where, reached, found) => {
    climbed(FIRST);
    write("kept");
    await killedAt(where);
    expect([schema(), notes()]).toEqual([reached, found]);
    climbed(FIRST, SECOND);
    expect(schema()).toBe(2);
    expect(notes(copyOf(file, 2))).toEqual([{ text: "kept" }]);
  });

  it("makes its copy anew when one was left unfinished", () => {
    climbed(FIRST);
    write("kept");
    writeFileSync(copyOf(file, 2), "SQLite format 3");
    climbed(FIRST, SECOND);
    expect(notes(copyOf(file, 2))).toEqual([{ text: "kept" }]);
  });

  function killedAt(where: string): Promise<void> {
    const child = spawn(process.execPath, [CLIMBING, file, where], { stdio: ["ignore", "pipe", "inherit"] });
    return new Promise((resolve, reject) => {
      child.stdout.once("data", () => child.kill("SIGKILL"));
      child.once("exit", (code, signal) => (signal === "SIGKILL" ? resolve() : reject(new Error(`it ended by itself (${code})`))));
    });
  }
});
