// Components that take what no memory of theirs shows: handles, tables, elements of lists, waiters, and time between their core modules.

import { describe, expect, it, vi } from "vitest";
import type { HostError } from "../../../host/core/errors.ts";
import type { Limits } from "../../../host/core/types.ts";
import { decodeBundle } from "../../../host/engine/component/bundle.ts";
import type { ComponentHost } from "../../../host/engine/component/component-host.ts";
import { CoreLinker } from "../../../host/engine/component/core-linker.ts";
import { FuelAccount } from "../../../host/engine/component/fuel-account.ts";
import { compileGlue, runGlue } from "../../../host/engine/component/realm.ts";
import { Ledger } from "../../../host/engine/component/resources.ts";
import { Pollable, poll, Signal } from "../../../host/engine/component/wasi-poll.ts";
import type { GuestEnvironment } from "../../../host/engine/engine.ts";
import { DEFAULT_LIMITS } from "../../../host/manifest/limits.ts";
import { createCell, runTurn } from "../../support/cells.ts";
import { admitted, componentImage, componentOf, componentText } from "../../support/components.ts";
import { memoryLog } from "../../support/memory-log.ts";
import { guest, IMPORTS } from "./guests.ts";

async function outcomeOf(component: Uint8Array<ArrayBuffer>, limits: Partial<Limits> = {}, entryPoint = "go") {
  const cell = createCell("inline", memoryLog());
  await cell.load(await componentImage("attacker", component, limits));
  const outcome = await runTurn(cell, "attacker", entryPoint, { input: "input" });
  return outcome.ok
    ? { code: "", message: new TextDecoder().decode(outcome.output) }
    : { code: outcome.error.code, message: outcome.error.message };
}

const times = (count: number, text: (i: number) => string): string => Array.from({ length: count }, (_, i) => text(i)).join("\n");

describe("a component that makes resources of its own", () => {
  const making = (code: string): Promise<Uint8Array<ArrayBuffer>> =>
    componentText(`(component
      (type $thing (resource (rep i32)))
      (core func $new (canon resource.new $thing))
      (core func $drop (canon resource.drop $thing))
      (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (import "" "drop" (func $drop (param i32)))
        (func (export "go") (local $i i32) ${code}))
      (core instance $host (export "new" (func $new)) (export "drop" (func $drop)))
      (core instance $i (instantiate $m (with "" (instance $host))))
      (func (export "go") (canon lift (core func $i "go"))))`);
  const loop = (code: string, count: number): string =>
    `(loop $more ${code} (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $more (i32.lt_u (local.get $i) (i32.const ${count}))))`;

  it("and keeps them is ended", async () => {
    const { code, message } = await outcomeOf(await making("(loop $more (drop (call $new (i32.const 1))) (br $more))"));
    expect([code, message]).toEqual(["memory-exhausted", expect.stringContaining("holds more than 16384 handles at once")]);
  });

  it("and drops them makes as many as it likes, within a million", async () => {
    expect(await outcomeOf(await making(loop("(call $drop (call $new (local.get $i)))", 50_000)))).toEqual({ code: "", message: "" });
    const endless = await making(
      "(loop $more (call $drop (call $new (local.get $i))) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $more))",
    );
    expect(await outcomeOf(endless, { cpuMs: 20_000, deadlineMs: 30_000 })).toMatchObject({
      code: "memory-exhausted",
      message: expect.stringContaining("made more than 1000000 handles"),
    });
  });

  it.each(["0", "-1", "1", "77", "0x3fffffff", "0x40000001", "0x7fffffff", "-2147483647"])(
    "cannot drop handle %s, which it never got, to have more of them",
    async (handle) => {
      expect(await outcomeOf(await making(`(call $drop (i32.const ${handle}))`))).toMatchObject({ code: "plugin-failed" });
    },
  );

  it("and passes them to another component inside of it is ended", async () => {
    const component = await componentText(`(component
      (component $maker
        (type $own (resource (rep i32)))
        (core func $new (canon resource.new $own))
        (core module $n (import "" "new" (func $new (param i32) (result i32)))
          (func (export "make") (result i32) (call $new (i32.const 5)))
          (func (export "look") (param i32)))
        (core instance $host (export "new" (func $new)))
        (core instance $j (instantiate $n (with "" (instance $host))))
        (export $thing "thing" (type $own))
        (func (export "make") (result (own $thing)) (canon lift (core func $j "make"))))
      (instance $ia (instantiate $maker))
      (component $taker
        (import "a" (instance $a (export "thing" (type $thing (sub resource))) (export "make" (func (result (own $thing))))))
        (core func $make (canon lower (func $a "make")))
        (core module $m (import "" "make" (func $make (result i32))) (func (export "go") (loop $l (drop (call $make)) (br $l))))
        (core instance $host (export "make" (func $make)))
        (core instance $i (instantiate $m (with "" (instance $host))))
        (func (export "go") (canon lift (core func $i "go"))))
      (instance $ib (instantiate $taker (with "a" (instance $ia))))
      (alias export $ib "go" (func $go))
      (export "go" (func $go)))`);
    expect(await outcomeOf(component, { cpuMs: 10_000, deadlineMs: 20_000 })).toMatchObject({ code: "memory-exhausted" });
  });
});

