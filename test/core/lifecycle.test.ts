// What a plugin's life does to a cell that takes its time.

import { describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { startTrace } from "../../host/core/trace.ts";
import { fakeClock, settle } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, scriptedCell } from "../support/scripted-cell.ts";

const SCRIPT = { run: () => undefined };

/** Refuses to load what it has not unloaded, which takes until `release`. */
function slowCell(): { readonly cell: Cell; release(): void } {
  const inner = scriptedCell({ p: SCRIPT });
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    release: resolve,
    cell: {
      ...inner,
      async load(image) {
        if (inner.loaded.has(image.name)) throw new HostError("conflict", `${image.name} is loaded in this cell already`);
        await inner.load(image);
      },
      async unload(plugin) {
        await promise;
        await inner.unload(plugin);
      },
    },
  };
}

describe("a plugin that has failed", () => {
  it("is started again, and has settled, only when nothing of it is loaded any more", async () => {
    const clock = fakeClock();
    const host = new Host(hostPorts({ clock, log: memoryLog() }));
    const { cell, release } = slowCell();
    const plugin = host.add(definition("p", SCRIPT), cell);
    await host.start("p");
    const failing = plugin.fail(new HostError("plugin-failed", "a test"));
    let settled = false;
    void plugin.settled().then(() => {
      settled = true;
    });
    const started = host.start("p");
    await settle();
    expect(settled).toBe(false);
    release();
    await Promise.all([failing, started]);
    expect(plugin.state).toBe("running");
  });
});

describe("a plugin that is starting", () => {
  it("gets what it publishes meanwhile once it runs, and nobody's calls before", async () => {
    const clock = fakeClock();
    const host = new Host(hostPorts({ clock, log: memoryLog() }));
    const done: string[] = [];
    const calling: Promise<unknown>[] = [];
    const script = {
      async on_start() {
        host.publish(
          { type: "p.ready", source: "/plugins/p", contentType: "text/plain", data: new Uint8Array(0), traceparent: startTrace() },
          { kind: "plugin", name: "p" },
        );
        const call = {
          service: "p.run",
          payload: new Uint8Array(0),
          caller: { kind: "host", name: "test" },
          traceparent: startTrace(),
        } as const;
        calling.push(host.services.call(call).catch((thrown: HostError) => thrown.code));
        await settle();
        done.push("on_start");
        return undefined;
      },
      on_ready() {
        done.push("on_ready");
        return undefined;
      },
    };
    const grants = [{ permission: "events.subscribe", resource: "p.ready" }];
    const subscribed = {
      subscriptions: [{ type: "p.ready", entryPoint: "on_ready" }],
      services: [{ name: "p.run", entryPoint: "on_ready" }],
      permissions: grants.map((grant) => ({ ...grant, reason: "to hear" })),
      grants,
    };
    host.add(definition("p", script, subscribed), scriptedCell({ p: script }));
    await host.start("p");
    await settle();
    expect(done).toEqual(["on_start", "on_ready"]);
    expect(await Promise.all(calling)).toEqual(["plugin-not-running"]);
  });

  it("gets nothing of it when it does not start", async () => {
    const clock = fakeClock();
    const host = new Host(hostPorts({ clock, log: memoryLog() }));
    const done: string[] = [];
    const script = {
      on_start() {
        host.publish(
          { type: "p.ready", source: "/plugins/p", contentType: "text/plain", data: new Uint8Array(0), traceparent: startTrace() },
          { kind: "plugin", name: "p" },
        );
        throw new HostError("plugin-failed", "a test");
      },
      on_ready() {
        done.push("on_ready");
        return undefined;
      },
    };
    const grants = [{ permission: "events.subscribe", resource: "p.ready" }];
    const rest = {
      subscriptions: [{ type: "p.ready", entryPoint: "on_ready" }],
      permissions: grants.map((grant) => ({ ...grant, reason: "" })),
      grants,
    };
    host.add(definition("p", script, rest), scriptedCell({ p: script }));
    await host.start("p");
    await settle();
    expect([host.plugin("p")?.state, done]).toEqual(["failed", []]);
    expect(host.plugin("p")?.queued).toBe(0);
  });
});

describe("a plugin that sleeps when it is idle", () => {
  it("does so by the time that passes, whatever becomes of the clock", async () => {
    const clock = fakeClock();
    const host = new Host(hostPorts({ clock, log: memoryLog() }));
    const cell = scriptedCell({ p: SCRIPT });
    const plugin = host.add(definition("p", SCRIPT, { idleMs: 3_600_000 }), cell);
    const enter = async (): Promise<boolean> => {
      const deadline = clock.monotonicMs() + 5_000;
      const context = {
        caller: { kind: "host", name: "test" },
        traceparent: startTrace(),
        deadline,
        waiting: [],
        authorities: [],
      } as const;
      return (await plugin.enter("run", "", context)).ok;
    };
    await host.start("p");
    expect(await enter()).toBe(true);
    clock.set(48 * 3_600_000);
    await clock.advance(3_599_000);
    expect(cell.loaded.has("p")).toBe(true);
    clock.set(-96 * 3_600_000);
    await clock.advance(1_000);
    expect(cell.loaded.has("p")).toBe(false);
    expect(await enter()).toBe(true);
    expect(plugin.state).toBe("running");
  });
});

describe("a plugin whose turns are refused", () => {
  it("counts the turns that come by whoever hears of it", async () => {
    const clock = fakeClock();
    const host = new Host(hostPorts({ clock, log: memoryLog() }));
    let isBroken = true;
    const inner = scriptedCell({ p: SCRIPT });
    const cell: Cell = {
      ...inner,
      load: async (image) => (isBroken ? Promise.reject(new HostError("storage-failed", "a test")) : inner.load(image)),
    };
    const plugin = host.add(definition("p", SCRIPT, { idleMs: 1_000 }), cell);
    await host.start("p");
    const enter = () =>
      plugin.enter("run", "", {
        caller: { kind: "host", name: "test" },
        traceparent: startTrace(),
        deadline: clock.monotonicMs() + 5_000,
        waiting: [],
        authorities: [],
      });
    let next: ReturnType<typeof enter> | undefined;
    host.observe({
      turn() {
        isBroken = false;
        next ??= enter();
      },
    });
    expect((await enter()).ok).toBe(false);
    expect((await next)?.ok).toBe(true);
    expect(plugin.queued).toBe(0);
  });
});
