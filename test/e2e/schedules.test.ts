// A plugin that is woken by its manifest, in a host on the real clock, and goes on where it was after a restart; and in the test kit, whose clock a test moves.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openControl } from "../../host/cli/control.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { loadPlugin } from "../../host/testing/index.ts";
import { bulkhead } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

// Logs its input.
const TICKER = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (func (export "on_tick") (result i32) (call $log (call $input)) (i32.const 0)))`;

describe("a plugin with schedules", () => {
  let folder: TemporaryFolder;
  let plugin: string;
  beforeEach(async () => {
    folder = temporaryFolder();
    const schedules = [
      { name: "tick", entryPoint: "on_tick", every: "1s" },
      { name: "noon", entryPoint: "on_tick", cron: "0 12 * * *", timezone: "Europe/Berlin", missed: "once" },
    ];
    plugin = await writePlugin(folder.path, "ticker", TICKER, { api: "0.2", schedules });
  });
  afterEach(() => folder.remove());

  const text = (isolation: string): string =>
    JSON.stringify({ adapters: { http: false }, plugins: { ticker: { path: "ticker", isolation } } });
  const configuration = (isolation: string) => parseConfiguration(text(isolation), join(folder.path, "bulkhead.json"));

  it.each(["inline", "process"])("is entered when they come due, in a cell of kind %s, also after a restart", async (isolation) => {
    for (let boot = 0; boot < 2; boot += 1) {
      const log = memoryLog();
      const host: RunningHost = await createHost({ configuration: configuration(isolation), log });
      try {
        const ticks = await eventually("two ticks", () => {
          const found = log.lines.filter((line) => line.by === "guest").map(({ message }) => JSON.parse(message) as { name: string });
          return found.length >= 2 ? found : undefined;
        });
        expect(ticks.map(({ name }) => name)).not.toContain("noon");
        await using control = await openControl(configuration(isolation));
        const planned = await control.invoke<{ readonly name: string }[]>("schedules");
        expect(planned.map(({ name }) => name)).toEqual(["noon", "tick"]);
      } finally {
        await host.stop();
      }
    }
  });

  it("shows them, and says when nothing can come due", async () => {
    writeFileSync(join(folder.path, "bulkhead.json"), text("inline"));
    expect(await bulkhead(["schedules"], { cwd: folder.path })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no host runs, so nothing comes due"),
    });
    await using host = await createHost({ configuration: configuration("inline"), log: memoryLog() });
    const { stdout } = await bulkhead(["schedules", "ticker"], { cwd: folder.path });
    for (const word of ["0 12 * * * (Europe/Berlin)", "made up for", "every 1 s", "manifest"]) expect(stdout).toContain(word);
    expect(host.list()).toMatchObject([{ plugin: "ticker", state: "running" }]);
  });

  it("is moved by the test kit's clock", async () => {
    await using kit = await loadPlugin(plugin, { now: new Date("2026-01-01T10:59:58Z") });
    const names = (): string[] => kit.logged.map(({ message }) => (JSON.parse(message) as { name: string }).name);
    await kit.clock.advance(1_500);
    await eventually("the first tick", () => names().length === 1 || undefined);
    await kit.clock.advance(1_000);
    await eventually("all ticks", () => names().length === 3 || undefined);
    expect(names().sort()).toEqual(["noon", "tick", "tick"]);
  });
});
