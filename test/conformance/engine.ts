// What every engine must do, with Extism itself as the oracle of what a plugin may expect. No test looks at a clock.

import { readFile } from "node:fs/promises";
import { createPlugin } from "@extism/extism";
import { beforeAll, describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import type { Engine } from "../../host/engine/engine.ts";
import { encodeError } from "../../host/engine/guest/blocks.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { buildPlugin } from "../../scripts/build-plugins.ts";
import { asPdkExample } from "../support/as-pdk-example.ts";
import { image, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { wat } from "../support/wat.ts";
import { CASES, DIFFERENCES, PRELUDE, pluginOf } from "./cases.ts";
import { cellAround } from "./cell.ts";
import { prepare, start } from "./driver.ts";
import { heard, startOracle } from "./oracle.ts";

const KIB = 1_024;
const USER = `
  (import "extism:host/user" "services_call" (func $services_call (param i64 i64 i64) (result i64)))
  (import "extism:host/user" "clock_now" (func $clock_now (result i64)))`;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A block as a host function answers it: the tag for ok, then the value. */
const okBlock = (text: string): Uint8Array => Uint8Array.of(0, ...encoder.encode(text));

export function testEngine(name: string, createEngine: () => Engine | Promise<Engine>): void {
  describe(`the ${name} engine`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await createEngine();
    });

    testBehaviour(() => engine);
    testLimits(() => engine);
    testTurns(() => engine);
    testInCell(() => engine);
  });
}

