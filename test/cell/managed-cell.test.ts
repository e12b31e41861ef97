// The door of a plugin: turns wait in order while it is restarted, exchanged or asleep, and nothing is lost.

import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../host/adapters/system-clock.ts";
import { ManagedCell } from "../../host/cell/managed-cell.ts";
import type { PluginImage } from "../../host/core/ports.ts";
import type { TurnOutcome } from "../../host/core/types.ts";
import { CELL_KINDS, type CellKind, createCell, image, runTurn } from "../support/cells.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { wat } from "../support/wat.ts";

/** Answers each turn with its version and with how many turns this instance has had; logs its lifecycle. */
const plugin = (version: string, onStart = "(i32.const 0)"): Promise<Uint8Array<ArrayBuffer>> =>
  wat(`(module
    (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
    (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
    (import "extism:host/env" "output_set" (func $output (param i64 i64)))
    (import "extism:host/env" "log_info" (func $log (param i64)))
    (memory 1) (global $turns (mut i32) (i32.const 48))
    (func $say (param $a i32) (param $b i32) (result i64) (local $block i64)
      (local.set $block (call $alloc (i64.const 2)))
      (call $store (local.get $block) (local.get $a)) (call $store (i64.add (local.get $block) (i64.const 1)) (local.get $b))
      (local.get $block))
    (func (export "turn") (result i32)
      (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
      (call $output (call $say (i32.const ${version.charCodeAt(0)}) (global.get $turns)) (i64.const 2)) (i32.const 0))
    (func (export "slow") (result i32) (local $n i32)
      (loop $again (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000000)))) (i32.const 0))
    (func (export "on_load") (result i32) (call $log (call $say (i32.const 76) (i32.const ${version.charCodeAt(0)}))) (i32.const 0))
    (func (export "on_start") (result i32) (call $log (call $say (i32.const 83) (i32.const ${version.charCodeAt(0)}))) ${onStart})
    (func (export "on_stop") (result i32) (call $log (call $say (i32.const 84) (i32.const ${version.charCodeAt(0)}))) (i32.const 0)))`);

describe.each(CELL_KINDS)("a managed %s cell", (kind: CellKind) => {
  let folder: TemporaryFolder;
  let door: ManagedCell;
  const log = memoryLog();

  const open = async (idleMs?: number): Promise<void> => {
    folder = temporaryFolder();
    log.lines.length = 0;
    const answer = () => Promise.reject(new Error("nobody asks"));
    door = new ManagedCell({ cell: createCell(kind, log, folder.path), clock: systemClock, idleMs, answer });
    await door.load(image("p", await plugin("1")));
  };
  afterEach(async () => {
    await door[Symbol.asyncDispose]();
    folder.remove();
  });
  const next = async (version: string, onStart?: string): Promise<PluginImage> => image("p", await plugin(version, onStart));
  const said = (outcome: TurnOutcome): string => (outcome.ok ? new TextDecoder().decode(outcome.output) : outcome.error.code);
  const turn = (): Promise<string> => runTurn(door, "p", "turn").then(said);
  const lifecycle = (): string[] => log.lines.filter((line) => line.plugin === "p").map(({ message }) => message);

  it("lets turns wait while it exchanges the plugin, and hands them over in order", async () => {
    await open();
    expect(await turn()).toBe("11");
    const slow = runTurn(door, "p", "slow");
    const exchanging = door.exchange({ image: await next("2"), drainMs: 5_000 });
    const during = [turn(), turn(), turn()];
    expect((await slow).ok).toBe(true);
    await exchanging;
    expect(await Promise.all(during)).toEqual(["21", "22", "23"]);
    expect(lifecycle()).toEqual(["L1", "T1", "L2", "S2"]);
  });

  it("brings the old one back when the new one does not start, with what was undone", async () => {
    await open();
    const steps: string[] = [];
    const step = (name: string) => async () => void steps.push(name);
    const exchanging = door.exchange({
      image: await next("2", "(i32.const 1)"),
      drainMs: 100,
      between: step("between"),
      undo: step("undo"),
    });
    const during = turn();
    await expect(exchanging).rejects.toMatchObject({ code: "plugin-failed", message: expect.stringContaining("on_start") });
    expect(await during).toBe("11");
    expect(steps).toEqual(["between", "undo"]);
    expect(lifecycle().slice(-4)).toEqual(["S2", "T2", "L1", "S1"]);
    await expect(
      Promise.all([door.exchange({ image: await next("3"), drainMs: 100 }), door.exchange({ image: await next("4"), drainMs: 100 })]),
    ).rejects.toMatchObject({ code: "conflict" });
  });

  it("loads on demand, starts before the first turn, sleeps when nobody asks and wakes again", async () => {
    await open(50);
    for (const entryPoint of ["on_load", "on_start"]) {
      expect(await runTurn(door, "p", entryPoint, { caller: { kind: "host", name: "host" } })).toMatchObject({ ok: true });
    }
    expect(lifecycle()).toEqual([]);
    expect(await Promise.all([turn(), turn()])).toEqual(["11", "12"]);
    expect(lifecycle()).toEqual(["L1", "S1"]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // A new instance counts from the beginning; it was started once and is not started again.
    await eventually("a new instance", async () => ((await turn()) === "11" ? true : undefined));
    expect(lifecycle()).toEqual(["L1", "S1", "L1"]);
  });

  it("answers what waits when the plugin is unloaded", async () => {
    await open(50);
    const waiting = turn();
    await door.unload("p");
    expect(await waiting).toMatch(/plugin-not-running|^11$/);
    expect(await turn()).toBe("plugin-not-running");
  });
});
