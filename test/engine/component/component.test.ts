// Components in cells of every kind: they are entered, call the host, fail and end as modules do.

import { describe, expect, it } from "vitest";
import { HostError } from "../../../host/core/errors.ts";
import type { LogLevel } from "../../../host/core/ports/log.ts";
import { encodeError } from "../../../host/engine/guest/blocks.ts";
import { CELL_KINDS, createCell, runTurn } from "../../support/cells.ts";
import { admitted, componentImage, componentOf, componentText, worldText } from "../../support/components.ts";
import { memoryLog } from "../../support/memory-log.ts";
import { guest, IMPORTS } from "./guests.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

const DATA = '(data (i32.const 64) "count\\00\\00\\00greeter.greet")';

/** By the length of the entry point's name: 4 echo, 5 logs, 6 stores and reads, 7 calls, 8 fails, 9 traps. */
const GUEST = guest({
  imports: [IMPORTS.write ?? "", IMPORTS.set ?? "", IMPORTS.get ?? "", IMPORTS.call ?? ""],
  more: DATA,
  handle: `(block $traps (block $fails (block $calls (block $stores (block $logs (block $echoes
      (br_table $echoes $logs $stores $calls $fails $traps (i32.sub (local.get $nameLength) (i32.const 4))))
      (return (call $ok (local.get $input) (local.get $inputLength))))
    (call $write (i32.const 2) (local.get $input) (local.get $inputLength) (i32.const 128))
    (return (call $ok (i32.const 0) (i32.const 0))))
    (call $set (i32.const 64) (i32.const 5) (local.get $input) (local.get $inputLength) (i32.const 128))
    (call $get (i32.const 64) (i32.const 5) (i32.const 128))
    (return (call $ok (i32.load (i32.const 136)) (i32.load (i32.const 140)))))
    (call $call (i32.const 72) (i32.const 13) (local.get $input) (local.get $inputLength) (i32.const 0) (i32.const 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then (return (call $err (i32.load (i32.const 136)) (i32.load (i32.const 140))))))
    (return (call $ok (i32.load (i32.const 132)) (i32.load (i32.const 136)))))
    (return (call $err (local.get $input) (local.get $inputLength))))
    unreachable`,
});

describe.each(CELL_KINDS)("a component in a cell (%s)", (kind) => {
  const start = async (limits = {}) => {
    const log = memoryLog();
    const cell = createCell(kind, log);
    await cell.load(await componentImage("guest", await componentOf(GUEST), limits));
    const run = (
      entryPoint: string,
      input: string | Uint8Array,
      answer?: (name: string, args: readonly Uint8Array[]) => Promise<Uint8Array>,
    ) => runTurn(cell, "guest", entryPoint, { input, ...(answer === undefined ? {} : { answer }) });
    return { log, run };
  };

  it("of 0.1 is entered and served as it was", async () => {
    const component = await componentOf(GUEST.replaceAll("@0.2.0", "@0.1.0"), await worldText("v0.1"));
    expect(await admitted(component)).toMatchObject({
      api: { since: "0.1" },
      report: { exports: [{ name: "bulkhead:plugin/entry-points@0.1.0" }] },
    });
    expect(await admitted(await componentOf(GUEST))).toMatchObject({ api: { since: "0.2", because: expect.stringContaining("@0.2.0") } });
    const log = memoryLog();
    const cell = createCell(kind, log);
    await cell.load(await componentImage("guest", component));
    expect(await runTurn(cell, "guest", "stores", { input: "7" })).toMatchObject({ ok: true, output: bytes("7") });
    expect(await runTurn(cell, "guest", "logs.", { input: "heard" })).toMatchObject({ ok: true });
    expect(log.lines.map(({ message }) => message)).toContain("heard");
    await cell[Symbol.asyncDispose]();
  });

  it("answers what it was given, however long", async () => {
    const { run } = await start();
    for (const input of [
      bytes(""),
      bytes("grüß dich 🌍"),
      crypto.getRandomValues(new Uint8Array(65_536)),
      new Uint8Array(4 * 1024 * 1024),
    ]) {
      const outcome = await run("echo", input);
      expect(outcome.ok && Buffer.compare(outcome.output, input)).toBe(0);
    }
  });

  it("logs, stores and reads", async () => {
    const { log, run } = await start();
    expect(await run("write", "two\nlines")).toMatchObject({ ok: true });
    const stored = await run("stores", "seven");
    expect(stored.ok && text(stored.output)).toBe("seven");
    const levels = (level: LogLevel) => log.lines.filter((line) => line.level === level).map(({ message }) => message);
    expect(levels("warning")).toEqual(["two\\u{a}lines"]);
  });

  it("waits for a service, and is told of a refusal as a value", async () => {
    const { run } = await start();
    const asked: string[] = [];
    const called = await run("service", "payload", async (name, args) => {
      asked.push(name, ...args.map(text));
      await new Promise((resolve) => setTimeout(resolve, 5));
      return bytes("\0the answer");
    });
    expect(called.ok && text(called.output)).toBe("the answer");
    expect(asked).toEqual(["services.call", "greeter.greet", "payload", "null"]);
    const refused = await run("service", "", async () => encodeError(new HostError("permission-denied", "it may not")));
    expect(refused).toMatchObject({ ok: false, error: { code: "plugin-failed", message: "it may not" } });
  });

  it("fails with its message and keeps its instance, traps and gets another", async () => {
    const { run } = await start();
    expect(await run("failures", "not today")).toMatchObject({ ok: false, error: { code: "plugin-failed", message: "not today" } });
    const trapped = await run("trap-this", "");
    expect(trapped).toMatchObject({ ok: false, error: { code: "plugin-failed", message: expect.stringContaining("unreachable") } });
    const echoed = await run("echo", "there");
    expect(echoed.ok && text(echoed.output)).toBe("there");
  });

  it("counts fuel, memory and host calls", async () => {
    const { run } = await start();
    const { usage } = await run("write", "x");
    expect(usage).toMatchObject({ hostCalls: 1, peakMemoryBytes: 2 * 65_536 });
    expect(usage?.fuel).toBeGreaterThan(0);
  });
});

