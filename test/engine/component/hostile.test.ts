// Components that lie about what they pass, and that work where they cannot be suspended. Each is ended with an error of its own, and its neighbour, in the
// same thread, answers.

import { beforeAll, describe, expect, it } from "vitest";
import type { HostError } from "../../../host/core/errors.ts";
import type { Limits } from "../../../host/core/types.ts";
import { createCell, runTurn } from "../../support/cells.ts";
import { admitted, componentImage, componentOf, componentText } from "../../support/components.ts";
import { memoryLog } from "../../support/memory-log.ts";
import { guest, IMPORTS } from "./guests.ts";

let echo: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  echo = await componentOf(guest({ handle: "(call $ok (local.get $input) (local.get $inputLength))" }));
});

/** Runs one turn of the attacker, then one of its neighbour; answers how the attacker's ended. */
async function attack(component: Uint8Array<ArrayBuffer>, limits: Partial<Limits> = {}, entryPoint = "attack", input = "input") {
  const cell = createCell("inline", memoryLog());
  await cell.load(await componentImage("attacker", component, limits));
  await cell.load(await componentImage("neighbour", echo));
  const attacked = runTurn(cell, "attacker", entryPoint, { input });
  const echoed = await runTurn(cell, "neighbour", "echo", { input: "still there" });
  expect(echoed.ok && new TextDecoder().decode(echoed.output)).toBe("still there");
  const outcome = await attacked;
  const again = await runTurn(cell, "neighbour", "echo", { input: "still there" });
  expect(again.ok).toBe(true);
  return {
    ok: outcome.ok,
    code: outcome.ok ? "" : outcome.error.code,
    message: outcome.ok ? "" : outcome.error.message,
    usage: outcome.usage,
  };
}

const attackOf = async (options: Parameters<typeof guest>[0], limits: Partial<Limits> = {}) =>
  attack(await componentOf(guest(options)), limits);

describe("a component that answers", () => {
  it.each([
    ["a list that ends beyond its memory", "(call $ok (i32.const 65536) (i32.const 0x7fffffff))"],
    ["a list at an address that is none", "(call $ok (i32.const -16) (i32.const 32))"],
    ["a text that ends beyond its memory", "(call $err (i32.const 65536) (i32.const 0x7fffffff))"],
    ["a result that is neither ok nor error", "(call $result (i32.const 7) (i32.const 0) (i32.const 0))"],
    ["a result beyond its memory", "(i32.const 0x7ffffff0)"],
  ])("%s fails", async (_name, handle) => {
    expect(await attackOf({ handle })).toMatchObject({ ok: false, code: expect.stringMatching(/^(plugin-failed|quota-exceeded)$/) });
  });

  it.each([
    ["list", "(call $ok (i32.const 0) (i32.const 20000000))"],
    ["text", "(call $err (i32.const 0) (i32.const 20000000))"],
  ])("a %s larger than a payload is stopped before it is copied twice", async (_name, handle) => {
    expect(await attackOf({ handle, pages: 320 })).toMatchObject({ ok: false, code: "quota-exceeded" });
  });
});

