// Functions of the program in every kind of cell: checked by schema, awaited, side by side, and ended with the evaluation.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { HostError, refusal } from "../../host/index.ts";
import { createSandbox, hostFunction, type Sandbox } from "../../host/sandbox/index.ts";
import { memoryLog } from "../support/memory-log.ts";

const log = memoryLog();
const aborted: string[] = [];
const open = new Map<string, () => void>();
const sleep = (id: string, signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => {
    open.set(id, () => resolve(id));
    signal.addEventListener("abort", () => aborted.push(id), { once: true });
  });

const functions = {
  getOrder: hostFunction(
    { args: z.tuple([z.string().max(10)]), result: z.object({ id: z.string(), total: z.number() }) },
    async ([id]) => ({
      id,
      total: id.length,
    }),
  ),
  meet: hostFunction({ args: z.tuple([z.string()]), result: z.string() }, ([id], { signal }) => sleep(id, signal)),
  release: hostFunction({ args: z.tuple([z.string()]), result: z.void() }, ([id]) => open.get(id)?.()),
  refuse: hostFunction({ args: z.tuple([]), result: z.void() }, () => {
    throw new HostError("conflict", "the order is closed");
  }),
  away: hostFunction({ args: z.tuple([]), result: z.void() }, () => {
    throw refusal("unavailable", "shut", { retryAfterMs: 90 });
  }),
  fail: hostFunction({ args: z.tuple([]), result: z.void() }, () => {
    throw new Error("password=hunter2");
  }),
  lie: hostFunction({ args: z.tuple([]), result: z.number() }, () => "no" as unknown as number),
  echo: hostFunction({ args: z.array(z.unknown()), result: z.unknown() }, (args) => args),
};

describe.each(["inline", "thread", "process"] as const)("functions of the program, %s", (isolation) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await createSandbox({ isolation, functions, log, limits: { deadlineMs: 20_000 } });
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  it("are awaited, and what they throw can be caught", async () => {
    expect(await sandbox.evaluate("(await getOrder('o-1')).total")).toBe(3);
    expect(await sandbox.evaluate("try { await refuse() } catch ({ code, message }) { [code, message] }")).toEqual([
      "conflict",
      "the order is closed",
    ]);
    const seen = "try { await away() } catch ({ code, reason, retryAfterMs }) { [code, reason, retryAfterMs] }";
    expect(await sandbox.evaluate(seen)).toEqual(["refused", "unavailable", 90]);
    expect(await sandbox.evaluate("try { await refuse() } catch (error) { 'reason' in error }")).toBe(false);
    await expect(sandbox.evaluate("1;\nawait refuse()")).rejects.toMatchObject({
      code: "plugin-failed",
      line: 2,
      message: /the order is closed/,
    });
  });

  it("are called with what their schema allows only", async () => {
    for (const call of ["getOrder(7)", "getOrder()", "getOrder('a', 'b')", "getOrder('x'.repeat(11))"])
      expect(await sandbox.evaluate(`try { await ${call} } catch ({ code }) { code }`), call).toBe("invalid-message");
    await expect(sandbox.evaluate("await getOrder(new Map())")).rejects.toMatchObject({ message: /getOrder: argument\[0\] is a Map/ });
    expect(await sandbox.evaluate("try { await echo('x'.repeat(300000)) } catch ({ code }) { code }")).toBe("quota-exceeded");
    expect(await sandbox.evaluate("try { await echo(Array(30000).fill(1)) } catch ({ code }) { code }")).toBe("quota-exceeded");
    expect(await sandbox.evaluate("await echo(1, 'ä', { deep: [null] })")).toEqual([1, "ä", { deep: [null] }]);
  });

  it("say nothing of their own failures but to the log", async () => {
    for (const name of ["fail", "lie"]) {
      const said = await sandbox.evaluate<string>(`try { await ${name}() } catch ({ code, message, stack }) { code + message + stack }`);
      expect(said).toContain("plugin-failed");
      expect(said).not.toContain("hunter2");
    }
    expect(JSON.stringify(log.lines.map(({ cause }) => String(cause)))).toContain("hunter2");
  });

  it("are under way side by side", async () => {
    const together = sandbox.evaluate(
      "const a = meet('a'); const b = meet('b'); await release('b'); const first = await Promise.race([a, b]); await release('a'); [first, await a]",
    );
    expect(await together).toEqual(["b", "a"]);
  });

  it("belong to the program that called them, also to the next one at once", async () => {
    const all = Array.from({ length: 50 }, (_, i) => sandbox.evaluate(`meet('never${i}'); (await getOrder('${i}')).id`));
    expect(await Promise.all(all)).toEqual(all.map((_, i) => String(i)));
  });

  it("are not ended by a program that is refused, or leaves before its turn", async () => {
    const first = sandbox.evaluate("await meet('stays')");
    await expect.poll(() => open.has("stays")).toBe(true);
    await expect(sandbox.evaluate("1", {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "deadline-exceeded",
      isStateLost: false,
    });
    await expect(sandbox.evaluate("1", {}, { deadlineMs: 1 })).rejects.toMatchObject({ code: "deadline-exceeded", isStateLost: false });
    open.get("stays")?.();
    expect(await first).toBe("stays");
    open.clear();
  });

  it("are at most 256 at a time", async () => {
    const all = "Array.from({ length: 300 }, (_, i) => meet('m' + i))";
    await expect(sandbox.evaluate(`globalThis.x = 1;\nawait Promise.all(${all})`)).rejects.toMatchObject({ code: "queue-full" });
  });

  it("are told when nobody waits any more", async () => {
    aborted.length = 0;
    await sandbox.evaluate("meet('left'); 1");
    await expect.poll(() => aborted).toContain("left");
    const cancel = new AbortController();
    const hanging = sandbox.evaluate("\nawait meet('forever')", {}, { signal: cancel.signal });
    await expect.poll(() => open.has("forever")).toBe(true);
    cancel.abort();
    await expect(hanging).rejects.toMatchObject({ code: "deadline-exceeded", line: 2, column: 7 });
    await expect.poll(() => aborted).toContain("forever");
    open.clear();
  });

  it("cannot be exchanged by what a program leaves", async () => {
    await expect(sandbox.evaluate("'use strict'; getOrder = () => 1")).rejects.toMatchObject({
      code: "plugin-failed",
      message: /read-only/,
    });
    expect(await sandbox.evaluate("(await getOrder('o-1')).id")).toBe("o-1");
  });
});

it("does not let a program fill the log with what fails", async () => {
  const small = memoryLog();
  await using sandbox = await createSandbox({
    isolation: "inline",
    functions,
    log: small,
    limits: { logMiBPerMinute: 0.005, deadlineMs: 60_000 },
  });
  await sandbox.evaluate("for (let i = 0; i < 100; i++) await fail().catch(() => {}); 1");
  expect(small.lines.length).toBeLessThan(30);
  expect(small.lines.at(-1)?.message).toContain("limits.logMiBPerMinute");
});

it("refuses functions that cannot be", async () => {
  const { getOrder } = functions;
  await expect(createSandbox({ isolation: "inline", functions: { "get-order": getOrder } })).rejects.toMatchObject({
    message: /functions.get-order/,
  });
  await expect(createSandbox({ isolation: "inline", functions: { Promise: getOrder } })).rejects.toMatchObject({ code: "invalid-message" });
  await expect(createSandbox({ isolation: "inline", functions: { a: (() => 1) as never } })).rejects.toMatchObject({
    message: /hostFunction/,
  });
});