function testBehaviour(engine: () => Engine): void {
  describe("runs, as Extism does, a plugin that", () => {
    it.each(CASES)("$title", async ({ body, config = {}, calls, logs = [] }) => {
      const wasm = await wat(pluginOf(body));
      const oracle = await startOracle(wasm, config);
      const guest = await start(engine(), wasm, { config });
      for (const [entryPoint, input, expected] of calls) {
        expect(await oracle.call(entryPoint, input), `Extism ${entryPoint}`).toEqual(expected);
        expect(heard(await guest.run(entryPoint, input)), entryPoint).toEqual(expected);
      }
      expect(oracle.logged, "Extism").toEqual(logs);
      expect(guest.logged).toEqual(logs);
    });

    it("is the example of Extism's own SDK", async () => {
      const wasm = await asPdkExample();
      const config = { thing: "configured" };
      const oracle = await startOracle(wasm, config);
      const guest = await start(engine(), wasm, { config });
      for (const input of ["Hello World", "", "aeiou".repeat(20)]) {
        expect(heard(await guest.run("count_vowels", input))).toEqual(await oracle.call("count_vowels", input));
      }
      expect(heard(await guest.run("count_vowels", "Hello"))).toEqual({
        said: '{"count": 2, "config": "configured", "a": "this is var a"}',
      });
    });
  });

  it("gives WASI the clock, random and the log, and no files", async () => {
    const wasm = await wat(`(module
      (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      ${PRELUDE} (data (i32.const 2000) "written\\n")
      (func (export "ask") (result i32)
        (i32.store (i32.const 1000) (i32.const 2000)) (i32.store (i32.const 1004) (i32.const 8))
        (if (call $clock (i32.const 0) (i64.const 0) (i32.const 3000)) (then unreachable))
        (if (i64.ne (i64.load (i32.const 3000)) (i64.const ${Date.UTC(2026, 0, 1)}000000)) (then unreachable))
        (if (call $random (i32.const 3000) (i32.const 8)) (then unreachable))
        (if (call $write (i32.const 1) (i32.const 1000) (i32.const 1) (i32.const 1008)) (then unreachable))
        (call $say_digit (call $open (i32.const 3) (i32.const 0) (i32.const 2000) (i32.const 7) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 1008)))
        (i32.const 0)))`);
    const guest = await start(engine(), wasm);
    expect(heard(await guest.run("ask"))).toEqual({ said: "8" });
    expect(guest.logged).toEqual([["info", "written"]]);
  });

  describe("differs from Extism in that it", () => {
    it.each(DIFFERENCES)("$title", async ({ body, config = {}, calls, extism }) => {
      const wasm = await wat(pluginOf(body));
      const oracle = await startOracle(wasm, config);
      const guest = await start(engine(), wasm, { config });
      for (const [i, [entryPoint, input, expected]] of calls.entries()) {
        expect(await oracle.call(entryPoint, input), `Extism ${entryPoint}`).toEqual(extism[i]);
        expect(heard(await guest.run(entryPoint, input)), entryPoint).toEqual(expected);
      }
    });

    it("runs one module a plugin: what Extism links from a manifest of several is refused at admission", async () => {
      const main = await wat(`(module (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
        (import "library" "answer" (func $answer (result i32)))
        (func (export "ask") (result i32) (drop (call $alloc (i64.extend_i32_u (call $answer)))) (i32.const 0)))`);
      const library = await wat(`(module (func (export "answer") (result i32) (i32.const 42)))`);
      const linked = await createPlugin({ wasm: [{ data: library, name: "library" }, { data: main }] });
      await expect(linked.call("ask")).resolves.toBeNull();
      expect(() => admitPlugin(main, DEFAULT_LIMITS)).toThrow(
        expect.objectContaining({
          code: "admission-refused",
          detail: expect.stringContaining("import library answer: the host provides no such function"),
        }),
      );
    });

    it("bounds the linear memory, which Extism's maxPages leaves alone", async () => {
      const body = `(func (export "grow") (result i32) (call $say_digit (i32.ne (memory.grow (i32.const 3)) (i32.const -1))) (i32.const 0))`;
      const wasm = await wat(pluginOf(body));
      const oracle = await createPlugin({ wasm: [{ data: wasm }], memory: { maxPages: 2 } });
      expect((await oracle.call("grow"))?.text()).toBe("1");
      const guest = await start(engine(), wasm, { limits: { memoryBytes: 2 * 64 * KIB } });
      expect(heard(await guest.run("grow"))).toEqual({ said: "0" });
      const roomy = await start(engine(), wasm);
      expect(heard(await roomy.run("grow"))).toEqual({ said: "1" });
      expect(roomy.instance.memoryBytes - guest.instance.memoryBytes).toBe(3 * 64 * KIB);
    });

    it("asks the host for every HTTP request, and ends the plugin whose request is refused", async () => {
      const wasm = await wat(`(module
        (import "extism:host/env" "http_request" (func $http (param i64 i64) (result i64))) ${PRELUDE}
        (func (export "fetch") (result i32) (drop (call $http (call $input_offset) (i64.const 0))) (loop $l (br $l)) (i32.const 0)))`);
      const asked: string[] = [];
      const guest = await start(engine(), wasm, {
        askHost: async (name, args) => {
          asked.push(name, ...args.map((arg) => decoder.decode(arg)));
          return encodeError({ code: "permission-denied", message: "no" });
        },
      });
      expect(await guest.run("fetch", '{"url":"http://x/"}')).toMatchObject({ ok: false, code: "permission-denied", broken: true });
      expect(asked).toEqual(["http.fetch", '{"url":"http://x/","method":"GET","headers":[]}', ""]);
      expect(await (await start(engine(), wasm)).run("fetch", "{")).toMatchObject({ ok: false, code: "invalid-message", broken: true });
    });
  });
}