describe("a component that passes", () => {
  const passes = (imports: readonly (string | undefined)[], code: string, pages = 320) =>
    attackOf({ imports: imports.map(String), handle: `${code} (call $ok (i32.const 0) (i32.const 0))`, pages });

  it("a line of 20 MB, or one beyond its memory, is ended", async () => {
    const line = (length: number) => `(call $write (i32.const 0) (i32.const 0) (i32.const ${length}) (i32.const 128))`;
    expect(await passes([IMPORTS.write], line(20_000_000))).toMatchObject({ code: "quota-exceeded" });
    expect(await passes([IMPORTS.write], line(0x7fff_ffff))).toMatchObject({ ok: false });
  });

  it("an enum that there is not is ended", async () => {
    const code = "(call $write (i32.const 99) (i32.const 0) (i32.const 1) (i32.const 128))";
    expect(await passes([IMPORTS.write], code)).toMatchObject({ ok: false, code: "plugin-failed" });
  });

  it("the same text two million times in one list is ended before the host has a heap full of it", async () => {
    const before = process.memoryUsage().heapUsed;
    // Every element is 100 KB at address 0.
    const fill = `(local $i i32)
      (loop $more
        (i32.store (i32.add (i32.const 65536) (i32.shl (local.get $i) (i32.const 3))) (i32.const 0))
        (i32.store (i32.add (i32.const 65540) (i32.shl (local.get $i) (i32.const 3))) (i32.const 50000))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $i) (i32.const 2000000))))`;
    const outcome = await passes([IMPORTS.getMany], `${fill} (call $getMany (i32.const 65536) (i32.const 2000000) (i32.const 128))`);
    expect(outcome).toMatchObject({ code: "quota-exceeded" });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
  });

  it.each([
    ["texts without a letter", IMPORTS.getMany, "(call $getMany (i32.const 65536) (i32.const 2000000) (i32.const 128))"],
    ["records", IMPORTS.apply, "(call $apply (i32.const 65536) (i32.const 400000) (i32.const 128))"],
    ["records to check", IMPORTS.commit, "(call $commit (i32.const 65536) (i32.const 400000) (i32.const 0) (i32.const 0) (i32.const 128))"],
    [
      "records to change",
      IMPORTS.commit,
      "(call $commit (i32.const 0) (i32.const 0) (i32.const 65536) (i32.const 400000) (i32.const 128))",
    ],
    ["records beyond its memory", IMPORTS.apply, "(call $apply (i32.const 0) (i32.const 0x3fffffff) (i32.const 128))"],
  ])("a list of ever so many %s is ended before they are made", async (_name, imported, code) => {
    expect(await passes([imported], code)).toMatchObject({ code: "quota-exceeded" });
  });
});

describe("a component that works where it cannot be suspended", () => {
  const spinning = { code: "cpu-exhausted", message: expect.stringContaining("where it cannot be interrupted") };

  it("in its allocator is ended after milliseconds", async () => {
    const { usage, ...outcome } = await attackOf({
      handle: "(call $ok (i32.const 0) (i32.const 0))",
      realloc: "(call $spin) (i32.const 0)",
    });
    expect(outcome).toMatchObject(spinning);
    expect(usage?.cpuUs).toBeLessThan(500_000);
  });

  it("when its answer is released is ended after milliseconds", async () => {
    expect(await attackOf({ handle: "(call $ok (i32.const 0) (i32.const 0))", postReturn: "(call $spin)" })).toMatchObject(spinning);
  });

  it("when a host call's answer is passed to it is ended after milliseconds", async () => {
    const imports = [IMPORTS.set ?? "", IMPORTS.get ?? ""];
    const handle = `(call $set (i32.const 64) (i32.const 5) (i32.const 64) (i32.const 5) (i32.const 128))
      (global.set $top (i32.const 1)) (call $get (i32.const 64) (i32.const 5) (i32.const 128)) (call $ok (i32.const 0) (i32.const 0))`;
    const realloc = "(if (i32.eq (global.get $top) (i32.const 1)) (then (call $spin))) (i32.const 8192)";
    expect(await attackOf({ imports, handle, realloc, more: '(data (i32.const 64) "count")' })).toMatchObject(spinning);
  });

  it.each([
    [
      "calls a service",
      "(call $call (i32.const 64) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128))",
    ],
    ["reads its storage, whose answer needs the allocator", "(call $get (i32.const 64) (i32.const 5) (i32.const 128))"],
  ])("%s from its allocator is ended", async (_name, code) => {
    const imports = [IMPORTS.call ?? "", IMPORTS.get ?? "", IMPORTS.set ?? ""];
    const handle = `(call $set (i32.const 64) (i32.const 5) (i32.const 64) (i32.const 5) (i32.const 128))
      (global.set $top (i32.const 1)) (call $get (i32.const 64) (i32.const 5) (i32.const 128)) (call $ok (i32.const 0) (i32.const 0))`;
    const realloc = `(if (i32.eq (global.get $top) (i32.const 1)) (then ${code})) (i32.const 8192)`;
    expect(await attackOf({ imports, handle, realloc, more: '(data (i32.const 64) "count")' })).toMatchObject({ ok: false });
  });

  it.each([
    ["beyond its memory", "(i32.const 0x7ffffff0)"],
    ["of nothing", "unreachable"],
  ])("allocates %s is ended", async (_name, realloc) => {
    expect(await attackOf({ handle: "(call $ok (i32.const 0) (i32.const 0))", realloc })).toMatchObject({
      ok: false,
      code: "plugin-failed",
    });
  });
});

