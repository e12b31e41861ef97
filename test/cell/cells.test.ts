import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cell, Turn } from "../../host/core/ports/cell.ts";
import type { TurnOutcome } from "../../host/core/types.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { CELL_KINDS, createCell, image, runTurn, type TurnOptions } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";
import { wat } from "../support/wat.ts";
import { BAD_DATA_SEGMENT, GAUNTLET, SPINS_AT_START, WRITER } from "./gauntlet.wat.ts";

describe.each(CELL_KINDS)("%s cell", (kind) => {
  let cell: Cell;
  let log: ReturnType<typeof memoryLog>;
  const run = (entryPoint: string, options?: TurnOptions): Promise<TurnOutcome> => runTurn(cell, "guest", entryPoint, options);
  const output = async (entryPoint: string, options?: TurnOptions): Promise<string> => {
    const outcome = await run(entryPoint, options);
    return outcome.ok ? textOf(outcome.output) : `${outcome.error.code}: ${outcome.error.message}`;
  };

  beforeEach(async () => {
    log = memoryLog();
    cell = createCell(kind, log);
    const limits = { cpuMs: 100, memoryBytes: 1024 * 1024, blockBytes: 4 * 1024 * 1024, varBytes: 400 };
    await cell.load(image("guest", await wat(GAUNTLET), limits, { greeting: "grüezi" }));
  });
  afterEach(() => cell[Symbol.asyncDispose]());

  it("carries input and output unchanged: empty, non-ASCII, 1 MB, byte by byte", async () => {
    expect(await output("echo")).toBe("");
    expect(await output("echo", { input: "grüß dich, 世界 🌍" })).toBe("grüß dich, 世界 🌍");
    expect(await output("echo_bytewise", { input: "grüß dich, 世界 🌍" })).toBe("grüß dich, 世界 🌍");
    const big = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => i * 7);
    const outcome = await run("echo", { input: big });
    expect(outcome.ok && Buffer.from(outcome.output).equals(big)).toBe(true);
  });

  it("returns what a turn used", async () => {
    const { usage } = await run("store_own", { input: "key" });
    expect(usage.fuel).toBeGreaterThan(0);
    expect(usage.hostCalls).toBe(2);
    expect(usage.peakMemoryBytes).toBeGreaterThanOrEqual(2 * 65_536);
    expect(Number.isFinite(usage.cpuUs)).toBe(true);
  });

  it("counts an entry point without a result as success", async () => {
    expect((await run("no_result")).ok).toBe(true);
  });

  it("answers a trap with plugin-failed and the guest's stack only, and rebuilds the instance", async () => {
    expect(await output("count")).toBe("1");
    const outcome = await run("trap");
    expect(outcome).toMatchObject({ ok: false, error: { code: "plugin-failed", message: expect.stringContaining("unreachable") } });
    expect(outcome.ok ? "" : outcome.error.detail).toMatch(/^at .*wasm/);
    expect(outcome.ok ? "" : outcome.error.detail).not.toContain(".ts");
    expect(await output("count")).toBe("1");
  });

  it("runs on_load in every instance it makes, before anything else", async () => {
    expect(await output("was_loaded")).toBe("1");
    await run("trap");
    expect(await output("was_loaded")).toBe("1");
  });

  it("answers a returned failure with the guest's message and keeps the instance", async () => {
    expect(await output("count")).toBe("1");
    expect(await output("fail")).toBe("plugin-failed: it says no");
    expect(await output("fail_silently")).toContain("returned -1 without a message");
    expect(await output("count")).toBe("2");
  });

  it.each(["spin", "spin_in_catch_all"])("ends %s when its CPU budget is spent, with the numbers", async (entryPoint) => {
    const outcome = await run(entryPoint);
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: "cpu-exhausted", message: expect.stringMatching(/used 1\d\d\.\d ms in \d+ slices .* limit is 100 ms/) },
    });
    expect(outcome.usage.cpuUs).toBeGreaterThanOrEqual(100_000);
    expect(await output("echo", { input: "still here" })).toBe("still here");
  });

  it("survives a stack overflow and an exception that nobody catches", async () => {
    for (const entryPoint of ["overflow", "ping"]) {
      expect(await output(entryPoint)).toMatch(/memory-exhausted: guest nests calls deeper .*limits\.stackKiB/);
    }
    expect(await output("throw")).toContain("an exception of its own was not caught");
    expect(await output("echo", { input: "x" })).toBe("x");
  });

  it("ends a start function that never returns, every time the plugin is entered", async () => {
    await cell.load(image("starter", await wat(SPINS_AT_START), { cpuMs: 50 }));
    for (let i = 0; i < 2; i += 1) {
      expect(await runTurn(cell, "starter", "echo")).toMatchObject({ ok: false, error: { code: "cpu-exhausted" } });
    }
  });

  it("answers for a module that does not instantiate", async () => {
    await cell.load(image("broken", await wat(BAD_DATA_SEGMENT)));
    expect(await runTurn(cell, "broken", "echo")).toMatchObject({
      ok: false,
      error: { code: "plugin-failed", message: expect.stringContaining("does not instantiate") },
    });
  });

  it("bounds linear memory and blocks, but lets blocks be used again", async () => {
    expect(await output("grow")).toBe("1");
    expect(await output("alloc_flood")).toContain("memory-exhausted: guest needs more than 4194304 bytes of blocks");
    expect(await output("alloc_huge")).toContain("memory-exhausted");
    expect((await run("alloc_free")).ok).toBe(true);
    expect(await output("echo", { input: new Uint8Array(4 * 1024 * 1024) })).toContain("memory-exhausted");
  });

  it("bounds the output", async () => {
    await cell.load(image("small", await wat(GAUNTLET), { payloadBytes: 10 }));
    expect(await runTurn(cell, "small", "echo", { input: "0123456789" })).toMatchObject({ ok: true });
    expect(await runTurn(cell, "small", "echo", { input: "0123456789a" })).toMatchObject({ ok: false, error: { code: "quota-exceeded" } });
  });

  it("trusts no handle, offset or length of a guest", async () => {
    expect(await output("forged_load")).toContain("plugin-failed");
    expect(await output("forged_output")).toContain("plugin-failed");
    expect(await output("forged_argument")).toContain("not the handle of a block");
    expect(await output("forged_host_argument")).toContain("not the handle of a block");
    expect(await output("bulk_outside")).toContain("copied outside of its memory");
    expect(await output("bulk_negative")).toContain("copied outside of its memory");
  });

  it("gives Extism plugins config, bounded variables, logs and a clear word about HTTP", async () => {
    expect(await output("config", { input: "greeting" })).toBe("grüezi");
    expect(await output("config", { input: "constructor" })).toBe("");
    expect(await output("var", { input: "value" })).toBe("value");
    expect(await output("var_delete", { input: "value" })).toBe("");
    expect(await output("var", { input: "x".repeat(100) })).toContain("quota-exceeded: variables would hold 428 bytes; the limit is 400");
    expect((await run("log", { input: "careful\u001b[2J" })).ok).toBe(true);
    await run("echo");
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "warning", plugin: "guest", message: "careful\\u{1b}[2J" }));
    expect(await output("http")).toContain("invalid-message: the request of http_request is not the JSON {url, method, headers} of Extism");
    expect((await run("http_none")).ok).toBe(true);
  });

  it("answers storage, config and caller in the cell", async () => {
    expect(await output("store_own", { input: "schlüssel" })).toBe("\u0000\u0001schlüssel");
    expect(await output("caller")).toBe('\u0000{"kind":"adapter","name":"test"}');
  });

  it("asks the host for the rest and gives the guest the answer", async () => {
    const asked: string[] = [];
    const answer: Turn["answer"] = async (name, args) => {
      asked.push(`${name} ${args.map(textOf).join("|")}`);
      return utf8("\u0000answer");
    };
    expect(await output("call", { input: "b.x", answer })).toBe("\u0000answer");
    expect(asked).toEqual(["services.call b.x|b.x|"]);
  });

  it("ends a turn that waits for the host beyond its deadline, and one that loops after the answer", async () => {
    expect(await output("call", { timeoutMs: 60 })).toContain("deadline-exceeded: guest call passed its deadline");
    expect(await output("call_then_spin", { answer: async () => utf8("\u0000") })).toContain("cpu-exhausted");
    expect(await output("echo", { input: "next" })).toBe("next");
  });

  it("ends a turn that waits behind another beyond its deadline", async () => {
    const spinning = run("spin");
    const waiting = output("echo", { timeoutMs: 20 });
    expect(await waiting).toContain("deadline-exceeded");
    await spinning;
  });

  it("serves a polite plugin while others loop", async () => {
    await cell.load(image("polite", await wat(GAUNTLET)));
    for (let i = 0; i < 10; i += 1) await cell.load(image(`loop-${i}`, await wat(GAUNTLET), { cpuMs: 300 }));
    const loops = Array.from({ length: 10 }, (_, i) => runTurn(cell, `loop-${i}`, "spin"));
    let served = 0;
    let looping = true;
    void Promise.all(loops).then(() => {
      looping = false;
    });
    while (looping) {
      const outcome = await runTurn(cell, "polite", "echo", { input: "x" });
      if (outcome.ok) served += 1;
    }
    for (const outcome of await Promise.all(loops)) expect(outcome).toMatchObject({ ok: false, error: { code: "cpu-exhausted" } });
    expect(served).toBeGreaterThan(50);
  });

  it("counts the fuel of a turn once, also when it is ended early", async () => {
    const outcome = await run("spin");
    const told = outcome.ok ? "" : (/\((\d+) fuel\)/.exec(outcome.error.message)?.[1] ?? "");
    expect(Math.abs(outcome.usage.fuel - Number(told))).toBeLessThan(10);
  });

  it("lets a polite plugin in between host functions that take long", async () => {
    await cell.load(image("writer", await wat(WRITER), { cpuMs: 400 }));
    await cell.load(image("polite", await wat(GAUNTLET)));
    let writing = true;
    const writer = runTurn(cell, "writer", "write").finally(() => {
      writing = false;
    });
    let served = 0;
    for (; writing; served += 1) await runTurn(cell, "polite", "echo");
    expect(await writer).toMatchObject({ ok: false, error: { code: "cpu-exhausted" } });
    // A slice is over after the first write; without that, thousands of writes fit into the fuel of one.
    expect(served).toBeGreaterThan(10);
  });

  it("refuses garbage-collected objects, which no limit bounds", async () => {
    const gc = Uint8Array.from([
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 9, 2, 0x5f, 1, 0x7f, 0, 0x60, 0, 1, 0x7f, 3, 2, 1, 1],
      ...[7, 5, 1, 1, 102, 0, 0, 10, 10, 1, 8, 0, 0xfb, 1, 0, 0x1a, 0x41, 0, 0x0b],
    ]);
    expect(WebAssembly.validate(gc)).toBe(true);
    expect(() => image("gc", gc)).toThrow(
      expect.objectContaining({ code: "admission-refused", message: expect.stringContaining("garbage-collected") }),
    );
  });

  it("answers what waits and runs when a plugin is unloaded, and what comes later", async () => {
    const running = run("call");
    const waiting = run("echo");
    await cell.unload("guest");
    for (const outcome of [await running, await waiting, await run("echo")]) {
      expect(outcome).toMatchObject({ ok: false, error: { code: "plugin-not-running" } });
    }
  });

  it("refuses to load a plugin twice or a module that does not compile, as a rejection with a code", async () => {
    const twice = image("guest", await wat(GAUNTLET));
    await expect(cell.load(twice)).rejects.toMatchObject({ code: "conflict" });
    await expect(cell.load({ ...twice, name: "other", module: Uint8Array.of(0, 1, 2) })).rejects.toMatchObject({
      code: "admission-refused",
    });
  });

  it("answers everything pending when it is closed", async () => {
    const pending = run("call");
    await cell[Symbol.asyncDispose]();
    expect(await pending).toMatchObject({ ok: false, error: { code: "plugin-not-running" } });
    expect(await run("echo")).toMatchObject({ ok: false, error: { code: "plugin-not-running" } });
    await expect(cell.load(image("late", await wat(GAUNTLET)))).rejects.toMatchObject({ code: "plugin-not-running" });
  });

  it("closes although a guest is in the middle of a long stretch", async () => {
    await cell.load(image("busy", await wat(GAUNTLET), { cpuMs: 600_000, deadlineMs: 600_000 }));
    const spinning = runTurn(cell, "busy", "spin", { timeoutMs: 600_000 });
    await cell[Symbol.asyncDispose]();
    expect(await spinning).toMatchObject({ ok: false, error: { code: "plugin-not-running" } });
  });

  it("runs the turns of one plugin one at a time and in order", async () => {
    const outcomes = await Promise.all(Array.from({ length: 9 }, () => output("count")));
    expect(outcomes).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  it("lists no export as an entry point that needs arguments or is the host's own", async () => {
    const { entryPoints } = image("guest", await wat(GAUNTLET), { memoryBytes: DEFAULT_LIMITS.memoryBytes });
    expect(entryPoints).toContain("echo");
    expect(entryPoints).not.toContain("with_argument");
    expect(entryPoints.filter((name) => name.startsWith("__"))).toEqual([]);
  });
});
