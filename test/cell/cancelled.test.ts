// Turns that somebody else ends: whoever asked has gone, or gave hardly any time. The plugin is not to blame for these.

import { afterEach, describe, expect, it } from "vitest";
import type { Cell, Turn } from "../../host/core/ports/cell.ts";
import { createCell, image, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { wat } from "../support/wat.ts";

const ENDLESS = `(module (memory 1) (func (export "endless") (result i32) (loop (br 0)) (i32.const 0)))`;

describe("a turn that somebody else ends", () => {
  let cell: Cell | undefined;
  afterEach(() => cell?.[Symbol.asyncDispose]());

  const load = async (): Promise<Cell> => {
    cell = createCell("inline", memoryLog());
    await cell.load(image("p", await wat(ENDLESS), { deadlineMs: 200 }));
    return cell;
  };
  const soon = (): AbortSignal => AbortSignal.timeout(30);

  it("is no failure of the plugin when whoever asked has gone", async () => {
    const outcome = await runTurn(await load(), "p", "endless", { cancelled: soon(), timeoutMs: 200 });
    expect(outcome).toMatchObject({ ok: false, error: { code: "deadline-exceeded", message: expect.stringContaining("nobody waits") } });
    expect(outcome.ok || outcome.broken).toBe(false);
  });

  it("is none when it was given less than half of the plugin's own time, and is one when it had it", async () => {
    const hurried = await runTurn(await load(), "p", "endless", { timeoutMs: 50 });
    expect(hurried).toMatchObject({ ok: false, error: { code: "deadline-exceeded" } });
    expect(hurried.ok || hurried.broken).toBe(false);
    expect(await runTurn(cell as Cell, "p", "endless", { timeoutMs: 200 })).toMatchObject({ ok: false, broken: true });
  });

  it("leaves nothing behind on a signal that lives longer", async () => {
    const ends = new AbortController();
    let listeners = 0;
    const counting = new Proxy(ends.signal, {
      get(target, name) {
        if (name === "addEventListener") listeners += 1;
        if (name === "removeEventListener") listeners -= 1;
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const turn: Partial<Turn> = { cancelled: counting };
    await runTurn(await load(), "p", "endless", { ...turn, timeoutMs: 20 });
    expect(listeners).toBe(0);
  });
});