describe("a component of another host", () => {
  const run = async (component: Uint8Array<ArrayBuffer>, entryPoint: string, input: string) => {
    const cell = createCell("inline", memoryLog());
    await cell.load(await componentImage("guest", component));
    const outcome = await runTurn(cell, "guest", entryPoint, { input });
    return outcome.ok ? text(outcome.output) : outcome.error.message;
  };

  const SHOUT = `(module
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "shout-it") (param i32 i32) (result i32)
      (i32.store8 (i32.add (local.get 0) (local.get 1)) (i32.const 33))
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (i32.add (local.get 1) (i32.const 1))) (i32.const 16))
    (func (export "nothing")))`;
  const WORLD = "package a:b; world w { export shout-it: func(text: string) -> string; export nothing: func(); export odd: func(a: u32); }";

  it("is entered by the functions that it exports", async () => {
    const component = await componentOf(SHOUT.replace(/\)$/, '(func (export "odd") (param i32)))'), WORLD, "w");
    expect((await admitted(component)).entryPoints).toEqual(["shoutIt", "nothing"]);
    expect(await run(component, "shoutIt", "hé")).toBe("hé!");
    expect(await run(component, "nothing", "")).toBe("");
    expect(await run(component, "odd", "")).toBe("guest exports no odd");
  });

  it.each([
    ["package a:b@1.2.3; interface api { say-it: func(text: string) -> string; } world w { export api; }", "a:b/api@1.2.3"],
    ["package a:b; world w { export my-api: interface { say-it: func(text: string) -> string; } }", "my-api"],
  ])("is entered by the functions of an interface that it exports: %s", async (wit, face) => {
    const core = SHOUT.replace('"shout-it"', `"${face}#say-it"`).replace('(func (export "nothing"))', "");
    const component = await componentOf(core, wit, "w");
    expect((await admitted(component)).entryPoints).toEqual(["sayIt"]);
    expect(await run(component, "sayIt", "hé")).toBe("hé!");
  });

  it("is refused when nothing of it can be entered", async () => {
    await expect(admitted(await componentText("(component)"))).rejects.toMatchObject({
      code: "admission-refused",
      message: expect.stringContaining("exports neither"),
    });
  });

  it("is told of every import that the host has not", async () => {
    const component = await componentText(`(component
      (import "wasi:nn/graph@0.2.0" (instance (export "load" (func))))
      (import "wasi:io/poll@0.3.0" (instance (export "x" (func))))
      (import "bulkhead:plugin/log@0.9.0" (instance (export "y" (func)))))`);
    const refusal = await admitted(component).catch((error: unknown) => error);
    expect((refusal as HostError).detail?.split("\n").slice(0, 3)).toEqual([
      "import bulkhead:plugin/log@0.9.0: the host has another version of it (docs/components.md)",
      "import wasi:io/poll@0.3.0: the host has another version of it (docs/components.md)",
      "import wasi:nn/graph@0.2.0: the host has no such interface",
    ]);
  });

  it("is refused when it declares one of our functions in another shape", async () => {
    const wit = `package bulkhead:plugin@0.2.0;
      interface log { write: func(level: list<list<u64>>, message: string); }
      interface entry-points { handle: func(entry-point: string, input: list<u8>) -> result<list<u8>, string>; }
      world plugin { import log; export entry-points; }`;
    const core = guest({ imports: [IMPORTS.write ?? ""], handle: "unreachable" }).replace(
      "(param i32 i32 i32 i32)))",
      "(param i32 i32 i32 i32)))",
    );
    const refusal = admitted(await componentOf(core, wit));
    await expect(refusal).rejects.toMatchObject({
      code: "admission-refused",
      message: expect.stringContaining("import bulkhead:plugin/log@0.2.0: its write is"),
    });
  });
});