describe("a component with many tables", () => {
  const growing = (count: number, table: string): Promise<Uint8Array<ArrayBuffer>> =>
    componentText(`(component
      (core module $t ${table}
        (func (export "grow") (result i32)
          (loop $more (br_if $more (i32.ne (table.grow (ref.null func) (i32.const 100)) (i32.const -1)))) (table.size)))
      ${times(count, (i) => `(core instance $t${i} (instantiate $t))`)}
      (core module $m
        ${times(count, (i) => `(import "t${i}" "grow" (func $g${i} (result i32)))`)}
        (memory (export "memory") 1)
        (func (export "go") (result i32) (local $i i32)
          ${times(count, (i) => `(local.set $i (i32.add (local.get $i) (call $g${i})))`)}
          ;; In decimal text.
          (i32.store (i32.const 20) (i32.const 6)) (i32.store (i32.const 16) (i32.const 32))
          ${times(6, (i) => `(i32.store8 (i32.const ${37 - i}) (i32.add (i32.const 48) (i32.rem_u (local.get $i) (i32.const 10)))) (local.set $i (i32.div_u (local.get $i) (i32.const 10)))`)}
          (i32.const 16)))
      (core instance $i (instantiate $m ${times(count, (i) => `(with "t${i}" (instance $t${i}))`)}))
      (alias core export $i "memory" (core memory $memory))
      (func (export "go") (result string) (canon lift (core func $i "go") (memory $memory))))`);

  it.each([
    [1, "(table 0 funcref)", 100_000],
    [3, "(table 1 funcref)", 99_903],
    [40, "(table 100 funcref)", 100_000],
    [40, "(table 10 20 funcref)", 400],
  ])("%i of %s together get no more elements than it may have", async (count, table, elements) => {
    const { code, message } = await outcomeOf(await growing(count, table), { cpuMs: 5_000 });
    expect(code).toBe("");
    expect(Number(message)).toBeLessThanOrEqual(elements);
    // Each grows by 100 at a time.
    expect(Number(message)).toBeGreaterThanOrEqual(elements - 100 * count);
  });
});

describe("a component that passes lists", () => {
  it.each([
    ["20,000 records of 40 bytes", "apply", 20_000],
    ["40,000 texts", "getMany", 40_000],
  ] as const)("%s, is ended before they are made", async (_what, name, count) => {
    const call = `(call $${name} (i32.const 65536) (i32.const ${count}) (i32.const 128))`;
    const component = await componentOf(
      guest({ imports: [IMPORTS[name] ?? ""], handle: `${call} (call $ok (i32.const 0) (i32.const 0))`, pages: 64 }),
    );
    expect(await outcomeOf(component, {}, "attack")).toMatchObject({ code: "quota-exceeded" });
  });
});