function testLimits(engine: () => Engine): void {
  describe("holds a plugin that", () => {
    it("fills its blocks", async () => {
      const wasm = await wat(
        pluginOf(`(func (export "f") (result i32) (loop $l (drop (call $alloc (i64.const 65536))) (br $l)) (i32.const 0))`),
      );
      const guest = await start(engine(), wasm, { limits: { blockBytes: 1_024 * KIB } });
      expect(await guest.run("f")).toMatchObject({ ok: false, code: "memory-exhausted", broken: true });
      expect(guest.instance.memoryBytes).toBeLessThanOrEqual(1_024 * KIB + 64 * KIB);
    });

    it("is given more input than its blocks hold, and runs the next that fits", async () => {
      const wasm = await wat(
        pluginOf(`(func (export "size") (result i32) (call $say_digit (i32.wrap_i64 (call $input_length))) (i32.const 0))`),
      );
      const guest = await start(engine(), wasm, { limits: { blockBytes: 128 * KIB } });
      expect(await guest.run("size", "x".repeat(129 * KIB))).toMatchObject({ ok: false, code: "memory-exhausted", broken: false });
      expect(heard(await guest.run("size", "seven.."))).toEqual({ said: "7" });
    });

    it("answers with more than a payload, and runs the next turn", async () => {
      const wasm = await wat(pluginOf(`(func (export "echo") (result i32) (call $say (call $input_offset)) (i32.const 0))`));
      const guest = await start(engine(), wasm, { limits: { payloadBytes: 100 } });
      expect(await guest.run("echo", "x".repeat(101))).toMatchObject({ ok: false, code: "quota-exceeded", broken: false });
      expect(heard(await guest.run("echo", "x".repeat(100)))).toEqual({ said: "x".repeat(100) });
    });

    it("keeps more variables than it may", async () => {
      const wasm = await wat(
        pluginOf(`(func (export "keep") (result i32) (call $var_set (call $key) (call $input_offset)) (i32.const 0))`),
      );
      const guest = await start(engine(), wasm, { limits: { varBytes: 1_000 } });
      expect(heard(await guest.run("keep", "x".repeat(500)))).toEqual({ said: "" });
      expect(await guest.run("keep", "x".repeat(1_000))).toMatchObject({ ok: false, code: "quota-exceeded", broken: true });
    });

    it.each([
      ["loops for ever", `(func (export "f") (result i32) (loop $l (br $l)) (i32.const 0))`],
      [
        "loops for ever in its start function",
        `(func $start (loop $l (br $l))) (start $start) (func (export "f") (result i32) (i32.const 0))`,
      ],
      [
        "loops for ever while it initialises",
        `(func (export "_initialize") (loop $l (br $l))) (func (export "f") (result i32) (i32.const 0))`,
      ],
      [
        "catches everything and loops on",
        `(func (export "f") (result i32) (loop $again (try (do (loop $l (br $l))) (catch_all)) (br $again)) (i32.const 0))`,
      ],
      [
        "loops over block functions",
        `(func (export "f") (result i32) (loop $l (call $free (call $alloc (i64.const 8))) (br $l)) (i32.const 0))`,
      ],
    ])("%s", async (_, body) => {
      const guest = await start(engine(), await wat(pluginOf(body)));
      expect(await guest.run("f")).toMatchObject({ ok: false, code: "cpu-exhausted", broken: true });
      expect(guest.refuels).toBe(1_000);
    });

    it.each(["_start", "hs_init", "__wasm_call_ctors"])("loops for ever in %s", async (name) => {
      const guest = await start(
        engine(),
        await wat(pluginOf(`(func (export "${name}") (loop $l (br $l))) (func (export "f") (result i32) (i32.const 0))`)),
      );
      expect(await guest.run("f")).toMatchObject({ ok: false, code: "cpu-exhausted", broken: true });
      expect(guest.refuels).toBe(1_000);
    });

    it("is a program for WASI, whose _start is its end, only as long as it is asked", async () => {
      const wasi = `(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))`;
      const guest = await start(
        engine(),
        await wat(`(module ${wasi} ${PRELUDE} (func (export "_start") (loop $l (br $l))) (func (export "f") (result i32) (i32.const 0)))`),
      );
      expect(heard(await guest.run("f"))).toEqual({ said: "" });
      expect(await guest.run("_start")).toMatchObject({ ok: false, code: "cpu-exhausted", broken: true });
    });

    it("needs several slices, and lets it finish", async () => {
      const body = `(func (export "sum") (result i32) (local $i i32)
        (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 20000))))
        (call $say_digit (i32.div_u (local.get $i) (i32.const 10000))) (i32.const 0))`;
      const guest = await start(engine(), await wat(pluginOf(body)));
      expect(heard(await guest.run("sum"))).toEqual({ said: "2" });
      expect(guest.refuels).toBeGreaterThan(2);
      expect(guest.refuels).toBeLessThan(1_000);
    });
  });
}

