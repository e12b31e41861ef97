// Leases in memory and in SQLite: one contract, what a crash and a stopped process do to them, and the schedules of two hosts that share them.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leasesContract, type OpenedLeases } from "../../host/contracts/leases.ts";
import { HostError } from "../../host/core/errors.ts";
import type { Clock } from "../../host/core/ports/clock.ts";
import type { LeaseTable } from "../../host/drivers/leases/contention.ts";
import { leasesOn } from "../../host/drivers/leases/leases.ts";
import { memoryTable } from "../../host/drivers/leases/memory.ts";
import { sqlite, sqliteTable } from "../../host/drivers/leases/sqlite.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { eventually } from "../support/eventually.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

interface Tables {
  readonly one: LeaseTable;
  readonly other: LeaseTable;
  close(): void;
}

const OPEN: Readonly<Record<string, (now: () => number) => Tables>> = {
  memory: (now) => {
    const table = memoryTable({ monotonicMs: now });
    return { one: table, other: table, close() {} };
  },
  sqlite: (now) => {
    const file = join(folder.path, "leases.sqlite");
    const [one, other] = [sqliteTable(file, now), sqliteTable(file, now)];
    return {
      one,
      other,
      close() {
        one.close();
        other.close();
      },
    };
  },
};

for (const [name, tables] of Object.entries(OPEN)) {
  describe(`the contract of leases, by ${name}`, () => {
    const open = async ({ ttlMs }: { readonly ttlMs: number }): Promise<OpenedLeases> => {
      const clocks = { one: fakeClock(), other: fakeClock() };
      let [wallMs, isFrozen, isCut] = [0, false, false];
      const { one, other, close } = tables(() => clocks.other.monotonicMs());
      const reached = <T>(work: () => T): T => {
        if (isCut) throw new HostError("storage-failed", "cut off");
        return work();
      };
      const oneCut: LeaseTable = {
        take: (...asked) => reached(() => one.take(...asked)),
        release: (...asked) => reached(() => one.release(...asked)),
      };
      const leases = (table: LeaseTable, clock: Clock) =>
        leasesOn(table, { clock: { ...clock, now: () => clock.now() + wallMs }, log: memoryLog() }, { ttlMs });
      let behindMs = 0;
      return {
        one: leases(oneCut, clocks.one),
        other: leases(other, clocks.other),
        async pass(ms) {
          // In steps, so that both see each other's in between.
          for (let left = ms; left >= 0; left -= 500) {
            const step = Math.min(500, left);
            if (isFrozen) behindMs += step;
            else await clocks.one.advance(step);
            await clocks.other.advance(step);
          }
        },
        cutOff: (cut) => {
          isCut = cut;
        },
        freeze(frozen) {
          isFrozen = frozen;
          if (frozen) return;
          clocks.one.pass(behindMs);
          behindMs = 0;
        },
        setWallClock: (byMs) => {
          wallMs += byMs;
        },
        [Symbol.asyncDispose]: async () => close(),
      };
    };
    for (const { name: sentence, run } of leasesContract(open)) it(sentence, run);
  });
}

describe("leases in SQLite", () => {
  it("are a file that nobody else may read", async () => {
    await using _opened = await sqlite.open({ clock: fakeClock(), log: memoryLog(), dataDir: folder.path }, sqlite.options.parse({}));
    expect(statSync(join(folder.path, "leases.sqlite")).mode & 0o077).toBe(0);
  });

  it("free what was held before the machine started anew, whose clock began anew too", () => {
    const file = join(folder.path, "leases.sqlite");
    let now = 5_000_000;
    const table = sqliteTable(file, () => now);
    expect(table.take("a", "before", undefined, 10_000)).toBe(1);
    now = 100;
    expect(table.take("a", "after", undefined, 10_000)).toBe(2);
    expect(table.take("a", "before", 1, 10_000)).toBeUndefined();
    table.close();
  });

  it("say where the damage is", async () => {
    writeFileSync(join(folder.path, "leases.sqlite"), "this is no database, but it is long enough to have a header of one".repeat(4));
    const opening = { clock: fakeClock(), log: memoryLog(), dataDir: folder.path };
    await expect(sqlite.open(opening, sqlite.options.parse({}))).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringMatching(/leases\.sqlite is damaged/),
    });
  });

  it("go on after another process had the file for longer than this one waits, and tell it once", async () => {
    const file = join(folder.path, "leases.sqlite");
    const clock = fakeClock();
    const log = memoryLog();
    await using leases = await sqlite.open({ clock, log, dataDir: folder.path }, sqlite.options.parse({}));
    const held: number[] = [];
    await using _contention = leases.contend("a", async ({ epoch, lost }) => {
      held.push(epoch);
      await once(lost, "abort");
    });
    const blocker = new Database(file);
    blocker.exec("BEGIN EXCLUSIVE");
    await clock.advance(20_000);
    blocker.exec("ROLLBACK");
    blocker.close();
    await clock.advance(5_000);
    expect(held).toEqual([1, 2]);
    expect(log.lines.filter(({ message }) => message.includes("can be neither taken nor renewed"))).toHaveLength(1);
  });
});

