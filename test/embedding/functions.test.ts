// Functions that the program declares, called by modules in every kind of cell.

import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createHost,
  defineFunction,
  HostError,
  type HostFunctions,
  parseConfiguration,
  type RunningHost,
  refusal,
} from "../../host/index.ts";
import { PRELUDE } from "../conformance/cases.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const CALLER = `(module
  (import "extism:host/user" "shout" (func $shout (param i64) (result i64)))
  (import "extism:host/user" "add" (func $add (param i32 i64 f64) (result f64)))
  (import "extism:host/user" "note" (func $note (param i64)))
  (import "acme" "pick" (func $pick (param i64 i64) (result i64)))
  (import "acme" "fail" (func $fail (param i32) (result i64)))
  ${PRELUDE}
  (func (export "shout") (result i32) (call $say (call $shout (call $input_offset))) (i32.const 0))
  (func (export "add") (result i32)
    (if (f64.ne (call $add (i32.const -3) (i64.const -9007199254740993) (f64.const 0.5)) (f64.const -9007199254740994.5)) (then unreachable))
    (i32.const 0))
  (func (export "note") (result i32) (call $note (call $input_offset)) (i32.const 0))
  (func (export "pick") (result i32) (call $say (call $pick (i64.const 7) (call $input_offset))) (i32.const 0))
  (func (export "plain") (result i32)
    (if (i64.ne (call $pick (i64.const 1) (i64.const 0)) (i64.const -5)) (then unreachable)) (i32.const 0))
  (func (export "fail") (result i32) (drop (call $fail (i32.const 0))) (i32.const 0))
  (func (export "refuse") (result i32) (drop (call $fail (i32.const 1))) (i32.const 0))
  (func (export "hang") (result i32) (drop (call $fail (i32.const 2))) (i32.const 0))
  (func (export "lie") (result i32) (drop (call $fail (i32.const 3))) (i32.const 0))
  (func (export "flood") (result i32) (drop (call $fail (i32.const 4))) (i32.const 0))
  (func (export "shut") (result i32) (drop (call $fail (i32.const 5))) (i32.const 0))
  (func (export "eaten") (result i32) (drop (call $fail (i32.const 6))) (i32.const 0))
  (func (export "catch") (result i32) (try (do (drop (call $fail (i32.const 0)))) (catch_all)) (loop $l (br $l)) (i32.const 0)))`;
const ENTRIES = ["shout", "add", "note", "pick", "plain", "fail", "refuse", "hang", "lie", "flood", "shut", "eaten", "catch"];
const asks = ["text.shout", "math.add", "notes.write", "acme.use"].map((resource) => ({
  permission: "functions.call",
  resource,
  reason: "test",
}));
const manifest = (name: string) => ({
  permissions: asks,
  services: Object.fromEntries(ENTRIES.map((entryPoint) => [`${name}.${entryPoint}`, { entryPoint }])),
});

const noted: string[] = [];
let signal: AbortSignal | undefined;
const FUNCTIONS: HostFunctions = {
  "extism:host/user": {
    shout: defineFunction({ params: ["i64"], results: ["i64"], permission: "text.shout" }, (context, text) =>
      context.store(JSON.stringify(`${context.read(text)?.json<string>().toUpperCase()} (${context.plugin})`)),
    ),
    add: defineFunction(
      { params: ["i32", "i64", "f64"], results: ["f64"], permission: "math.add" },
      async (_context, a, b, c) => Number(b + BigInt(a) + 2n) + c,
    ),
    note: defineFunction({ params: ["i64"], results: [], permission: "notes.write" }, (context, text) => {
      noted.push(context.read(text)?.text() ?? "nothing");
    }),
  },
  acme: {
    pick: defineFunction({ params: ["i64", "i64"], results: ["i64"], permission: "acme.use" }, (context, which, block) => {
      if (context.read(which) !== null) throw new Error("7 is no block");
      context.store("not this one");
      return context.read(block) === null ? -5n : context.store(context.read(block)?.bytes() ?? "");
    }),
    fail: defineFunction({ params: ["i32"], results: ["i64"], permission: "acme.use" }, (context, how) => {
      if (how === 1) throw new HostError("conflict", "not twice");
      if (how === 5) throw refusal("unavailable", "shut", { retryAfterMs: 70 });
      if (how === 6) throw refusal("eaten", "by nobody who says so");
      if (how === 2) {
        ({ signal } = context);
        return new Promise<bigint>(() => {});
      }
      if (how === 3) return 1 as unknown as bigint;
      if (how === 4) return context.store(new Uint8Array(5 * 1024 * 1024));
      throw new Error("a secret of the program");
    }),
  },
};

describe.each(["inline", "thread", "process"] as const)(
  "a function of the program, called from a plugin in a cell that is %s",
  (isolation) => {
    let folder: TemporaryFolder;
    let host: RunningHost;
    const log = memoryLog();
    const call = (service: string, input?: unknown) =>
      host.call(`caller.${service}`, input, { deadlineMs: service === "hang" ? 500 : 30_000 });

    beforeAll(async () => {
      folder = temporaryFolder();
      for (const name of ["caller", "denied"]) await writePlugin(folder.path, name, CALLER, manifest(name));
      const limits = { cpuMs: 300 };
      const plugins = {
        caller: { path: "caller", isolation, grants: "all", limits },
        denied: { path: "denied", isolation, limits },
      };
      const containment = { pauseAfter: 1_000, quarantineAfter: 10_000 };
      const configuration = parseConfiguration(
        JSON.stringify({ plugins, containment, adapters: { http: false }, hardening: { acceptVulnerableNode: true } }),
        join(folder.path, "c.json"),
      );
      host = await createHost({ configuration, functions: FUNCTIONS, log });
    });
    afterAll(async () => {
      await host.stop();
      folder.remove();
    });

    it("is given the bytes of blocks, and gives some", async () => {
      expect(await call("shout", "hello")).toBe("HELLO (caller)");
      expect(await call("pick", { a: 1 })).toEqual({ a: 1 });
      await call("note", "hear, hear");
      expect(noted.at(-1)).toBe('"hear, hear"');
    });

    it("is given and gives numbers of every type, exactly", async () => {
      await call("add");
      await call("plain");
    });

    it("hurts only its call when it throws, and tells the plugin nothing of why", async () => {
      await expect(call("fail")).rejects.toMatchObject({
        code: "plugin-failed",
        message: "fail of acme failed; the host's log has the cause",
      });
      expect(log.lines.some(({ cause }) => String((cause as Error | undefined)?.cause ?? cause).includes("a secret of the program"))).toBe(
        true,
      );
      await expect(call("refuse")).rejects.toMatchObject({ code: "conflict", message: "not twice" });
      await expect(call("shut")).rejects.toMatchObject({ code: "refused", reason: "unavailable", retryAfterMs: 70 });
      await expect(call("eaten")).rejects.toMatchObject({ code: "plugin-failed" });
      expect(await call("shout", "x")).toBe("X (caller)");
    });

    it("cannot be caught when it fails", async () => {
      await expect(call("catch")).rejects.toMatchObject({ code: "plugin-failed", message: expect.stringContaining("fail of acme") });
    });

    it("hurts only its call when it never answers, and is told to stop", async () => {
      await expect(call("hang")).rejects.toMatchObject({ code: "deadline-exceeded" });
      await expect.poll(() => signal?.aborted).toBe(true);
      expect(await call("shout", "x")).toBe("X (caller)");
    });

    it("may answer only what it is declared to, and no more than fits", async () => {
      await expect(call("lie")).rejects.toMatchObject({ code: "plugin-failed" });
      await expect(call("flood")).rejects.toMatchObject({ code: "quota-exceeded", message: expect.stringContaining("limits.payloadMiB") });
    });

    it("is not called for a plugin that was not granted its permission", async () => {
      await expect(host.call("denied.shout", "x")).rejects.toMatchObject({
        code: "permission-denied",
        message: expect.stringContaining("functions.call"),
      });
      const before = noted.length;
      await expect(host.call("denied.note", "x")).rejects.toMatchObject({ code: "permission-denied" });
      expect(noted.length).toBe(before);
    });
  },
);

describe("functions of the program", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const refusal = async (functions: HostFunctions): Promise<string> => {
    await writePlugin(folder.path, "caller", CALLER, manifest("caller"));
    await using host = await createHost({ dataDir: join(folder.path, "data"), functions, log: memoryLog() });
    const thrown: unknown = await host.install(join(folder.path, "caller"), { grant: "all" }).then(
      () => undefined,
      (error) => error,
    );
    return thrown instanceof HostError ? (thrown.detail ?? thrown.message) : "installed";
  };

  it("are compared with what the module imports, by name and by type", async () => {
    expect(await refusal(FUNCTIONS)).toBe("installed");
  });

  it("are named where a module wants one that is not there", async () => {
    const reason = await refusal({ acme: FUNCTIONS.acme ?? {} });
    expect(reason).toContain(
      "import extism:host/user shout: the host provides no such function; a program that embeds the host can declare it",
    );
  });

  it("are named where a module wants one of other types", async () => {
    const add = defineFunction({ params: ["i32"], results: [], permission: "math.add" }, () => {});
    expect(await refusal({ ...FUNCTIONS, "extism:host/user": { ...FUNCTIONS["extism:host/user"], add } })).toBe(
      "import extism:host/user add: it is (i32) -> (), not (i32,i64,f64) -> (f64)",
    );
  });

  it("cannot take the names of the host's own, nor impossible names, types and permissions", async () => {
    const any = defineFunction({ params: [], results: [], permission: "a.b" }, () => {});
    const booting = (functions: HostFunctions) => createHost({ dataDir: join(folder.path, "d"), functions, log: memoryLog() });
    for (const functions of [
      { "extism:host/user": { events_publish: any } },
      { "extism:host/env": { anything: any } },
      { wasi_snapshot_preview1: { anything: any } },
      { a: { ["b".repeat(120)]: any } },
      { "a b": { c: any } },
      { a: { ["__proto__"]: any } },
    ])
      await expect(booting(functions as unknown as HostFunctions)).rejects.toMatchObject({ code: "invalid-message" });
    const declaring = (declaration: object) => () => defineFunction(declaration as never, () => {});
    expect(declaring({ params: ["v128"], results: [], permission: "a.b" })).toThrow("no type of a function");
    expect(declaring({ params: [], results: ["i32", "i32"], permission: "a.b" })).toThrow("one result at most");
    expect(declaring({ params: [], results: [], permission: "a b" })).toThrow("no permission of a function");
  });
});