function testTurns(engine: () => Engine): void {
  describe("in a turn", () => {
    it("suspends the guest while the host answers", async () => {
      const body = `(func (export "ask") (result i32) (call $say (call $services_call (call $key) (call $input_offset) (call $none))) (i32.const 0))`;
      const asked: string[][] = [];
      const answers: ((block: Uint8Array) => void)[] = [];
      const guest = await start(engine(), await wat(`(module ${USER} ${PRELUDE} ${body})`), {
        askHost: (name, args) => {
          asked.push([name, ...args.map((arg) => decoder.decode(arg))]);
          return new Promise((resolve) => answers.push(resolve));
        },
      });
      const turn = guest.run("ask", "payload");
      await expect.poll(() => answers.length).toBe(1);
      expect(asked).toEqual([["services.call", "key", "payload", "none"]]);
      answers[0]?.(okBlock("answer"));
      expect(heard(await turn)).toEqual({ said: "\0answer" });
      expect(guest.instance.hostCalls).toBe(1);
    });

    it("answers at once what is placed in the cell", async () => {
      const body = `(func (export "now") (result i32) (call $say (call $clock_now)) (i32.const 0))`;
      const guest = await start(engine(), await wat(`(module ${USER} ${PRELUDE} ${body})`));
      expect(heard(await guest.run("now"))).toEqual({ said: `\0${Date.UTC(2026, 0, 1)}` });
    });

    it.each(["before it began", "while it waits for the host"])("ends the guest with the first error that doomed it, %s", async (when) => {
      const body = `(func (export "ask") (result i32) (drop (call $services_call (i64.const 0) (i64.const 0) (i64.const 0))) (loop $l (br $l)) (i32.const 0))`;
      const answer = Promise.withResolvers<Uint8Array>();
      let asked = 0;
      const guest = await start(engine(), await wat(`(module ${USER} ${PRELUDE} ${body})`), {
        askHost: () => {
          asked += 1;
          return answer.promise;
        },
      });
      const turn = guest.run("ask");
      if (when === "while it waits for the host") await expect.poll(() => asked).toBe(1);
      guest.instance.doom(new HostError("deadline-exceeded", "too late"));
      guest.instance.doom(new HostError("internal", "never mind"));
      answer.resolve(okBlock(""));
      expect(await turn).toMatchObject({ ok: false, code: "deadline-exceeded", message: "too late", broken: true });
    });

    it("says that an instance is lost after a trap, and not after a failure", async () => {
      const body = `(func (export "trap") (result i32) unreachable) (func (export "fail") (result i32) (i32.const 1))`;
      const guest = await start(engine(), await wat(pluginOf(body)));
      expect(await guest.run("fail")).toMatchObject({ code: "plugin-failed", broken: false });
      expect(await guest.run("absent")).toMatchObject({ code: "plugin-failed", message: "guest exports no absent", broken: false });
      const trapped = await guest.run("trap");
      expect(trapped).toMatchObject({ code: "plugin-failed", broken: true });
      expect(trapped.ok || trapped.detail).toMatch(/wasm:\/\//);
    });

    it("shares nothing between instances of one module", async () => {
      const body = `(func (export "count") (result i32)
          (i32.store (i32.const 1000) (i32.add (i32.load (i32.const 1000)) (i32.const 1)))
          (call $say_digit (i32.load (i32.const 1000))) (i32.const 0))
        (func (export "keep") (result i32) (call $var_set (call $key) (call $key)) (i32.const 0))
        (func (export "get") (result i32) (call $say_or_none (call $var_get (call $key))) (i32.const 0))`;
      const instantiate = await prepare(engine(), await wat(pluginOf(body)));
      const [one, other] = [instantiate(), instantiate()];
      for (const count of ["1", "2", "3"]) expect(heard(await one.run("count"))).toEqual({ said: count });
      expect(heard(await other.run("count"))).toEqual({ said: "1" });
      await one.run("keep");
      expect(heard(await other.run("get"))).toEqual({ said: "none" });
    });

    it("frees all blocks at its end", async () => {
      const body = `(func (export "fill") (result i32) (drop (call $alloc (i64.const 60000))) (call $say_digit (i32.const 1)) (i32.const 0))`;
      const guest = await start(engine(), await wat(pluginOf(body)), { limits: { blockBytes: 128 * KIB } });
      await guest.run("fill");
      const { memoryBytes } = guest.instance;
      for (let i = 0; i < 500; i += 1) expect((await guest.run("fill")).ok).toBe(true);
      expect(guest.instance.memoryBytes).toBe(memoryBytes);
    });

    it("spends fuel, the same for the same work", async () => {
      const body = `(func (export "work") (result i32) (local $i i32)
        (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 20)))) (i32.const 0))`;
      const guest = await start(engine(), await wat(pluginOf(body)));
      const spent: number[] = [];
      for (let i = 0; i < 2; i += 1) {
        await guest.run("work");
        spent.push(1_000 - guest.instance.fuelLeft);
      }
      expect(spent[0]).toBeGreaterThan(20);
      expect(spent[1]).toBe(spent[0]);
    });

    it("refuses what does not compile and fails what does not instantiate", async () => {
      await expect(engine().compile(new Uint8Array(40))).rejects.toMatchObject({ code: "admission-refused" });
      const guest = await start(
        engine(),
        await wat(`(module (memory 1) (data (i32.const 65530) "too far for a page") (func (export "f")))`),
      );
      expect(await guest.run("f")).toMatchObject({
        code: "plugin-failed",
        message: expect.stringMatching(/^guest does not instantiate: /),
        broken: true,
      });
    });
  });
}

function testInCell(engine: () => Engine): void {
  describe("in a cell", () => {
    it("serves a plugin of ours while another loops, ends the loop and runs its plugin again", async () => {
      const { file } = await buildPlugin(new URL("../../plugins/hello", import.meta.url).pathname);
      const log = memoryLog();
      const cell = cellAround(engine(), log);
      await cell.load(image("hello", new Uint8Array(await readFile(file))));
      const looping = `(func (export "loop") (result i32) (loop $l (br $l)) (i32.const 0))
        (func (export "answer") (result i32) (call $say (call $key)) (i32.const 0))`;
      await cell.load(image("looper", await wat(pluginOf(looping))));

      let ended = false;
      const loop = runTurn(cell, "looper", "loop").then((outcome) => {
        ended = true;
        return outcome;
      });
      for (const name of ["Zoë", "Ada", "Lin"]) {
        const outcome = await runTurn(cell, "hello", "greet", { input: JSON.stringify({ name }) });
        expect(outcome.ok && JSON.parse(decoder.decode(outcome.output))).toEqual({ message: `Hello, ${name}!` });
      }
      expect(ended).toBe(false);
      expect(await loop).toMatchObject({ ok: false, error: { code: "cpu-exhausted" } });
      const answered = await runTurn(cell, "looper", "answer");
      expect(answered.ok && decoder.decode(answered.output)).toBe("key");
      await cell[Symbol.asyncDispose]();
      expect(log.lines).toEqual([]);
    });

    it("ends a plugin that calls host functions more often than it may", async () => {
      const cell = cellAround(engine(), memoryLog());
      const body = `(func (export "ask") (result i32) (loop $l (call $log_info (call $key)) (br $l)) (i32.const 0))`;
      await cell.load(image("asker", await wat(pluginOf(body)), { hostCalls: 10 }));
      const outcome = await runTurn(cell, "asker", "ask");
      expect(outcome).toMatchObject({ ok: false, error: { code: "quota-exceeded" } });
      await cell[Symbol.asyncDispose]();
    });

    it("bounds what costs the host nothing by CPU time alone", async () => {
      const cell = cellAround(engine(), memoryLog());
      const asking = (times: string): string => `(local $i i32) (loop $l (drop (call $config_get (call $key)))
        (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const ${times})))) (i32.const 0)`;
      const body = `(func (export "often") (result i32) ${asking("1000")}) (func (export "always") (result i32) ${asking("-1")})`;
      await cell.load(image("asker", await wat(pluginOf(body)), { hostCalls: 10, cpuMs: 100, blockBytes: 64 * 1024 * 1024 }));
      expect(await runTurn(cell, "asker", "often")).toMatchObject({ ok: true, usage: { hostCalls: 0 } });
      expect(await runTurn(cell, "asker", "always", { timeoutMs: 30_000 })).toMatchObject({ ok: false, error: { code: "cpu-exhausted" } });
      await cell[Symbol.asyncDispose]();
    });

    it("ends a plugin that waits past its deadline", async () => {
      const cell = cellAround(engine(), memoryLog());
      const body = `(func (export "ask") (result i32) (drop (call $services_call (i64.const 0) (i64.const 0) (i64.const 0))) (i32.const 0))`;
      await cell.load(image("waiter", await wat(`(module ${USER} ${PRELUDE} ${body})`)));
      const outcome = await runTurn(cell, "waiter", "ask", { timeoutMs: 50, answer: () => new Promise(() => {}) });
      expect(outcome).toMatchObject({ ok: false, error: { code: "deadline-exceeded" } });
      await cell[Symbol.asyncDispose]();
    });
  });
}
