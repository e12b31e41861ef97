// The logger plugin's own logic, in real Wasm against the fake host.

import { beforeAll, describe, expect, it } from "vitest";
import { FakeHost } from "../plugin-sdk/assemblyscript/fake-host.ts";
import { loadPlugin } from "./load-plugin.ts";

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await loadPlugin("logger");
});

const logger = (config: Record<string, string> = {}): FakeHost =>
  new FakeHost(module, { config, caller: { kind: "plugin", name: "automation" }, nowMs: () => 1_767_323_045_678 });

const messages = (host: FakeHost, query: object = {}): string[] =>
  (host.json("query", query) as { entries: { message: string }[] }).entries.map(({ message }) => message);

describe("logger", () => {
  it("writes an entry to the host's log and keeps it, with caller and time", () => {
    const host = logger();
    expect(host.turn("log_entry", { level: "WARNING", message: "Tür offen 🚪", fields: { id: "d-1" } })).toMatchObject({
      ok: true,
      output: new Uint8Array(0),
    });
    expect(host.logs).toEqual([{ level: "warning", message: '[automation] Tür offen 🚪 {"id":"d-1"}' }]);
    expect(host.json("query")).toEqual({
      entries: [
        { time: "2026-01-02T03:04:05.678Z", level: "WARNING", source: "automation", message: "Tür offen 🚪", fields: { id: "d-1" } },
      ],
    });
  });

  it.each([
    [{}, ["info", "warning", "error"]],
    [{ level: "DEBUG" }, ["debug", "info", "warning", "error"]],
    [{ level: "warning" }, ["warning", "error"]],
    [{ level: "ERROR" }, ["error"]],
  ])("drops what is below the configured level: %j", (config, written) => {
    const host = logger(config);
    for (const level of ["DEBUG", "INFO", "WARNING", "ERROR"]) expect(host.turn("log_entry", { level, message: level }).ok).toBe(true);
    expect(host.logs.map(({ level }) => level)).toEqual(written);
    expect(messages(host)).toHaveLength(written.length);
  });

  it("finds by level, text and source, the newest first", () => {
    const host = logger();
    host.json("log_entry", { level: "INFO", message: "eins" });
    host.json("log_entry", { level: "ERROR", message: "zwei" });
    host.caller = { kind: "adapter", name: "http" };
    host.json("log_entry", { level: "INFO", message: "drei" });
    expect(messages(host)).toEqual(["drei", "zwei", "eins"]);
    expect(messages(host, { level: "ERROR" })).toEqual(["zwei"]);
    expect(messages(host, { contains: "ei" })).toEqual(["drei", "zwei", "eins"]);
    expect(messages(host, { contains: "rei", source: "http" })).toEqual(["drei"]);
    expect(messages(host, { source: "automation", limit: 1 })).toEqual(["zwei"]);
  });

  it("keeps as many as configured, the last ones", () => {
    const host = logger({ keep: "3" });
    for (let i = 0; i < 50; i++) host.json("log_entry", { level: "INFO", message: `${i}` });
    expect(messages(host)).toEqual(["49", "48", "47"]);
  });

  it("bounds what it keeps in characters too", () => {
    const host = logger({ keep: "10000" });
    for (let i = 0; i < 500; i++) host.turn("log_entry", { level: "INFO", message: "x".repeat(8_000) });
    expect(messages(host, { limit: 10_000 })).toHaveLength(125);
    expect(host.memoryBytes()).toBeLessThanOrEqual(16 * 1024 * 1024);
  });

  it.each([
    ["log_entry", { level: "LOUD", message: "x" }, {}, 'level must be DEBUG, INFO, WARNING or ERROR, not "LOUD"'],
    ["log_entry", { level: "INFO" }, {}, "message is missing"],
    ["log_entry", { level: "INFO", message: "x".repeat(8_001) }, {}, "the message has 8001 characters; the limit is 8000"],
    ["log_entry", { level: "INFO", message: "x", fields: [] }, {}, "fields must be an object of at most 8000 bytes"],
    ["query", { level: "x" }, {}, 'level must be DEBUG, INFO, WARNING or ERROR, not "x"'],
    ["log_entry", { level: "INFO", message: "x" }, { level: "x" }, 'the configured level must be DEBUG, INFO, WARNING or ERROR, not "x"'],
    [
      "log_entry",
      { level: "INFO", message: "x" },
      { keep: "many" },
      "the configured keep must be a whole number from 1 to 10000, not many",
    ],
  ])("%s refuses %j with the configuration %j", (entryPoint, input, config, message) => {
    const { ok, trapped, error } = logger(config).turn(entryPoint, input);
    expect({ ok, trapped }).toEqual({ ok: false, trapped: false });
    expect(error).toContain(message);
  });
});
