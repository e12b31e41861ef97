// A real plugin whose turns are transactions, in a whole host: what it stores and what it publishes are there together or not at all, whenever its cell dies.

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { cellsOf } from "../support/cells.ts";
import { bulkhead } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const KILLS = 8;
const CALLERS = 4;

describe("a plugin with transactions in a host", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
    cpSync(ownPlugin("devices"), join(folder.path, "devices"), { recursive: true });
    const file = join(folder.path, "devices", "plugin.json");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), transaction: "turn" }));
  });
  afterEach(() => folder.remove());

  const open = (plugin: object): Promise<RunningHost> => {
    const text = JSON.stringify({
      adapters: { http: false },
      events: { keep: ["devices.**"] },
      containment: { pauseAfter: 1_000, quarantineAfter: 1_000 },
      plugins: { devices: { path: "devices", grants: "all", ...plugin } },
    });
    const file = join(folder.path, "bulkhead.json");
    writeFileSync(file, text);
    return createHost({ configuration: parseConfiguration(text, file), log: memoryLog() });
  };
  const created = async (host: RunningHost): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { data } of host.events.history({ types: "devices.created" })) ids.push(JSON.parse(new TextDecoder().decode(data)).id);
    return ids.toSorted();
  };
  const stored = async (host: RunningHost): Promise<string[]> => {
    const { devices } = (await host.call("devices.list", { limit: 1_000 })) as { readonly devices: readonly { readonly id: string }[] };
    return devices.map(({ id }) => id).toSorted();
  };

  it.each([
    { storage: "sqlite", survives: true },
    { storage: "memory-remote", survives: false },
  ])(`has an event for each device that it stored with $storage, and none more, after ${KILLS} deaths of its cell`, async (kind) => {
    const { storage, survives } = kind;
    let made = 0;
    let isOver = false;
    const answered: string[] = [];
    const create = async (host: RunningHost): Promise<void> => {
      while (!isOver) {
        made += 1;
        const id = `lamp-${made}`;
        await host.call("devices.create", { id }).then(
          () => void answered.push(id),
          () => delay(10),
        );
      }
    };
    let host = await open({ isolation: "process", storage });
    try {
      const callers = Array.from({ length: CALLERS }, () => create(host));
      for (let kill = 0; kill < KILLS; kill += 1) {
        const before = answered.length;
        await eventually("it goes on", () => answered.length > before + 5 || undefined);
        await delay(kill);
        for (const pid of cellsOf(process.pid)) process.kill(pid, "SIGKILL");
      }
      isOver = true;
      await Promise.all(callers);
      if (survives) {
        await host.stop();
        host = await open({ isolation: "process", storage });
      }
      const ids = await stored(host);
      expect(
        await eventually("all are told", async () => ((await created(host)).length >= ids.length ? await created(host) : undefined)),
      ).toEqual(ids);
      expect(answered.filter((id) => !ids.includes(id))).toEqual([]);
    } finally {
      isOver = true;
      await host.stop();
    }
  });

  it.each(["sqlite", "memory-remote"])("leaves nothing of a turn that fails, and says so by info, with %s", async (storage) => {
    await using host = await open({ isolation: "inline", storage });
    await host.call("devices.create", { id: "lamp-1" });
    await expect(host.call("devices.create", { id: "lamp-1" })).rejects.toMatchObject({ code: "refused" });
    expect([await stored(host), await created(host)]).toEqual([["lamp-1"], ["lamp-1"]]);
    const { stdout } = await bulkhead(["info", "devices"], { cwd: folder.path });
    expect(stdout).toContain("each is a transaction");
  });
});