interface Worker {
  readonly child: ChildProcess;
  readonly said: { readonly what: string; readonly epoch: number; readonly at: bigint }[];
}

function worker(file: string): Worker {
  const child = spawn(process.execPath, [join(import.meta.dirname, "../support/lease-worker.ts"), file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said: Worker["said"] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [what = "", epoch, at] = line.split(" ");
    // The last line of one that was killed may be cut.
    if (at !== undefined) said.push({ what, epoch: Number(epoch), at: BigInt(at) });
  });
  return { child, said };
}

describe("leases of several processes", () => {
  it("have one holder at a time, whoever is killed or stopped, and an epoch for each", { timeout: 240_000 }, async () => {
    const file = join(folder.path, "leases.sqlite");
    const all: Worker[] = [];
    const start = (): Worker => {
      const made = worker(file);
      all.push(made);
      return made;
    };
    const running = new Set([start(), start(), start()]);
    const epochsNow = (): number[] => all.flatMap(({ said }) => said.filter(({ what }) => what === "begin").map(({ epoch }) => epoch));
    const holder = (epoch: number): Worker | undefined => all.find(({ said }) => said.some((one) => one.epoch === epoch));
    try {
      for (let round = 1; round <= 8; round += 1) {
        await eventually("another holds", () => Math.max(0, ...epochsNow()) >= round || undefined);
        const holding = holder(Math.max(...epochsNow()));
        if (holding === undefined) continue;
        if (round % 3 === 0) {
          const before = Math.max(...epochsNow());
          holding.child.kill("SIGSTOP");
          await eventually("another holds", () => Math.max(...epochsNow()) > before || undefined);
          holding.child.kill("SIGCONT");
        } else {
          running.delete(holding);
          const ended = once(holding.child, "exit");
          holding.child.kill("SIGKILL");
          await ended;
          running.add(start());
        }
      }
    } finally {
      for (const { child } of all) child.kill("SIGKILL");
    }
    const begun = epochsNow();
    expect(begun.length).toBeGreaterThanOrEqual(8);
    expect(new Set(begun).size).toBe(begun.length);
    // Whoever heard that it holds was alone when it asked: nobody of an earlier epoch heard so after it.
    const deeds = all.flatMap(({ said }) => said).filter(({ what }) => what === "work");
    const inTime = deeds.toSorted((a, b) => Number(a.at - b.at)).map(({ epoch }) => epoch);
    expect(inTime).toEqual(inTime.toSorted((a, b) => a - b));
    expect(inTime.length).toBeGreaterThan(0);
  });
});

const TICKER = `(module
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (func (export "tick") (result i32) (i32.const 0)))`;

describe("the schedules of two hosts that share leases", () => {
  const boot = async (name: string): Promise<{ host: RunningHost; turns: () => number }> => {
    const home = join(folder.path, name);
    const log = memoryLog();
    await writePlugin(home, "p", TICKER, { api: "0.2", schedules: [{ name: "tick", entryPoint: "tick", every: "1s" }] });
    const text = JSON.stringify({
      adapters: { http: false },
      drivers: { leases: { driver: "sqlite", file: join(folder.path, "leases.sqlite"), ttlMs: 1_000 } },
      plugins: { p: { path: "p", isolation: "inline" } },
    });
    const host = await createHost({ configuration: parseConfiguration(text, join(home, "bulkhead.json")), log });
    let turns = 0;
    host.core.observe({
      turn({ caller }) {
        if (caller.name === "schedules") turns += 1;
      },
    });
    return { host, turns: () => turns };
  };

  it("enter the plugins of one, and of the other when that one ends", { timeout: 120_000 }, async () => {
    const first = await boot("first");
    const second = await boot("second");
    try {
      await eventually("the first enters its plugin", () => first.turns() >= 2 || undefined);
      expect(second.turns()).toBe(0);
      await first.host.stop();
      await eventually("the second enters its plugin", () => second.turns() >= 2 || undefined);
    } finally {
      await first.host.stop();
      await second.host.stop();
    }
  });

  it("say what an operator wrote wrong", async () => {
    const wrong = (leases: unknown) =>
      createHost({
        configuration: parseConfiguration(JSON.stringify({ adapters: { http: false }, drivers: { leases } }), join(folder.path, "b.json")),
        log: memoryLog(),
      });
    await expect(wrong({ driver: "sqlite", ttlMs: 10 })).rejects.toMatchObject({
      detail: expect.stringContaining("drivers.leases.ttlMs (10)"),
    });
    await expect(wrong({ driver: "sqlite", fil: "x" })).rejects.toMatchObject({ detail: expect.stringContaining("did you mean file?") });
  });
});
