// What a process cell and its supervisor promise when the process dies, falls silent or speaks nonsense.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CellClient } from "../../host/cell/outside/client.ts";
import { DEFAULT_USERS, type Hardening, NO_HARDENING, resolveHardening } from "../../host/cell/outside/hardening.ts";
import { createProcessCell } from "../../host/cell/outside/process-cell.ts";
import { type LiveCell, SupervisedCell } from "../../host/cell/outside/supervised-cell.ts";
import { readFromCell, writeFromCell } from "../../host/cell/wire/codec.ts";
import { FrameReader, FrameWriter } from "../../host/cell/wire/frames.ts";
import type { Channel, FromCell, ToCell } from "../../host/cell/wire/protocol.ts";
import { HostError } from "../../host/core/errors.ts";
import type { Turn } from "../../host/core/ports/cell.ts";
import { NO_USAGE, type TurnOutcome } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { gated, image, runTurn } from "../support/cells.ts";
import { eventually } from "../support/eventually.ts";
import { fakeClock, settle } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { wat } from "../support/wat.ts";

const PLUGIN = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "storage_set" (func $set (param i64 i64) (result i64)))
  (import "extism:host/user" "storage_get" (func $get (param i64) (result i64)))
  (import "extism:host/user" "state_get" (func $state (param i64) (result i64)))
  (import "bulkhead:host/memory" "release" (func $release (param i64)))
  (memory 1)
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func (export "echo") (result i32) (call $give (call $input)))
  (func (export "put") (result i32) (call $give (call $set (call $input) (call $input))))
  (func (export "get") (result i32) (call $give (call $get (call $input))))
  (func (export "put_for_ever") (result i32) (loop $again (call $release (call $set (call $input) (call $input))) (br $again)) (i32.const 0))
  (func (export "ask") (result i32) (call $give (call $state (call $input)))))`;

const textOf = (outcome: TurnOutcome): string => (outcome.ok ? new TextDecoder().decode(outcome.output) : `error ${outcome.error.code}`);

/** The process and those above it, up to the first. */
function ancestry(pid: number): number[] {
  try {
    const parent = Number(/PPid:\t(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
    return parent === 0 ? [pid] : [pid, ...ancestry(parent)];
  } catch {
    return [pid];
  }
}

describe("a process cell", () => {
  let folder: string;
  let cell: SupervisedCell;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bulkhead-test-"));
  });
  afterEach(async () => {
    await cell[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (hardening: Hardening = NO_HARDENING, user?: number): Promise<number> => {
    const pids: number[] = [];
    const onStart = (pid: number): void => void pids.push(pid);
    const ports = { clock: systemClock, log: memoryLog(), storageDir: folder };
    cell = gated(createProcessCell({ ...ports, plugins: ["p"], hardening, user, onStart }));
    await cell.load(image("p", await wat(PLUGIN), { cpuMs: 60_000 }));
    return pids[0] ?? -1;
  };

  it("answers what was in flight, comes back by itself and has lost no acknowledged write", async () => {
    const pid = await start();
    expect(textOf(await runTurn(cell, "p", "put", { input: "kept" }))).toBe("\0");
    const writing = runTurn(cell, "p", "put_for_ever", { input: "torn" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.kill(pid, "SIGKILL");
    expect(await writing).toMatchObject({ ok: false, error: { code: "plugin-failed" } });
    // Held while the next process starts, then run there.
    expect(textOf(await runTurn(cell, "p", "get", { input: "kept" }))).toBe("\0\x01kept");
    expect(cell.restarts).toBe(1);
  });

  it("has neither files nor environment nor network of the host", async () => {
    const pid = await start();
    // What is said to its allocator is no secret, and the same for all.
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
    expect(environment.split("\0").map((one) => one.replace(/=.*/, ""))).toEqual([
      ...["MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"],
      "",
    ]);
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    // Sockets: the channel and standard error. The rest is the event loop's own, code, and the plugin's storage.
    expect(open.filter((target) => target.startsWith("socket:"))).toHaveLength(2);
    const allowed = /^(socket|pipe|anon_inode|\/dev\/(null|urandom)|.*\/p\.sqlite(-wal|-shm)?$)/;
    expect(open.filter((target) => !allowed.test(target))).toEqual([]);
    const limits = readFileSync(`/proc/${pid}/limits`, "latin1");
    expect(limits).toMatch(/Max core file size +0 +0/);
    expect(limits).toMatch(/Max data size +\d+ +unlimited/);
  });

  const isRoot = process.getuid?.() === 0;
  const hasBubblewrap = spawnSync("bwrap", ["--ro-bind", "/", "/", "--unshare-all", "true"]).status === 0;

  it.skipIf(!isRoot)("runs as a user of its own without new privileges, to whom the plugin's files belong (needs root)", async () => {
    const hardening = await resolveHardening({ bubblewrap: false });
    expect(hardening).toMatchObject({ bubblewrap: false, setpriv: true, users: DEFAULT_USERS });
    chmodSync(folder, 0o711);
    const pid = await start(hardening, DEFAULT_USERS.first + 7);
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    expect(status).toMatch(/Uid:\t60713\t60713/);
    expect(status).toMatch(/Gid:\t60713\t60713/);
    expect(status).toMatch(/Groups:\t\s*\n/);
    expect(status).toMatch(/NoNewPrivs:\t1/);
    expect(textOf(await runTurn(cell, "p", "put", { input: "mine" }))).toBe("\0");
    expect(statSync(join(folder, "p.sqlite"))).toMatchObject({ uid: 60_713, gid: 60_713, mode: 0o100600 });
    await cell[Symbol.asyncDispose]();
    // Stays when its process goes, and serves the next.
    await start(hardening, DEFAULT_USERS.first + 8);
    expect(textOf(await runTurn(cell, "p", "get", { input: "mine" }))).toBe("\0\x01mine");
    expect(statSync(join(folder, "p.sqlite")).uid).toBe(60_714);
  });

  it.skipIf(!hasBubblewrap)(
    "runs in namespaces of its own (needs bubblewrap), its system calls filtered, its memory capped all the same",
    async () => {
      const hardening = await resolveHardening({ bubblewrap: true });
      const launcher = await start(hardening, hardening.users?.first);
      const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && ancestry(Number(name)).includes(launcher));
      const inner = pids.find(
        (pid) =>
          readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("--permission") &&
          ancestry(Number(pid)).length > ancestry(launcher).length + 1,
      );
      expect(readlinkSync(`/proc/${inner}/ns/net`)).not.toBe(readlinkSync("/proc/self/ns/net"));
      expect(readFileSync(`/proc/${inner}/limits`, "latin1")).toMatch(/Max data size +\d+ +unlimited/);
      expect(readFileSync(`/proc/${inner}/status`, "latin1")).toMatch(process.arch === "x64" ? /Seccomp:\t2/ : /Seccomp/);
      expect(textOf(await runTurn(cell, "p", "put", { input: "mine" }))).toBe("\0");
      await cell[Symbol.asyncDispose]();
      await start(hardening, hardening.users?.first);
      expect(textOf(await runTurn(cell, "p", "get", { input: "mine" }))).toBe("\0\x01mine");
    },
  );

  it.runIf(process.platform === "linux")("that plugins share gives one that comes and goes its memory once", async () => {
    const pids: number[] = [];
    cell = createProcessCell({
      clock: systemClock,
      log: memoryLog(),
      storageDir: folder,
      plugins: undefined,
      onStart: (pid) => pids.push(pid),
    });
    await cell.load(image("p", await wat(PLUGIN)));
    const caps: (string | undefined)[] = [];
    for (let i = 0; i < 4; i += 1) {
      await cell.load(image("q", await wat(PLUGIN)));
      caps.push(/Max data size +(\d+)/.exec(readFileSync(`/proc/${pids[0]}/limits`, "latin1"))?.[1]);
      await cell.unload("q");
    }
    expect(pids).toHaveLength(1);
    expect(caps[0]).toBeDefined();
    expect(new Set(caps).size).toBe(1);
  });

  it("replaces a process that does not answer, stopped by whatever it may be", async () => {
    const pid = await start();
    process.kill(pid, "SIGSTOP");
    const outcome = await runTurn(cell, "p", "echo", { input: "x", timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ ok: false, error: { code: "plugin-failed", message: expect.stringContaining("did not answer") } });
    await eventually("a restart", () => cell.restarts === 1);
    expect(textOf(await runTurn(cell, "p", "echo", { input: "again" }))).toBe("again");
  });
});

/** A cell that never runs anything and dies when told to. */
function mortal(load: (died: Promise<HostError>) => Promise<void>): LiveCell & { die(): void; readonly ran: Turn[]; disposed: boolean } {
  const { promise, resolve } = Promise.withResolvers<HostError>();
  const ran: Turn[] = [];
  const die = (error = new HostError("plugin-failed", "it died")): void => {
    resolve(error);
    for (const turn of ran.splice(0)) turn.end({ ok: false, error, usage: NO_USAGE });
  };
  return {
    ended: promise,
    ran,
    die: () => die(),
    kill: die,
    ping: async () => {},
    load: async () => {
      await load(promise);
      return undefined;
    },
    capture: async () => undefined,
    run: (turn) => void ran.push(turn),
    unload: async () => {},
    disposed: false,
    async [Symbol.asyncDispose]() {
      this.disposed = true;
    },
  };
}

describe("the supervisor", () => {
  const setUp = async () => {
    const lives: ReturnType<typeof mortal>[] = [];
    const clock = fakeClock();
    const state: { canSpawn: boolean; load: (died: Promise<HostError>) => Promise<void> } = { canSpawn: true, load: async () => {} };
    const spawn = (): LiveCell => {
      if (!state.canSpawn) throw new Error("too many open files");
      const live = mortal((died) => state.load(died));
      lives.push(live);
      return live;
    };
    const cell = gated(new SupervisedCell({ clock, log: memoryLog(), spawn }));
    await cell.load(image("p", await wat(PLUGIN)));
    return { lives, clock, cell, state, last: () => lives.at(-1) as ReturnType<typeof mortal> };
  };

  it("holds turns over the first death and refuses them at once while it backs off", async () => {
    const { lives, clock, cell, last } = await setUp();
    last().die();
    await settle();
    void runTurn(cell, "p", "echo");
    await clock.advance(0);
    expect(lives).toHaveLength(2);
    expect(last().ran).toHaveLength(1);
    for (let deaths = 0; deaths < 3; deaths += 1) {
      last().die();
      await clock.advance(0);
      if (deaths < 2) await clock.advance(5_000);
    }
    expect(await runTurn(cell, "p", "echo")).toMatchObject({
      ok: false,
      error: { code: "plugin-not-running", message: expect.stringMatching(/starts again in \d+ ms/) },
    });
    await clock.advance(5_000);
    expect(lives).toHaveLength(5);
  });

  it("takes a life that cannot begin for a death, and tries again", async () => {
    const { lives, clock, cell, state, last } = await setUp();
    await clock.advance(120_000);
    state.canSpawn = false;
    last().die();
    await clock.advance(0);
    await clock.advance(200);
    expect(cell.restarts).toBeGreaterThan(1);
    state.canSpawn = true;
    await clock.advance(5_000);
    expect(lives).toHaveLength(2);
    state.canSpawn = false;
    last().die();
    for (let i = 0; i < 20; i += 1) await clock.advance(30_000);
    expect((await cell.ended).message).toContain("died 7 times in a row");
  });

  it("has what is loaded while it backs off wait for the next life, and begins none beside it", async () => {
    const { lives, clock, cell, last } = await setUp();
    for (let deaths = 0; deaths < 4; deaths += 1) {
      last().die();
      await clock.advance(deaths < 3 ? 5_000 : 0);
    }
    const before = lives.length;
    const loaded = cell.load(image("q", await wat(PLUGIN)));
    await settle();
    expect(lives).toHaveLength(before);
    await clock.advance(5_000);
    await loaded;
    expect(lives).toHaveLength(before + 1);
    void runTurn(cell, "q", "echo");
    expect(last().ran).toHaveLength(1);
  });

  it("begins no life for nobody after a load that failed, and keeps none", async () => {
    const { lives, clock, cell, state, last } = await setUp();
    await cell.unload("p");
    const before = lives.length;
    state.load = async () => {
      throw new HostError("plugin-failed", "it does not compile");
    };
    await expect(cell.load(image("p", await wat(PLUGIN)))).rejects.toMatchObject({ message: "it does not compile" });
    expect(last().disposed).toBe(true);
    state.load = async () => {
      last().die();
      throw new HostError("plugin-failed", "it died");
    };
    await expect(cell.load(image("p", await wat(PLUGIN)))).rejects.toMatchObject({ message: "it died" });
    await clock.advance(60_000);
    expect(lives).toHaveLength(before + 2);
  });

  it("kills a life that answers pings and never loads", async () => {
    const { clock, cell, state } = await setUp();
    await cell.unload("p");
    state.load = (died) => died.then((error) => Promise.reject(error));
    const loaded = expect(cell.load(image("p", await wat(PLUGIN)))).rejects.toMatchObject({ code: "plugin-failed" });
    await clock.advance(121_000);
    await loaded;
  });

  it("tries again when its only plugin is not loaded again, and in the end says so", async () => {
    const { clock, cell, state, last } = await setUp();
    state.load = async () => {
      throw new HostError("storage-failed", "the disk is full");
    };
    last().die();
    await clock.advance(1_000);
    expect(cell.restarts).toBeGreaterThan(1);
    await clock.advance(120_000);
    expect((await cell.ended).message).toContain("the disk is full");
  });

  it("gives up on a crash loop and tells whoever watches", async () => {
    const { lives, clock, cell, last } = await setUp();
    for (let deaths = 0; deaths < 7; deaths += 1) {
      last().die();
      await clock.advance(30_000);
    }
    expect(lives).toHaveLength(7);
    expect((await cell.ended).message).toContain("died 7 times in a row");
    expect(await runTurn(cell, "p", "echo")).toMatchObject({ ok: false, error: { code: "plugin-failed" } });
  });
});

describe("the host's end of a cell", () => {
  const LIMITS = { ...DEFAULT_LIMITS, payloadBytes: 1_000, hostCalls: 3 };
  const connect = () => {
    let deliver: (message: FromCell) => void = () => {};
    const sent: ToCell[] = [];
    const channel: Channel<ToCell, FromCell> = {
      send: (message) => sent.push(message),
      flush: () => {},
      close: () => {},
      receive: (handler) => {
        deliver = handler;
      },
    };
    const client = new CellClient({ channel, clock: systemClock, log: memoryLog(), ended: async () => {} });
    const outcomes: TurnOutcome[] = [];
    let answer: () => Promise<Uint8Array> = () => new Promise(() => {});
    const run = (): void =>
      client.run({
        plugin: "p",
        entryPoint: "e",
        input: "",
        caller: { kind: "host", name: "host" },
        traceparent: "",
        deadline: Number.POSITIVE_INFINITY,
        answer: () => answer(),
        end: (outcome) => outcomes.push(outcome),
      });
    void client.load({ name: "p", module: new Uint8Array(0), entryPoints: ["e"], limits: LIMITS, config: {} }).catch(() => {});
    run();
    return {
      client,
      sent,
      run,
      outcomes,
      deliver: (message: FromCell): void => deliver(message),
      answerWith: (next: typeof answer): void => {
        answer = next;
      },
    };
  };
  const call = (turn: number, args: readonly Uint8Array[] = []): FromCell => ({
    kind: "call",
    id: 1,
    turn,
    functionName: "state.get",
    args,
  });
  const done = (id: number, bytes = 0): FromCell => ({
    kind: "ended",
    id,
    outcome: { ok: true, output: new Uint8Array(bytes), usage: NO_USAGE },
  });

  it("takes nothing that it did not ask for", () => {
    const { deliver } = connect();
    expect(() => deliver(done(99))).toThrow("does not have");
    expect(() => deliver({ kind: "acknowledged", id: 99, error: undefined })).toThrow("nobody asked");
    expect(() => deliver({ kind: "profiled", id: 99, stacks: [] })).toThrow("nobody asked");
    const line = { kind: "log", level: "info", message: "", traceparent: undefined, cause: undefined } as const;
    expect(() => deliver({ ...line, plugin: "another" })).toThrow("does not have");
    expect(() => deliver(call(99))).toThrow("does not have");
    deliver(call(1));
    expect(() => deliver(call(1))).toThrow("while it is being answered");
  });

  it("answers one thing at a time for a plugin, whichever of its turns asks", () => {
    const { deliver, run } = connect();
    run();
    deliver(call(1));
    expect(() => deliver(call(2))).toThrow("while it is being answered");
    deliver(done(1));
    deliver(call(2));
  });

  it("holds what a cell sends to the plugin's limits itself", async () => {
    const { deliver, answerWith, outcomes } = connect();
    answerWith(async () => new Uint8Array(0));
    expect(() => deliver(call(1, [new Uint8Array(10_000)]))).toThrow("arguments of 10000 bytes");
    for (let calls = 0; calls < LIMITS.hostCalls - 1; calls += 1) {
      deliver(call(1));
      await settle();
    }
    expect(() => deliver(call(1))).toThrow("more than 3 times");
    expect(() => deliver(done(1, 1_001))).toThrow("an output of 1001 bytes");
    expect(outcomes).toEqual([]);
  });

  it("cannot be answered before it asks, since its ids cannot be guessed", () => {
    const { client, sent } = connect();
    for (let i = 0; i < 100; i += 1) void client.ping().catch(() => {});
    const ids = sent.filter(({ kind }) => kind === "ping").map(({ id }) => id);
    expect(new Set(ids).size).toBe(100);
    const steps = new Set(ids.slice(1).map((id, i) => id - (ids[i] ?? 0)));
    expect(steps.size).toBeGreaterThan(90);
  });

  it("refuses texts, counts and usage that no cell of ours sends", () => {
    const frame = (message: FromCell): FrameReader => {
      const writer = new FrameWriter();
      writeFromCell(writer, message);
      return new FrameReader(writer.take());
    };
    const failed = (message: string, detail: string): FromCell => ({
      kind: "ended",
      id: 1,
      outcome: { ok: false, error: { code: "plugin-failed", message, detail }, usage: NO_USAGE },
    });
    const read = readFromCell(frame(failed("x".repeat(100_000), "y".repeat(100_000))));
    expect(JSON.stringify(read).length).toBeLessThan(30_000);
    const forged = new FrameWriter();
    forged.frame(() => {
      forged.u8(2);
      forged.u32(1);
      forged.u32(1);
      forged.text("x".repeat(100_000));
      forged.u8(0);
    });
    expect(() => readFromCell(new FrameReader(forged.take()))).toThrow("a text of 100000 bytes");
    const stacks = (count: number, stack = "f") =>
      frame({ kind: "profiled", id: 1, stacks: Array.from({ length: count }, () => ({ stack, fuel: 1 })) });
    expect(readFromCell(stacks(5_000))).toMatchObject({ kind: "profiled" });
    expect(() => readFromCell(stacks(5_001))).toThrow("a cell tells of 5001 stacks; the limit is 5000");
    expect(() => readFromCell(stacks(1, "x".repeat(20_000)))).toThrow("a text of 20000 bytes");
    for (const fuel of [Number.NaN, -1, Number.POSITIVE_INFINITY])
      expect(() =>
        readFromCell(frame({ kind: "ended", id: 1, outcome: { ok: true, output: new Uint8Array(0), usage: { ...NO_USAGE, fuel } } })),
      ).toThrow("what nothing can use");
  });
});