describe("a component that does not end", () => {
  it("is ended by its CPU budget, one slice at a time", async () => {
    expect(await attackOf({ handle: "(call $spin) (i32.const 0)" }, { cpuMs: 100 })).toMatchObject({ code: "cpu-exhausted" });
  });

  it("in a start function is ended by it too", async () => {
    const component = await componentText(`(component
      (core module $m (func $spin (loop $l (br $l))) (start $spin) (func (export "go")))
      (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "go"))))`);
    expect(await attack(component, { cpuMs: 100 }, "go")).toMatchObject({ code: "cpu-exhausted" });
  });

  it("calls itself without end is ended by its stack", async () => {
    const handle = "(call $down (i32.const 0))";
    const more = "(func $down (param i32) (result i32) (i32.add (call $down (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))";
    expect(await attackOf({ handle, more })).toMatchObject({ code: "memory-exhausted" });
  });

  it("loops between two modules is ended by its CPU budget", async () => {
    const component = await componentText(`(component
      (core module $a (func (export "leaf") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
      (core module $b
        (import "a" "leaf" (func $leaf (param i32) (result i32)))
        (func (export "go") (local $i i32) (loop $l (local.set $i (call $leaf (local.get $i))) (br $l))))
      (core instance $ia (instantiate $a))
      (core instance $ib (instantiate $b (with "a" (instance $ia))))
      (func (export "go") (canon lift (core func $ib "go"))))`);
    expect(await attack(component, { cpuMs: 100 }, "go")).toMatchObject({ code: "cpu-exhausted" });
  });
});

describe("a component that takes memory", () => {
  it("gets no more than its limit in one memory", async () => {
    const handle = `(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (i32.store (i32.const 64) (memory.size)) (call $ok (i32.const 64) (i32.const 4))`;
    const outcome = await attackOf({ handle }, { memoryBytes: 4 * 1024 * 1024 });
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome.usage?.peakMemoryBytes).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  const memories = (count: number, minimum: number): string => `(component
    (core module $m (memory ${minimum})
      (func (export "grow") (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))))
    (core module $go ${Array.from({ length: count }, (_, i) => `(import "m${i}" "grow" (func $g${i}))`).join(" ")}
      (func (export "go") ${Array.from({ length: count }, (_, i) => `(call $g${i})`).join(" ")} (loop $l (br $l))))
    ${Array.from({ length: count }, (_, i) => `(core instance $m${i} (instantiate $m))`).join("\n")}
    (core instance $i (instantiate $go ${Array.from({ length: count }, (_, i) => `(with "m${i}" (instance $m${i}))`).join(" ")}))
    (func (export "go") (canon lift (core func $i "go"))))`;

  it("is ended when several memories together have more than the limit", async () => {
    const outcome = await attack(await componentText(memories(3, 1)), { memoryBytes: 8 * 1024 * 1024, cpuMs: 500 }, "go");
    expect(outcome).toMatchObject({ code: "memory-exhausted", message: expect.stringContaining("in all") });
  });
});

describe("admission refuses a component", () => {
  const refusal = async (text: string): Promise<HostError> =>
    (await admitted(await componentText(text)).catch((error: unknown) => error)) as HostError;

  it("that is none", async () => {
    const header = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
    for (const bytes of [
      [...header, 1, 2, 3],
      [...header, ...Array.from({ length: 1_000 }, (_, i) => (i * 7) % 256)],
    ]) {
      await expect(admitted(Uint8Array.from(bytes))).rejects.toMatchObject({ code: "admission-refused" });
    }
  });

  it("whose core modules have names that could leave a string of the glue", async () => {
    const name = "a'];process.exit(7)//";
    const { code, detail } = await refusal(`(component
      (core module $m (func (export "${name}")) (memory (export "\\\\\\"\\n") 1))
      (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "${name}"))))`);
    expect(code).toBe("admission-refused");
    expect(detail).toContain("characters that no toolchain gives");
  });

  it("whose core modules are too large together", async () => {
    const huge = '(core module (memory 1) (func (export "f")))';
    const { code, detail } =
      await refusal(`(component ${huge.repeat(65)} (core module $m (func (export "go"))) (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "go"))))`);
    expect([code, detail]).toEqual(["admission-refused", expect.stringMatching(/core modules|exports neither/)]);
  });

  it("one of whose core modules is refused, and says which", async () => {
    const { code, message } = await refusal(`(component
      (core module $m (memory 600) (func (export "go")))
      (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "go"))))`);
    expect(code).toBe("admission-refused");
    expect(message).toContain("component.core.wasm: the memory's minimum in pages is 600");
  });
});
