// Plugins that watch keys of the shared state are woken by what they may read, with the last word on each key.

import { describe, expect, it } from "vitest";
import { Host } from "../../host/core/host.ts";
import type { Grant, Limits, PluginDefinition } from "../../host/core/types.ts";
import { watchState } from "../../host/drivers/state/watches.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { type FakeClock, fakeClock, settle } from "../support/fake-clock.ts";
import { hostPorts, SET } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, scriptedCell, textOf, utf8 } from "../support/scripted-cell.ts";

const READS_LAMPS: readonly Grant[] = [{ permission: "state.read", resource: "lamps.*" }];

interface World {
  readonly host: Host;
  readonly clock: FakeClock;
  /** What the plugin heard, in order. */
  readonly heard: string[];
  readonly set: (key: string, value?: string) => void;
  /** Lets the turn end that the plugin is in. */
  readonly finish: () => Promise<void>;
}

async function watching({
  grants = READS_LAMPS,
  limits = {},
  waits = false,
}: {
  readonly grants?: readonly Grant[];
  readonly limits?: Partial<Limits>;
  readonly waits?: boolean;
} = {}): Promise<World> {
  const clock = fakeClock();
  const host = new Host(hostPorts({ clock, log: memoryLog() }));
  watchState(host, clock);
  const heard: string[] = [];
  const waiting: (() => void)[] = [];
  const on_state = async (input: Uint8Array): Promise<undefined> => {
    const { type, source, data } = JSON.parse(textOf(input));
    heard.push(`${type} ${source} ${data.key} ${data.deleted ? "gone" : data.revision}`.replace("host.state-changed /host/state ", ""));
    if (waits) await new Promise<void>((resolve) => waiting.push(resolve));
    return undefined;
  };
  const rest: Partial<PluginDefinition> = {
    watches: [{ keys: "lamps.*", entryPoint: "on_state" }],
    permissions: grants.map((grant) => ({ ...grant, reason: "to look" })),
    grants,
    limits: { ...DEFAULT_LIMITS, ...limits },
  };
  host.add(definition("watcher", { on_state }, rest), scriptedCell({ watcher: { on_state } }));
  await host.start("watcher");
  return {
    host,
    clock,
    heard,
    set: (key, value = "x") => void host.state.set(key, utf8(value), SET),
    async finish() {
      waiting.shift()?.();
      await settle();
      await settle();
    },
  };
}

describe("a plugin that watches keys", () => {
  it("hears of what is set, removed and ended, with key and revision, and of nothing else", async () => {
    const { host, clock, heard, set } = await watching();
    set("lamps.one");
    set("doors.one");
    await settle();
    host.state.set("lamps.two", utf8("x"), { ...SET, ttlMs: 1_000 });
    host.state.delete("lamps.one", undefined);
    await clock.advance(70_000);
    expect(heard).toEqual(["lamps.one 1", "lamps.two 3", "lamps.one gone", "lamps.two gone"]);
  });

  it("hears only of what it may read, also when that changes while a change waits", async () => {
    const none = await watching({ grants: [] });
    none.set("lamps.one");
    await settle();
    expect(none.heard).toEqual([]);
    const { host, heard, set, finish } = await watching({ waits: true });
    set("lamps.one");
    set("lamps.two");
    await settle();
    host.plugin("watcher")?.permissions.replaceGrants([]);
    await finish();
    expect(heard).toEqual(["lamps.one 1"]);
  });

  it("is in one turn at a time and misses values in between, never the last", async () => {
    const { heard, set, finish } = await watching({ waits: true });
    for (const value of ["1", "2", "3"]) set("lamps.one", value);
    set("lamps.two");
    await settle();
    expect(heard).toEqual(["lamps.one 1"]);
    for (let i = 0; i < 4; i += 1) await finish();
    expect(heard).toEqual(["lamps.one 1", "lamps.one 3", "lamps.two 4"]);
  });

  it("hears of it later when its queue is full", async () => {
    const { host, clock, heard, set, finish } = await watching({ waits: true, limits: { mailboxLength: 1 } });
    set("lamps.one");
    await settle();
    // Whoever else asks takes its one place.
    await finish();
    const context = {
      caller: { kind: "host", name: "test" } as const,
      traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01`,
      deadline: 60_000,
      waiting: [],
      authorities: [],
    };
    const other = host.plugin("watcher")?.enter("on_state", utf8('{"data":{"key":"other"}}'), context);
    set("lamps.two");
    await settle();
    expect(heard).toHaveLength(2);
    await finish();
    await other;
    await clock.advance(100);
    expect(heard.at(-1)).toBe("lamps.two 2");
  });

  it("hears nothing while it does not run, nor once it is gone", async () => {
    const { host, heard, set } = await watching();
    await host.plugin("watcher")?.stop(0);
    set("lamps.one");
    await host.start("watcher");
    set("lamps.two");
    await settle();
    expect(heard).toEqual(["lamps.two 2"]);
    await host.plugin("watcher")?.stop(0);
    host.remove("watcher");
    set("lamps.three");
    await settle();
    expect(heard).toHaveLength(1);
  });
});
