// The shared state, kept in memory and in SQLite: one contract, and what only one of them does.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type OpenedState, type StateToOpen, stateDriverContract } from "../../host/contracts/state-driver.ts";
import type { StateDriver } from "../../host/core/ports/state.ts";
import { memory } from "../../host/drivers/state/memory.ts";
import { MIB } from "../../host/drivers/state/options.ts";
import { sqlite } from "../../host/drivers/state/sqlite.ts";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { SET } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const DRIVERS = { memory, sqlite };

for (const [name, module] of Object.entries(DRIVERS)) {
  describe(`the contract of state drivers, by ${name}`, () => {
    const open = async ({ maxBytes = MIB, maxKeys = 1_000 }: StateToOpen = {}): Promise<OpenedState> => {
      const clock = fakeClock();
      await using all = new AsyncDisposableStack();
      const openOnce = async (): Promise<StateDriver & AsyncDisposable> =>
        module.open({ clock, log: memoryLog(), dataDir: folder.path }, { maxMiB: maxBytes / MIB, maxKeys });
      const driver = all.use(await openOnce());
      const opened = all.move();
      return {
        driver,
        pass: (ms) => clock.advance(ms),
        reopen: name === "memory" ? undefined : async () => opened.use(await openOnce()),
        [Symbol.asyncDispose]: () => opened.disposeAsync(),
      };
    };
    for (const { name: sentence, run } of stateDriverContract(open)) it(sentence, run);
  });
}

describe("the state in SQLite", () => {
  const open = () => sqlite.open({ clock: fakeClock(), log: memoryLog(), dataDir: folder.path }, { maxMiB: 1, maxKeys: 100 });

  it("is a file that nobody else may read", async () => {
    await using driver = await open();
    await driver.set("a", utf8("x"), SET);
    for (const name of ["state.sqlite", "state.sqlite-wal"]) expect(statSync(join(folder.path, name)).mode & 0o077, name).toBe(0);
  });

  it("says where the damage is, and what to do", async () => {
    writeFileSync(join(folder.path, "state.sqlite"), "this is no database, but it is long enough to have a header of one".repeat(4));
    await expect(open()).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringMatching(/state\.sqlite is damaged; stop the host/),
    });
  });

  it("loses nothing that it acknowledged when its process is killed, wherever that was", { timeout: 120_000 }, async () => {
    const script = join(import.meta.dirname, "../support/state-writer.ts");
    for (let round = 0; round < 8; round += 1) {
      const child = spawn(process.execPath, [script, folder.path, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
      let said = "";
      const enough = 5 + 37 * round;
      await new Promise<void>((resolve) => {
        child.stdout.on("data", (chunk: Buffer) => {
          said += chunk;
          if (said.split("\n").length > enough) resolve();
        });
      });
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      // The last line may have been cut.
      const acknowledged = said.split("\n").slice(0, -1).map(Number);
      await using driver = await open();
      const found = Number(textOf((await driver.get(`round.${round}`))?.value ?? utf8("-1")));
      expect(found).toBeGreaterThanOrEqual(Math.max(...acknowledged));
    }
    expect(existsSync(join(folder.path, "state.sqlite"))).toBe(true);
  });
});

describe.each(Object.entries(DRIVERS))("the state by %s, while somebody sets the clock", (_name, module) => {
  it("loses what lives for a time when the clock is ahead, and nothing else", async () => {
    const clock = fakeClock();
    await using state = await module.open({ clock, log: memoryLog(), dataDir: folder.path }, { maxMiB: 1, maxKeys: 10 });
    await state.set("stays", utf8("1"), SET);
    await state.set("brief", utf8("1"), { ...SET, ttlMs: 3_600_000 });
    clock.set(-48 * 3_600_000);
    await clock.advance(3_600_000);
    expect(await state.get("brief")).toBeDefined();
    clock.set(96 * 3_600_000);
    expect(await state.get("brief")).toBeUndefined();
    await clock.advance(600_000);
    clock.set(-96 * 3_600_000);
    expect([await state.get("brief"), textOf((await state.get("stays"))?.value ?? utf8(""))]).toEqual([undefined, "1"]);
  });
});

describe("the state of a host", () => {
  const boot = (drivers: object) =>
    createHost({
      configuration: parseConfiguration(JSON.stringify({ adapters: { http: false }, drivers }), join(folder.path, "bulkhead.json")),
      log: memoryLog(),
    });
  const setAndStop = async (drivers: object): Promise<void> => {
    await using host = await boot(drivers);
    await host.core.state.set("a", utf8("kept"), SET);
  };
  const found = async (drivers: object): Promise<string> => {
    await using host = await boot(drivers);
    return textOf((await host.core.state.get("a"))?.value ?? utf8("nothing"));
  };

  it("is there again when it starts, unless it is kept in memory", async () => {
    await setAndStop({ state: "memory" });
    expect(await found({})).toBe("nothing");
    await setAndStop({});
    expect(await found({ state: { driver: "sqlite", maxKeys: 5 } })).toBe("kept");
    expect(await found({ state: "memory" })).toBe("nothing");
  });

  it("says what an operator wrote wrong", async () => {
    await expect(boot({ state: { maxKeys: 0 } })).rejects.toMatchObject({
      code: "invalid-message",
      detail: expect.stringContaining("drivers.state.maxKeys (0)"),
    });
    await expect(boot({ state: { maxKey: 1 } })).rejects.toMatchObject({ detail: expect.stringContaining("did you mean maxKeys?") });
    await expect(boot({ state: "./none.mjs" })).rejects.toMatchObject({ code: "invalid-message" });
  });
});
