// What a sandbox gives for a program: its value, what it leaves for the next one, and what crosses the line between them.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSandbox, type Sandbox, SandboxError } from "../../host/sandbox/index.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox({ isolation: "inline" });
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const errorOf = async (source: string, globals?: Record<string, unknown>): Promise<SandboxError> => {
  const failed = await sandbox.evaluate(source, globals).then(
    (value) => ({ value }),
    (thrown: unknown) => thrown,
  );
  expect(failed).toBeInstanceOf(SandboxError);
  return failed as SandboxError;
};

describe("evaluate", () => {
  it("gives the value of the last expression, with globals", async () => {
    const cart = { lines: [{ price: 2.5, count: 2 }, { price: 4, count: 1 }] }; // biome-ignore format: one cart, one line
    expect(await sandbox.evaluate<number>("cart.lines.reduce((s, l) => s + l.price * l.count, 0)", { cart })).toBe(9);
  });

  it("awaits what is a promise, at the top too", async () => {
    expect(await sandbox.evaluate("const a = await Promise.resolve(20); a + 1")).toBe(21);
    expect(await sandbox.evaluate("(async () => ({ deep: [await 1] }))()")).toEqual({ deep: [1] });
    expect(await sandbox.evaluate("undefined")).toBeUndefined();
  });

  it("keeps what a program leaves, in that context only", async () => {
    await using own = await sandbox.createContext();
    await own.evaluate("let counter = 1; function next(by = 1) { counter += by; return counter }");
    expect(await own.evaluate("next()")).toBe(2);
    expect(await own.call("next", 10)).toBe(12);
    expect(await sandbox.evaluate("typeof counter")).toBe("undefined");
  });

  it("keeps it however full its memory is", async () => {
    await using small = await createSandbox({ isolation: "inline", limits: { memoryMiB: 8 } });
    await small.evaluate("globalThis.kept = []");
    for (let i = 1; i <= 22; i += 1) expect(await small.evaluate("kept.push('x'.repeat(250000) + kept.length)")).toBe(i);
    const full = await small.evaluate("for (;;) kept.push('x'.repeat(250000) + kept.length)").catch((error: SandboxError) => error);
    expect(full).toMatchObject({ code: "memory-exhausted", isStateLost: true });
    expect(await small.evaluate("typeof kept")).toBe("undefined");
  });

  it("calls what a name stands for, and refuses what is none", async () => {
    await sandbox.evaluate("globalThis.tools = { join: async (...all) => all.join('+') }; 1");
    expect(await sandbox.call("tools.join", "a", 1, null)).toBe("a+1+");
    await expect(sandbox.call("tools.join(1)")).rejects.toMatchObject({ code: "invalid-message" });
    await expect(sandbox.call("tools")).rejects.toMatchObject({ code: "invalid-message", message: /is no function/ });
    await expect(sandbox.call("nothing")).rejects.toMatchObject({ code: "plugin-failed", message: /nothing is not defined/ });
  });

  it("has nothing of the host's", async () => {
    for (const name of ["process", "require", "fetch", "setTimeout", "setInterval", "console", "WebAssembly", "Buffer", "module"])
      expect(await sandbox.evaluate(`typeof ${name}`), name).toBe("undefined");
    await expect(sandbox.evaluate("await import('node:fs')")).rejects.toMatchObject({ code: "plugin-failed", line: 1 });
    expect(await sandbox.evaluate("(() => {}).constructor.constructor('return typeof process')()")).toBe("undefined");
  });

  it("runs programs of one context one after the other", async () => {
    const order = await Promise.all(
      Array.from({ length: 20 }, (_, i) => sandbox.evaluate(`globalThis.last = (globalThis.last ?? -1) + 1; [${i}, last]`)),
    );
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => [i, i]));
  });
});