describe("a guest that polls what never happens", () => {
  it("leaves nobody waiting there, however often it polls and whatever it drops", async () => {
    const never = new Promise<never>(() => {});
    const asked = vi.spyOn(never, "then");
    const clock = {
      monotonicMs: () => performance.now(),
      after: (ms: number, wake: () => void) => {
        const timer = setTimeout(wake, ms);
        return () => clearTimeout(timer);
      },
    };
    const control = { doomed: false, doom: () => {}, forfeit: () => {} };
    const host = {
      environment: { plugin: "guest", limits: DEFAULT_LIMITS, scope: { clock } },
      control,
      ledger: new Ledger("guest", control, DEFAULT_LIMITS.blockBytes),
      count: () => {},
      wait: (answer: Promise<unknown>) => answer,
    } as unknown as ComponentHost;
    const signal = new Signal(never);
    const waiting = Array.from({ length: 255 }, () => new Pollable(host, undefined, signal));
    for (let i = 0; i < 20; i += 1)
      expect(await poll(host, [...waiting, new Pollable(host, performance.now() + 1)])).toEqual(Uint32Array.of(255));
    for (const pollable of waiting) pollable[Symbol.dispose]();
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("is woken once it happens", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const signal = new Signal(promise);
    const woken: string[] = [];
    signal.watch(() => woken.push("stays"));
    signal.watch(() => woken.push("went"))();
    expect(signal.hasHappened).toBe(false);
    resolve();
    await promise;
    await Promise.resolve();
    expect([signal.hasHappened, woken]).toEqual([true, ["stays"]]);
  });
});

describe("between the core modules of a component", () => {
  const environment = (overdue: () => boolean, refuel: () => Promise<number>) =>
    ({ plugin: "guest", limits: DEFAULT_LIMITS, pacer: { overdue, refuel } }) as unknown as GuestEnvironment;
  const linker = (pacer: GuestEnvironment, fate: HostError[] = []): CoreLinker => {
    const control = {
      doomed: false,
      doom: (error: HostError) => {
        fate.push(error);
        control.doomed = true;
      },
      forfeit: () => {},
    };
    return new CoreLinker({ environment: pacer, account: new FuelAccount(), control, isRunning: () => true });
  };
  const smallest = async (): Promise<WebAssembly.Module> => {
    const text = `(component (core module $m (func (export "go"))) (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "go"))))`;
    const [module] = decodeBundle((await admitted(await componentText(text))).module).modules.values();
    return new WebAssembly.Module(module ?? new Uint8Array(0));
  };

  it("the others of its cell get their slices", async () => {
    let slices = 0;
    const pacer = environment(
      () => true,
      async () => {
        slices += 1;
        return 1_000;
      },
    );
    const link = linker(pacer);
    const module = await smallest();
    for (let i = 0; i < 5; i += 1) await link.link(module, {});
    expect(slices).toBe(5);
  });

  it("there is an end after 64, whatever its glue says", async () => {
    const fate: HostError[] = [];
    const link = linker(
      environment(
        () => false,
        async () => 1_000,
      ),
      fate,
    );
    const module = await smallest();
    for (let i = 0; i < 64; i += 1) await link.link(module, {});
    await expect(link.link(module, {})).rejects.toThrow("ended by the host");
    expect(fate.map(({ message }) => message)).toEqual(["guest instantiates more than 64 core modules; link them into fewer"]);
  });

  it("and outside of a turn its functions cannot be called", async () => {
    let isRunning = true;
    const control = { doomed: false, doom: () => {}, forfeit: () => {} };
    const link = new CoreLinker({
      environment: environment(
        () => false,
        async () => 0,
      ),
      account: new FuelAccount(),
      control,
      isRunning: () => isRunning,
    });
    const { exports } = await link.link(await smallest(), {});
    const go = exports.go as () => unknown;
    expect(go()).toBeUndefined();
    const promised = link.promising(go);
    isRunning = false;
    expect(go).toThrow("outside of a turn");
    expect(() => promised()).toThrow("outside of a turn");
  });
});

describe("the realm of the glue", () => {
  it("has nothing that calls the glue when nobody runs it", () => {
    const glue = "function instantiate() { return [typeof FinalizationRegistry, typeof WeakRef, typeof setInterval, typeof process]; }";
    const wasm = { promising: () => async () => {}, guarded: (run: unknown) => run };
    const run = runGlue(compileGlue(glue), wasm, { charge: () => {}, handle: () => {} }) as unknown as () => unknown;
    expect(run()).toEqual(["undefined", "undefined", "undefined", "undefined"]);
  });
});
