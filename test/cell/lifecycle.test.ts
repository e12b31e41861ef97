// A plugin's life in real cells: turns wait in order while it is restarted, exchanged or asleep, and nothing is lost.

import { afterEach, describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { Plugin } from "../../host/core/plugin.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { EndedTurn } from "../../host/core/turn.ts";
import type { PluginDefinition, TurnOutcome } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { CELL_KINDS, type CellKind, createCell, image } from "../support/cells.ts";
import { eventually } from "../support/eventually.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { wat } from "../support/wat.ts";

interface Ends {
  readonly onStart?: string;
  readonly onStop?: string;
}

/** Answers each turn with its version and with how many turns this instance has had; logs its lifecycle. */
const plugin = (version: string, { onStart = "(i32.const 0)", onStop = "(i32.const 0)" }: Ends = {}): Promise<Uint8Array<ArrayBuffer>> =>
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
    (func (export "endless") (result i32) (loop (br 0)) (i32.const 0))
    (func (export "on_load") (result i32) (call $log (call $say (i32.const 76) (i32.const ${version.charCodeAt(0)}))) (i32.const 0))
    (func (export "on_start") (result i32) (call $log (call $say (i32.const 83) (i32.const ${version.charCodeAt(0)}))) ${onStart})
    (func (export "on_stop") (result i32) (call $log (call $say (i32.const 84) (i32.const ${version.charCodeAt(0)}))) ${onStop}))`);

describe.each(CELL_KINDS)("a plugin in a %s cell", (kind: CellKind) => {
  let folder: TemporaryFolder;
  let cell: Cell;
  let host: Host;
  let one: Plugin;
  let turns: EndedTurn[];
  const log = memoryLog();

  const definition = async (version: string, ends: Ends = {}, idleMs?: number): Promise<PluginDefinition> => {
    const limits = { cpuMs: 60_000, deadlineMs: 60_000 };
    const nothing = { services: [], subscriptions: [], permissions: [], grants: [], dependencies: [] };
    return { ...image("p", await plugin(version, ends), limits), version: `${version}.0.0`, ...nothing, idleMs };
  };
  const open = async (idleMs?: number, ends: Ends = {}): Promise<void> => {
    folder = temporaryFolder();
    log.lines.length = 0;
    turns = [];
    cell = createCell(kind, log, folder.path);
    host = new Host(hostPorts({ clock: systemClock, log }));
    host.observe({ turn: (turn) => void turns.push(turn) });
    one = host.add(await definition("1", ends, idleMs), cell);
    await host.start("p");
  };
  afterEach(async () => {
    await one.stop(0);
    await cell[Symbol.asyncDispose]();
    folder.remove();
  });
  const enter = (entryPoint: string, cancelled?: AbortSignal): Promise<TurnOutcome> => {
    const deadline = systemClock.monotonicMs() + 60_000;
    const caller = { kind: "adapter", name: "test" } as const;
    return one.enter(entryPoint, "", { caller, traceparent: startTrace(), deadline, waiting: [], authorities: [], cancelled });
  };
  const said = (outcome: TurnOutcome): string => (outcome.ok ? new TextDecoder().decode(outcome.output) : outcome.error.code);
  const turn = (): Promise<string> => enter("turn").then(said);
  const exchangeFor = (next: PluginDefinition, steps: string[] = []): Promise<void> => {
    const before = one.definition;
    const between = async (): Promise<void> => {
      steps.push("between");
      host.redefine(next);
    };
    const undo = async (): Promise<void> => {
      steps.push("undo");
      host.redefine(before);
    };
    return one.exchange({ drainMs: 60_000, between, undo });
  };
  const lifecycle = (): string[] => log.lines.filter(({ by }) => by === "guest").map(({ message }) => message);

  it("lets turns wait while it is exchanged, and hands them over in order", async () => {
    await open();
    expect(await turn()).toBe("11");
    const slow = enter("slow");
    const exchanging = exchangeFor(await definition("2"));
    const during = [turn(), turn(), turn()];
    expect((await slow).ok).toBe(true);
    await exchanging;
    expect(await Promise.all(during)).toEqual(["21", "22", "23"]);
    expect(lifecycle()).toEqual(["L1", "S1", "T1", "L2", "S2"]);
  });

  it("comes back as the old one when the new one does not start, with what was undone", async () => {
    await open();
    const steps: string[] = [];
    const exchanging = exchangeFor(await definition("2", { onStart: "(i32.const 1)" }), steps);
    const during = turn();
    await expect(exchanging).rejects.toMatchObject({ code: "plugin-failed", message: expect.stringContaining("on_start") });
    expect(await during).toBe("11");
    expect(steps).toEqual(["between", "undo"]);
    expect(lifecycle().slice(-4)).toEqual(["S2", "T2", "L1", "S1"]);
    expect(one.definition.version).toBe("1.0.0");
  });

  it("has failed when neither version comes back, with why", async () => {
    await open();
    const broken = await definition("2", { onStart: "(i32.const 1)" });
    const undo = (): Promise<void> => Promise.reject(new HostError("conflict", "the data are lost"));
    const exchanging = one.exchange({ drainMs: 100, between: async () => host.redefine(broken), undo });
    const during = turn();
    await expect(exchanging).rejects.toMatchObject({ code: "conflict" });
    expect(await during).toBe("plugin-not-running");
    expect([one.state, one.failure?.message]).toEqual(["failed", "the data are lost"]);
    host.redefine({ ...broken, ...(await definition("3")) });
    await host.start("p");
    expect(await turn()).toBe("31");
  });

  it("exchanges one after the other, and none that does not run", async () => {
    await open();
    await Promise.all([exchangeFor(await definition("2")), exchangeFor(await definition("3"))]);
    expect(await turn()).toBe("31");
    await one.stop(0);
    await expect(exchangeFor(await definition("4"))).rejects.toMatchObject({ code: "conflict" });
  });

  it("has each step of its life counted, and a trap in on_stop of a restart in the log", async () => {
    await open(undefined, { onStop: "unreachable" });
    await one.exchange({ drainMs: 100 });
    expect(turns.map(({ entryPoint, outcome }) => `${entryPoint} ${outcome.ok}`)).toEqual([
      "on_load true",
      "on_start true",
      "on_stop false",
      "on_load true",
      "on_start true",
    ]);
    expect(turns[2]?.outcome).toMatchObject({ broken: true });
    expect(log.lines.filter(({ by }) => by !== "guest").map(({ message }) => message)).toEqual([
      expect.stringMatching(/^on_stop failed: /),
    ]);
    expect(await turn()).toBe("11");
  });

  it("is loaded on demand, starts before the first turn, sleeps when nobody asks and wakes again", async () => {
    await open(50);
    expect(one.state).toBe("running");
    expect(lifecycle()).toEqual([]);
    expect(await Promise.all([turn(), turn()])).toEqual(["11", "12"]);
    expect(lifecycle()).toEqual(["L1", "S1"]);
    // A new instance counts from the beginning; it was started once and is not started again.
    await eventually("a new instance", async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return (await turn()) === "11" ? true : undefined;
    });
    expect(lifecycle()).toEqual(["L1", "S1", "L1"]);
  });

  it("answers what waits when it stops while it is asleep", async () => {
    await open(50);
    const waiting = turn();
    await one.stop(0);
    expect(await waiting).toMatch(/plugin-not-running|^11$/);
    expect(await turn()).toBe("plugin-not-running");
  });

  it("wakes anew when it did not start the first time", async () => {
    await open(50, { onStart: "(i32.const 1)" });
    expect(await turn()).toBe("plugin-failed");
    expect(await turn()).toBe("plugin-failed");
    expect(one.state).toBe("running");
  });

  it("ends a turn that nobody waits for any more, whether it runs or waits", async () => {
    await open();
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = enter("endless", running.signal);
    const second = enter("turn", waiting.signal);
    const third = turn();
    waiting.abort();
    running.abort();
    expect(said(await first)).toBe("deadline-exceeded");
    expect(said(await second)).toBe("deadline-exceeded");
    // What was taken from a running turn is its instance.
    expect(await third).toBe("11");
    expect(said(await enter("turn", AbortSignal.abort()))).toBe("deadline-exceeded");
  });
});
