import { describe, expect, it } from "vitest";
import { PluginStorage } from "../../host/cell/inside/plugin-storage.ts";
import { HostError, isHostErrorCode, toHostError } from "../../host/core/errors.ts";
import type { Bytes } from "../../host/core/types.ts";
import { openSqliteStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { CELL_FUNCTIONS, type CellScope } from "../../host/engine/guest/cell-functions.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

interface TestScope extends CellScope {
  readonly logged: string[];
  readonly faults: unknown[];
}

function scope(overrides: Partial<CellScope> = {}): TestScope {
  const logged: string[] = [];
  const faults: unknown[] = [];
  return {
    storage: new PluginStorage(
      openSqliteStorage({ dir: undefined, plugin: "p", maxBytes: 1024 * 1024, maxKeys: 1_000, clock: fakeClock() }),
    ),
    config: { greeting: "héllo" },
    clock: fakeClock(),
    limits: { payloadBytes: 65_536 },
    caller: { kind: "plugin", name: "other" },
    log: (level, message) => void logged.push(`${level} ${message}`),
    reportFault: (fault) => void faults.push(fault),
    logged,
    faults,
    ...overrides,
  };
}

function ask(name: string, args: readonly (string | Bytes)[], within: CellScope = scope()): string {
  const answer = CELL_FUNCTIONS.get(name);
  if (answer === undefined) throw new Error(`${name} is not answered in the cell`);
  const block = answer(
    within,
    args.map((arg) => (typeof arg === "string" ? utf8(arg) : arg)),
  );
  return `${block[0]}${textOf(block.subarray(1))}`;
}

describe("host functions answered in the cell", () => {
  it("tell config values, absent ones as none, and none that a prototype has", () => {
    expect(ask("config.get", ["greeting"])).toBe("0\u0001héllo");
    for (const absent of ["nothing", "constructor", "__proto__", "toString"]) expect(ask("config.get", [absent])).toBe("0\u0000");
  });

  it("keep storage and page through its keys", () => {
    const own = scope();
    for (const key of ["a", "b.1", "b.2", "b.3", "c"]) expect(ask("storage.set", [key, `v${key}`], own)).toBe("0");
    expect(ask("storage.get", ["b.2"], own)).toBe("0\u0001vb.2");
    expect(ask("storage.keys", ["b.", "\u0000", "2"], own)).toBe('0["b.1","b.2"]');
    expect(ask("storage.keys", ["b.", "\u0001b.2", "2"], own)).toBe('0["b.3"]');
    expect(ask("storage.delete", ["a"], own)).toBe("0true");
    expect(ask("storage.get", ["a"], own)).toBe("0\u0000");
  });

  it("change several keys at once or none, and read them back in one call", () => {
    const own = scope();
    const put = (key: string, value: string) => `{"key":"${key}","value":"${btoa(value)}"}`;
    expect(ask("storage.apply", [`[${put("a", "1")},${put("b", "2")},{"key":"c","value":null,"ttl-ms":null}]`], own)).toBe("0");
    expect(ask("storage.get-many", ['["b","c","a"]'], own)).toBe(`0["${btoa("2")}",null,"${btoa("1")}"]`);
    expect(ask("storage.apply", [`[${put("a", "9")},{"key":"","value":null}]`], own)).toContain('"code":"invalid-message"');
    expect(ask("storage.get", ["a"], own)).toBe("0\u00011");
  });

  it("commit what still holds, scan it and answer in the words of wit/", () => {
    const own = scope();
    const change = (key: string, value: string) => `[{"key":"${key}","value":"${btoa(value)}"}]`;
    expect(ask("storage.commit", ['[{"key":"a","version":0}]', change("a", "1")], own)).toBe('0{"committed":true,"version":1}');
    expect(ask("storage.commit", ['[{"key":"a","version":0}]', change("a", "2")], own)).toBe('0{"committed":false,"version":0}');
    expect(ask("storage.get-versioned", ["a"], own)).toBe(`0{"value":"${btoa("1")}","version":1,"expires-at":null}`);
    expect(ask("storage.get-versioned", ["b"], own)).toBe("0null");
    expect(ask("storage.scan", ["", "\u0000", "9", "true"], own)).toBe(
      `0{"entries":[{"key":"a","value":"${btoa("1")}","version":1}],"next":null}`,
    );
    expect(ask("storage.scan", ["", "\u0000", "0", "true"], own)).toContain("write a whole number from 1 to 1000");
    expect(ask("storage.scan", ["", "\u0000", "9", "1"], own)).toContain('"code":"invalid-message"');
    expect(ask("storage.changes", ["0", "1001"], own)).toContain("write a whole number from 1 to 1000");
    for (const checks of [
      "{}",
      "[1]",
      '[{"key":"a"}]',
      '[{"key":"a","version":-1}]',
      '[{"key":"","version":0}]',
      '[{"key":"a","version":1,"x":1}]',
    ])
      expect(ask("storage.commit", [checks, "[]"], own), checks).toContain('"code":"invalid-message"');
  });

  it.each([
    ["no list", "{}"],
    ["no record", "[1]"],
    ["null", "[null]"],
    ["a field that it does not have", '[{"key":"a","value":null,"__proto__":{}}]'],
    ["no key", '[{"value":null}]'],
    ["a value that is not base64", '[{"key":"a","value":"*"}]'],
    ["base64 that is cut short", '[{"key":"a","value":"YQ"}]'],
    ["a negative time to live", '[{"key":"a","value":null,"ttl-ms":-1}]'],
    ["a time to live that is no whole number", '[{"key":"a","value":null,"ttl-ms":1.5}]'],
    ["a lone surrogate", '[{"key":"\\ud800","value":null}]'],
  ])("refuse a batch with %s", (_what, batch) => {
    expect(ask("storage.apply", [batch])).toContain('"code":"invalid-message"');
  });

  it("stamp caller and clock", () => {
    expect(ask("services.current-caller", [])).toBe('0{"kind":"plugin","name":"other"}');
    expect(ask("services.current-principal", [])).toBe("0\0");
    expect(ask("clock.now", [])).toBe(`0${Date.UTC(2026, 0, 1)}`);
    expect(ask("clock.monotonic", [])).toBe("00");
  });

  it("give random bytes up to 64 KiB", () => {
    expect(ask("random.bytes", ["65536"]).length).toBeGreaterThan(60_000);
    expect(ask("random.bytes", ["65537"])).toContain("the limit is 65536");
    for (const bad of ["-1", "1.5", "4294967296", '"1"', "null", "", "{"])
      expect(ask("random.bytes", [bad]), bad).toContain("invalid-message");
  });

  it("cut and escape log lines", () => {
    const own = scope();
    expect(ask("log.write", ['"warning"', "line\u001b[2J\nforged"], own)).toBe("0");
    ask("log.write", ['"info"', "x".repeat(10_000)], own);
    expect(own.logged[0]).toBe("warning line\\u{1b}[2J\\u{a}forged");
    expect(own.logged[1]).toContain("(cut, it had 10000 characters)");
    for (const bad of ['"fatal"', '"toString"', "1", "warning"]) expect(ask("log.write", [bad, "x"]), bad).toContain("invalid-message");
  });

  it("answer malformed arguments with invalid-message: bad UTF-8, bad options, too few", () => {
    const invalid = Uint8Array.of(0xff, 0xfe);
    expect(ask("config.get", [invalid])).toContain("not valid UTF-8");
    expect(ask("storage.keys", ["", Uint8Array.of(7), "1"])).toContain("neither 0 (none) nor 1 (some)");
    expect(ask("storage.keys", ["", Uint8Array.of(0, 1), "1"])).toContain("neither 0 (none) nor 1 (some)");
    expect(ask("storage.keys", [""])).toContain("invalid-message");
  });

  it("report their own faults to the host and give the guest nothing of them", () => {
    const own = Object.defineProperty(scope(), "storage", {
      get: () => {
        throw new Error("/secret/path");
      },
    });
    const answer = ask("storage.get", ["a"], own);
    expect(answer).toContain('"code":"internal"');
    expect(answer).not.toContain("secret");
    expect(own.faults).toHaveLength(1);
  });
});

describe("errors", () => {
  it("know their codes and keep what they came from", () => {
    expect(isHostErrorCode("call-loop")).toBe(true);
    for (const bad of ["nope", 1, undefined, "constructor"]) expect(isHostErrorCode(bad)).toBe(false);
    const cause = new Error("inner");
    expect(toHostError(cause)).toMatchObject({ code: "internal", cause });
    const error = new HostError("conflict", "taken", { detail: "by x" });
    expect(toHostError(error)).toBe(error);
    expect(HostError.fromShape(error)).toMatchObject({ code: "conflict", message: "taken", detail: "by x" });
  });
});
