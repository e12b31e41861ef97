// A storage that an earlier version wrote, in every kind of cell: one in a process of its own user may make no file, and has its copy all the same.

import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Snapshots } from "../../host/admin/snapshots.ts";
import { startTrace } from "../../host/core/trace.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { CELL_KINDS } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const VALUES = [
  ["count", "2"],
  ["last", '{"sensor":"attic","value":21.5}'],
];

describe.each(CELL_KINDS)("an older storage in a cell (%s)", (isolation) => {
  let folder: TemporaryFolder;
  let file: string;

  beforeEach(() => {
    folder = temporaryFolder();
    file = join(folder.path, "data", "storage", "counter.sqlite");
    mkdirSync(join(folder.path, "data", "storage"), { recursive: true, mode: 0o700 });
    const old = new Database(file);
    old.pragma("journal_mode = WAL");
    old.exec("CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT");
    for (const [key, value] of VALUES) old.prepare("INSERT INTO entries VALUES (?, CAST(? AS BLOB))").run(key, value);
    old.close();
  });
  afterEach(() => folder.remove());

  /** As test/build.setup.ts builds it, with its manifest. */
  const counter = (): string => {
    const path = join(folder.path, "counter");
    mkdirSync(path, { recursive: true });
    cpSync(ownPlugin(join("counter", "plugin.json")), join(path, "plugin.json"));
    cpSync(ownPlugin(join("counter", "assemblyscript", "assemblyscript.wasm")), join(path, "counter.wasm"));
    return path;
  };

  const boot = (): Promise<RunningHost> => {
    const plugins = { counter: { path: counter(), isolation } };
    const text = JSON.stringify({ dataDir: "data", adapters: { http: false }, plugins });
    return createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  };
  const read = async (host: RunningHost): Promise<string> => {
    const call = {
      service: "counter.read",
      payload: new Uint8Array(0),
      caller: { kind: "host", name: "test" },
      traceparent: startTrace(),
    } as const;
    return new TextDecoder().decode(await host.core.services.call(call));
  };
  const inside = (path: string): unknown => {
    const raw = new Database(path, { readonly: true });
    const found = raw.prepare("SELECT key, CAST(value AS TEXT) FROM entries ORDER BY key").raw().all();
    const schema = raw.pragma("user_version", { simple: true });
    raw.close();
    return { found, schema };
  };

  it("has all its values, a copy of before, and both are gone when it is purged", async () => {
    const first = await boot();
    expect(await read(first)).toBe('{"count":2,"last":{"sensor":"attic","value":21.5}}');
    await first.stop();
    expect(inside(file)).toEqual({ found: VALUES, schema: 3 });
    expect(inside(`${file}.before-1`)).toEqual({ found: VALUES, schema: 0 });

    const second = await boot();
    expect(await read(second)).toBe('{"count":2,"last":{"sensor":"attic","value":21.5}}');
    await second.stop();
    new Snapshots(join(folder.path, "data")).purge("counter");
    expect([file, `${file}.before-1`].filter(existsSync)).toEqual([]);
  });

  it("keeps the plugin from starting when a newer version wrote it, and says which", async () => {
    const newer = new Database(file);
    newer.pragma("user_version = 4");
    newer.pragma(`application_id = ${0x42_01_02_03}`);
    newer.close();
    const host = await boot();
    const why = host.core.plugin("counter")?.failure?.message ?? (await read(host).catch((error: Error) => error.message));
    expect(why).toContain("written by schema 4 of bulkhead 1.2.3 or later");
    await host.stop();
  });
});
