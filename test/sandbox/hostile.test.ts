// What a stranger tries, in every kind of cell: each ends with a code and a place in his source, and the context after it is as good as new.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createSandbox, hostFunction, type Sandbox, SandboxError } from "../../host/sandbox/index.ts";

type Expected = readonly [name: string, source: string, code: string | readonly string[], line: number];

const EXHAUSTED = ["memory-exhausted", "cpu-exhausted"];

const ATTACKS: readonly Expected[] = [
  ["an endless loop", "const a = 1;\n\nwhile (true) {}", "cpu-exhausted", 3],
  ["an endless loop in a function", "function spin() {\n  for (;;) {}\n}\nspin()", "cpu-exhausted", 2],
  ["an endless loop that catches all", "for (;;) { try { for (;;) {} } catch {} finally { continue } }", "cpu-exhausted", 1],
  ["endless jobs", "const again = () => Promise.resolve().then(again);\nawait again()", EXHAUSTED, 2],
  ["an endless generator", "\n[...(function* () { for (;;) yield 1 })()]", EXHAUSTED, 2],
  ["a regexp that backtracks", "1;\n/(a+)+$/.test('a'.repeat(50) + 'b')", "cpu-exhausted", 2],
  ["a regexp made of a text", "const r = new RegExp('(x+x+)+y');\nr.exec('x'.repeat(60))", "cpu-exhausted", 2],
  ["a bomb of lists", "const all = [];\nfor (;;) all.push([1, 2, 3, 4])", EXHAUSTED, 2],
  ["a bomb of objects", "let o = {};\nfor (;;) o = { o, x: { y: 1 } }", EXHAUSTED, 2],
  ["a bomb of texts", "const texts = [];\nfor (;;) texts.push('x'.repeat(100000) + texts.length)", EXHAUSTED, 2],
  ["one long list", "1;\nnew Array(1e8).fill(7)", EXHAUSTED, 2],
  ["one long buffer", "1;\nnew Uint8Array(1e9)", "memory-exhausted", 2],
  ["a bomb of maps", "const m = new Map();\nfor (let i = 0; ; i++) m.set(i, String(i))", EXHAUSTED, 2],
  ["a bomb of a regexp", "\nnew RegExp('(?:a{0,1000}){0,1000}b'.repeat(100)).test('a'.repeat(100000))", [...EXHAUSTED, "plugin-failed"], 2],
  ["a bomb of JSON", "let t = '[1]';\nfor (;;) t = '[' + t + ',' + t + ']', JSON.parse(t)", EXHAUSTED, 2],
  ["a large bigint", "let n = 3n;\nfor (;;) n = n * n", [...EXHAUSTED, "plugin-failed"], 2],
  ["a sort that compares for ever", "1;\n[2, 1].sort(() => { for (;;) {} })", "cpu-exhausted", 2],
  ["deep recursion", "function down(n) {\n  return down(n + 1) + 1;\n}\ndown(0)", "memory-exhausted", 2],
  ["deep recursion in native code", "let deep = [];\nfor (let i = 0; i < 1e5; i++) deep = [deep];\nJSON.stringify(deep)", EXHAUSTED, 3],
  ["deep recursion of getters", "const o = { get a() { return this.a } };\no.a", "memory-exhausted", 1],
  ["a deep source", `1;\n${"[".repeat(100_000)}`, [...EXHAUSTED, "plugin-failed"], 2],
  ["a promise that never ends", "1;\nawait new Promise(() => {})", "plugin-failed", 2],
  ["a thenable that never ends", "\nawait { then() {} }", "plugin-failed", 2],
  ["a function of the host that never ends", "1;\nawait never()", "deadline-exceeded", 2],
  ["a getter in the value", "({\n  get a() { for (;;) {} } })", "invalid-message", 2],
  ["a proxy for a value", "new Proxy({}, { ownKeys() {\n for (;;) {} } })", "cpu-exhausted", 2],
  ["a proxy without an end", "const p = () => new Proxy({}, {\n ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ value: p(), enumerable: true, configurable: true, writable: true }) });\np()", "invalid-message", 3], // biome-ignore format: one program, one line
  [
    "an error that lies",
    "const e = new Error('x'); e.stack = 'at x (sandbox.js:99999999999:1)\\n    at y (/etc/passwd:1:1)';\nthrow e",
    "plugin-failed",
    2,
  ],
  ["an error with a getter", "throw { get stack() { for (;;) {} } }", "cpu-exhausted", 1],
  ["a prepareStackTrace", "Error.prepareStackTrace = () => { for (;;) {} };\nnull.x", "cpu-exhausted", 2],
];