describe("values", () => {
  it("are JSON, with text of any kind and numbers of any size", async () => {
    const all = { text: 'ä"\\\n\u{1F600}\u0000', big: 1e300, small: -5e-324, no: null, yes: true, list: [[], {}] };
    expect(await sandbox.evaluate("all", { all })).toEqual(all);
    expect(await sandbox.evaluate("({ a: undefined, b: 1 })")).toEqual({ b: 1 });
    expect(await sandbox.evaluate("'\\ud800'")).toBe("\ud800");
  });

  it.each([
    ["[1, [NaN]]", "[1][0] is NaN"],
    ["({ a: -Infinity })", "a is -Infinity"],
    ["({ a: { b: 10n } })", "a.b is a bigint"],
    ["[undefined]", "[0] is undefined"],
    ["[,1]", "[0] is missing"],
    ["new Map([[1, 2]])", "the value is a Map"],
    ["({ bytes: new Uint8Array(2) })", "bytes is a Uint8Array"],
    ["new ArrayBuffer(2)", "the value is a ArrayBuffer"],
    ["({ at: new Date(0) })", "at is a Date"],
    ["({ f() {} })", "f is a function"],
    ["Symbol('x')", "the value is a symbol"],
    ["({ [Symbol('x')]: 1 })", "the value has a symbol"],
    ["new (class Cart {})()", "the value is a Cart"],
    ["const c = {}; c.c = c; c", "nests deeper than 62, or in a circle"],
    ["({ get a() { return 1 } })", "a is a getter"],
    ["({ ['__proto__']: { isAdmin: true } })", "__proto__ is a key"],
  ])("out: refuses %s with its path", async (source, message) => {
    const error = await errorOf(source);
    expect(error.code).toBe("invalid-message");
    expect(error.message).toContain(message);
    expect([error.line, error.column]).toEqual([1, expect.any(Number)]);
  });

  it.each([
    [{ n: Number.NaN }, "globals.n is NaN"],
    [{ a: [new Map()] }, "globals.a[0] is a Map"],
    [{ a: { at: new Date(0) } }, "globals.a.at is a Date"],
    [{ f: () => 1 }, "globals.f is a function"],
    [{ a: [undefined] }, "globals.a[0] is undefined"],
    [{ a: 1n }, "globals.a is a bigint"],
  ])("in: refuses %s with its path", async (globals, message) => {
    expect((await errorOf("1", globals)).message).toContain(message);
  });

  it("out: are counted before they are parsed", async () => {
    await using small = await createSandbox({ isolation: "inline", limits: { payloadMiB: 0.25 } });
    expect(await small.evaluate("'x'.repeat(200000).length")).toBe(200_000);
    await expect(small.evaluate("globalThis.kept = 1; 'x'.repeat(400000)")).rejects.toMatchObject({
      code: "quota-exceeded",
      isStateLost: false,
    });
    expect(await small.evaluate("kept")).toBe(1);
    await expect(small.evaluate("Array.from({ length: 30000 }, () => 1)")).rejects.toMatchObject({ code: "quota-exceeded" });
    await expect(small.evaluate(`"${"x".repeat(300_000)}"`)).rejects.toMatchObject({
      code: "quota-exceeded",
      message: /limits.payloadMiB/,
    });
  });
});

describe("errors", () => {
  it("have code, line, column and the stranger's frames only", async () => {
    const error = await errorOf("function total(cart) {\n  return cart.lines.length;\n}\n\ntotal({})");
    expect(error).toMatchObject({ code: "plugin-failed", line: 2, column: 10, isStateLost: false });
    expect(error.message).toBe("TypeError: cannot read property 'length' of undefined (sandbox.js:2:10)");
    expect(error.stack?.split("\n").slice(1)).toEqual(["    at total (sandbox.js:2:10)", "    at <eval> (sandbox.js:5:1)"]);
  });

  it("of what is no program have its place", async () => {
    expect(await errorOf("1;\nlet a = ;")).toMatchObject({ code: "plugin-failed", line: 2, column: 9, message: /SyntaxError/ });
  });

  it("of what is thrown and no error have the last line", async () => {
    expect(await errorOf("\n  throw 'no'")).toMatchObject({ code: "plugin-failed", line: 2, column: 3, message: "no (sandbox.js:2:3)" });
  });

  it("escape what a terminal would obey", async () => {
    expect((await errorOf("throw new Error('\\u001b[2J' + 'x'.repeat(100000))")).message).toMatch(
      /^Error: \\u\{1b\}\[2Jx{900,1000} \(sandbox.js:1:34\)$/,
    );
  });

  it("name options and limits that cannot be", async () => {
    await expect(createSandbox({ limits: { cpuMs: -1 } })).rejects.toMatchObject({ code: "invalid-message", detail: /limits.cpuMs/ });
    await expect(createSandbox({ limits: { memoryMiB: 1 } })).rejects.toMatchObject({ message: /limits.memoryMiB is too small/ });
    await expect(createSandbox({ isolation: "vm" as "inline" })).rejects.toMatchObject({ detail: /isolation/ });
    await expect(sandbox.evaluate("1", {}, { file: "a b" })).rejects.toMatchObject({ code: "invalid-message", message: /file/ });
  });
});
