// A plugin that keeps failing: paused, paused longer, quarantined over restarts of the host, released.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HostDatabase, openHostDatabase } from "../../host/admin/database.ts";
import { QuarantineStore } from "../../host/admin/quarantine.ts";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { Cell, Turn } from "../../host/core/ports/cell.ts";
import type { Guard } from "../../host/core/ports/policy.ts";
import { startTrace } from "../../host/core/trace.ts";
import { NO_USAGE } from "../../host/core/types.ts";
import { Containment } from "../../host/lifecycle/containment.ts";
import { startAll } from "../../host/lifecycle/start-order.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { definition } from "../support/scripted-cell.ts";

const OPTIONS = { pauseAfter: 3, quarantineAfter: 5, windowMs: 60_000, pauseMs: 1_000, maxPauseMs: 60_000 };

/** Traps whenever `broken` says so. */
function fragileCell(isBroken: () => boolean): Cell {
  return {
    ended: new Promise(() => {}),
    load: async () => {},
    run: (turn: Turn) =>
      queueMicrotask(() =>
        turn.end(
          isBroken()
            ? { ok: false, error: { code: "plugin-failed", message: "it trapped" }, usage: NO_USAGE, broken: true }
            : { ok: true, output: new Uint8Array(0), usage: NO_USAGE },
        ),
      ),
    unload: async () => {},
    async [Symbol.asyncDispose]() {},
  };
}

describe("containment", () => {
  let folder: TemporaryFolder;
  let database: HostDatabase;
  let clock: FakeClock;
  let broken: boolean;
  const open: Containment[] = [];

  beforeEach(() => {
    folder = temporaryFolder();
    database = openHostDatabase(folder.path);
    clock = fakeClock();
    broken = true;
  });
  afterEach(() => {
    for (const containment of open.splice(0)) containment.close();
    database.close();
    folder.remove();
  });

  const boot = async (entryPoints: Record<string, () => undefined> = {}, guards: readonly Guard[] = []) => {
    const log = memoryLog();
    const host = new Host(hostPorts({ clock, log, guards }));
    const cell = fragileCell(() => broken);
    host.add(definition("p", { run: () => undefined, ...entryPoints }, { services: [{ name: "p.run", entryPoint: "run" }] }), cell);
    const quarantine = new QuarantineStore(database.connection);
    const containment = new Containment({ host, clock, log, quarantine, start: (name) => host.start(name), options: () => OPTIONS });
    open.push(containment);
    await containment.restore();
    await startAll(host, log);
    const call = async (): Promise<string> => {
      await clock.advance(50);
      const call = { service: "p.run", payload: new Uint8Array(0), caller: { kind: "host", name: "test" } as const };
      return host.services.call({ ...call, traceparent: startTrace() }).then(
        () => "ok",
        (error) => error.code,
      );
    };
    return { host, log, quarantine, call, plugin: host.plugin("p") };
  };

  it("leaves a plugin alone that fails now and then", async () => {
    const { call, plugin } = await boot();
    for (let i = 0; i < 10; i += 1) {
      expect(await call()).toBe("plugin-failed");
      await clock.advance(31_000);
    }
    expect(plugin?.state).toBe("running");
  });

  it("refuses callers at once while it pauses, and serves them again afterwards", async () => {
    const { call, plugin } = await boot();
    for (let i = 0; i < 3; i += 1) expect(await call()).toBe("plugin-failed");
    expect(plugin?.state).toBe("failed");
    expect(await call()).toBe("plugin-not-running");
    broken = false;
    await clock.advance(1_000);
    expect(plugin?.state).toBe("running");
    expect(plugin?.failure).toBeUndefined();
    expect(await call()).toBe("ok");
  });

  it("counts and pauses by the time that passes, whatever becomes of the clock", async () => {
    const { call, plugin } = await boot();
    for (let i = 0; i < 3; i += 1) {
      clock.set((i % 2 === 0 ? 1 : -1) * 48 * 3_600_000);
      expect(await call()).toBe("plugin-failed");
    }
    expect(plugin?.state).toBe("failed");
    clock.set(240 * 3_600_000);
    expect(await call()).toBe("plugin-not-running");
    clock.set(-480 * 3_600_000);
    broken = false;
    await clock.advance(1_000);
    expect(plugin?.state).toBe("running");
    expect(await call()).toBe("ok");
  });

  it("leaves a plugin stopped that an operator stops while it pauses", async () => {
    const { call, plugin } = await boot();
    for (let i = 0; i < 3; i += 1) await call();
    expect(plugin?.state).toBe("failed");
    await plugin?.stop(0);
    await clock.advance(60_000);
    expect(plugin?.state).toBe("stopped");
  });

  it("quarantines although a guard refuses the event that tells of it", async () => {
    const refuse = (): void => {
      throw new HostError("permission-denied", "not on my watch");
    };
    const { call, plugin, log } = await boot({}, [{ publish: refuse }]);
    for (let i = 0; i < 5; i += 1) {
      await call();
      if (i >= 2) await clock.advance(4_000);
    }
    expect(plugin?.state).toBe("quarantined");
    expect(log.lines.map(({ message }) => message)).toContain("the quarantine of p is not published");
  });

  it("quarantines with an event and a log line, keeps it over a restart of the host, and releases", async () => {
    const first = await boot();
    const events: string[] = [];
    first.host.events.subscribe("host.*", ({ type, source, data }) => events.push(`${source} ${type} ${new TextDecoder().decode(data)}`));
    for (let i = 0; i < 5; i += 1) {
      expect(await first.call()).toBe("plugin-failed");
      if (i >= 2) await clock.advance(4_000);
    }
    expect(first.plugin?.state).toBe("quarantined");
    expect(first.plugin?.failure?.message).toContain("bulkhead release p");
    expect(events).toEqual([expect.stringMatching(/^\/host host\.plugin-quarantined \{"plugin":"p","failures":5,/)]);
    expect(first.log.lines.some(({ level, message }) => level === "error" && message.includes("is quarantined"))).toBe(true);
    await clock.advance(120_000);
    expect(first.plugin?.state).toBe("quarantined");

    const second = await boot();
    expect(second.plugin?.state).toBe("quarantined");
    expect(await second.call()).toBe("plugin-not-running");
    broken = false;
    expect(second.quarantine.release("p")).toBe(true);
    await eventually("the release", () => second.plugin?.state === "running");
    expect(await second.call()).toBe("ok");
    expect(second.quarantine.release("p")).toBe(false);
  });

  it("tries a plugin again that could not start, and quarantines one that never can", async () => {
    const { plugin } = await boot({ on_load: () => undefined });
    expect(plugin?.state).toBe("failed");
    await clock.advance(60_000);
    expect(plugin?.state).toBe("quarantined");
  });

  it("quarantines a plugin although that cannot be written, and says what that means", async () => {
    const { host, log, call } = await boot();
    database.connection.pragma("query_only = ON");
    for (let i = 0; i < 100; i += 1) await call();
    expect(host.plugin("p")?.state).toBe("quarantined");
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: "error", about: "p", message: "the quarantine of p cannot be kept over a restart" }),
    );
  });
});
