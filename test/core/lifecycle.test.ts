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