const POISON = `
  for (const proto of [Object.prototype, Array.prototype, Function.prototype, String.prototype, Promise.prototype, Map.prototype])
    for (const name of ["get", "set", "toJSON", "ok", "code", "args", "globals", "length2", "constructor", "call", "apply", "slice", "charAt", "indexOf", "join", "push"])
      try { Object.defineProperty(proto, name, { get() { return () => "poison" }, set() {}, configurable: true }) } catch {}
  JSON.stringify = JSON.parse = Reflect.apply = Reflect.ownKeys = Object.keys = Array.isArray = () => "poison";
  Array.prototype[Symbol.iterator] = () => { throw 1 };
  Promise.resolve = Promise.all = () => "poison";
  globalThis.Promise = globalThis.JSON = globalThis.Reflect = globalThis.Object = undefined;
  1`;

describe.each(["inline", "thread", "process"] as const)("a stranger's program, %s", (isolation) => {
  let sandbox: Sandbox;
  const functions = {
    never: hostFunction({ args: z.tuple([]), result: z.void() }, () => new Promise<void>(() => {})),
    double: hostFunction({ args: z.tuple([z.number()]), result: z.number() }, ([n]) => 2 * n),
  };
  beforeAll(async () => {
    sandbox = await createSandbox({ isolation, functions, limits: { memoryMiB: 8, cpuMs: 300, deadlineMs: 60_000 } });
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  it.each(ATTACKS)("%s ends with a code and a place", async (_name, source, code, line) => {
    await using context = await sandbox.createContext();
    const failed: unknown = await context.evaluate(source, {}, { deadlineMs: source.includes("never()") ? 500 : 60_000 }).then(
      (value) => ({ value }),
      (thrown: unknown) => thrown,
    );
    expect(failed).toBeInstanceOf(SandboxError);
    const error = failed as SandboxError;
    expect([code].flat(), error.message).toContain(error.code);
    expect(error.line, `${error.message}\n${error.stack}`).toBe(line);
    expect(error.column).toBeGreaterThan(0);
    expect(error.stack).not.toMatch(/bulkhead:|node:|file:/);
    // One that is broken is made anew.
    expect(await context.evaluate("40 + 2")).toBe(42);
  });

  it("finds a global that was poisoned before as it was", async () => {
    await using context = await sandbox.createContext();
    await context.evaluate(POISON).catch(() => {});
    expect(await context.evaluate("({ a: [1, { b: 'two' }], n: 3 })")).toEqual({ a: [1, { b: "two" }], n: 3 });
    expect(await context.evaluate("cart.total + 1", { cart: { total: 2 } })).toBe(3);
    expect(await context.evaluate("await double(21)")).toBe(42);
    await expect(context.evaluate("1;\nnew Map()")).rejects.toMatchObject({ code: "invalid-message" });
    await expect(context.evaluate("1;\nnull.x")).rejects.toMatchObject({ code: "plugin-failed", line: 2 });
    expect(await sandbox.evaluate("JSON.stringify([Promise.resolve === undefined])")).toBe("[false]");
  });

  it.each(["value", "then"])("that gives every object a %s makes its context useless, and no other", async (name) => {
    await using context = await sandbox.createContext();
    await context.evaluate(`Object.defineProperty(Object.prototype, "${name}", { get: () => "forged", set() {} }); 1`).catch(() => {});
    await expect(context.evaluate("1;\n1 + 1")).rejects.toMatchObject({ code: "invalid-message", line: 2, message: /Object.prototype/ });
    expect(await sandbox.evaluate("1 + 1")).toBe(2);
  });

  it("has hundreds of others beside it", async () => {
    const contexts = await Promise.all(Array.from({ length: 300 }, () => sandbox.createContext()));
    await Promise.all(contexts.map((context, i) => context.evaluate("let mine = number", { number: i })));
    expect(await Promise.all(contexts.map((context) => context.evaluate("mine")))).toEqual(contexts.map((_, i) => i));
    await Promise.all(contexts.map((context) => context[Symbol.asyncDispose]()));
  });

  it("is the same for whoever waits beside it", async () => {
    const hostile = await Promise.all(Array.from({ length: 5 }, () => sandbox.createContext()));
    const loops = hostile.map((one) => one.evaluate("for (;;) {}").catch(({ code }: SandboxError) => code));
    expect(await sandbox.evaluate("1 + 1")).toBe(2);
    expect(await Promise.all(loops)).toEqual(loops.map(() => "cpu-exhausted"));
    await Promise.all(hostile.map((one) => one[Symbol.asyncDispose]()));
  });
});
