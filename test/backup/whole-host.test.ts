// A host with process cells is backed up while it works, and comes back from that: what was acknowledged before is stored, or it is delivered.

import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../host/admin/audit.ts";
import type { MadeBackup } from "../../host/backup/creating.ts";
import { restoreBackup } from "../../host/backup/restoring.ts";
import { openControl } from "../../host/cli/control.ts";
import { type Configuration, createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { cellsOf } from "../support/cells.ts";
import { eventually } from "../support/eventually.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const CALLERS = 4;
const BACKUPS = 3;

// Logs its input.
const LISTENER = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (func (export "on_event") (result i32)
    (call $log (call $input))
    (i32.const 0)))`;
const asks = ["events.subscribe", "events.durable"].map((permission) => ({ permission, resource: "devices.**", reason: "to listen" }));
const LISTENING = {
  api: "0.2",
  permissions: asks,
  subscriptions: [{ type: "devices.created", entryPoint: "on_event", durable: true, name: "created" }],
};

describe("a host that is backed up while it works", () => {
  let folder: TemporaryFolder;
  beforeEach(async () => {
    folder = temporaryFolder();
    cpSync(ownPlugin("devices"), join(folder.path, "devices"), { recursive: true });
    const file = join(folder.path, "devices", "plugin.json");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), transaction: "turn" }));
    await writePlugin(folder.path, "listener", LISTENER, LISTENING);
  });
  afterEach(() => folder.remove());

  const configured = (dataDir: string): Configuration => {
    const isolation = "process";
    const text = JSON.stringify({
      dataDir,
      adapters: { http: false },
      plugins: { devices: { path: "devices", grants: "all", isolation }, listener: { path: "listener", grants: "all", isolation } },
    });
    const file = join(folder.path, "bulkhead.json");
    writeFileSync(file, text);
    return parseConfiguration(text, file);
  };
  const open = async (dataDir: string): Promise<{ host: RunningHost; log: MemoryLog }> => {
    const log = memoryLog();
    return { log, host: await createHost({ configuration: configured(dataDir), log }) };
  };
  const heardBy = (log: MemoryLog): string[] =>
    log.lines
      .filter(({ by }) => by === "guest")
      .flatMap(({ message }) => {
        const { data } = JSON.parse(message) as { readonly data?: { readonly id?: string } };
        return data?.id === undefined ? [] : [data.id];
      });
  const stored = async (host: RunningHost): Promise<string[]> => {
    const { devices } = (await host.call("devices.list", { limit: 1_000 })) as { readonly devices: readonly { readonly id: string }[] };
    return devices.map(({ id }) => id);
  };

  it("comes back with all that was acknowledged before, as another host", async () => {
    const { host, log } = await open("data");
    const backups: { readonly made: MadeBackup; readonly before: readonly string[]; readonly handled: readonly string[] }[] = [];
    try {
      expect(cellsOf(process.pid).length).toBeGreaterThanOrEqual(2);
      // Where the host is root its cells are other users, and so are their files.
      if (process.getuid?.() === 0) expect(statSync(join(folder.path, "data", "storage", "devices.sqlite")).uid).not.toBe(0);
      let made = 0;
      let isOver = false;
      const answered: string[] = [];
      const create = async (): Promise<void> => {
        while (!isOver) {
          made += 1;
          const id = `lamp-${made}`;
          await host.call("devices.create", { id });
          answered.push(id);
          await delay(3);
        }
      };
      const callers = Array.from({ length: CALLERS }, create);
      await using control = await openControl(configured("data"));
      expect(control.isLive).toBe(true);
      for (let i = 0; i < BACKUPS; i += 1) {
        const [count, file] = [answered.length, join(folder.path, `${i}.backup`)];
        await eventually("it works", () => answered.length > count + 10 || undefined);
        const [before, handled] = [[...answered], heardBy(log)];
        backups.push({
          before,
          handled,
          made: await control.invoke("create-backup", { file, configuration: join(folder.path, "bulkhead.json") }),
        });
        expect(answered.length).toBeGreaterThan(before.length);
      }
      isOver = true;
      await Promise.all(callers);
    } finally {
      await host.stop();
    }
    for (const [i, { made, before, handled }] of backups.entries()) {
      expect(statSync(made.file).mode & 0o777).toBe(0o600);
      const dataDir = join(folder.path, `restored-${i}`);
      const restored = await restoreBackup({
        ...{ file: made.file, dataDir, since: join(folder.path, "data"), passphrase: undefined, actor: "user:test" },
        choose: async () => new Set(),
      });
      expect(restored.host).not.toBe(made.host);
      expect(existsSync(join(dataDir, "configuration", "bulkhead.json"))).toBe(true);
      const again = await open(dataDir);
      try {
        const there = new Set(await stored(again.host));
        expect(before.filter((id) => !there.has(id))).toEqual([]);
        const kept = new Set<string>();
        for await (const { data } of again.host.events.history({ types: "devices.created" }))
          kept.add(JSON.parse(new TextDecoder().decode(data)).id);
        expect([...there].filter((id) => !kept.has(id))).toEqual([]);
        // What the first host handled before is handled; all else of what is stored is delivered now.
        const lacking = (): string[] => {
          const heard = new Set([...handled, ...heardBy(again.log)]);
          return [...there].filter((id) => !heard.has(id));
        };
        const waiting = (): number | undefined => again.host.events.statistics().consumers[0]?.waiting;
        await eventually("all is delivered", () => waiting() === 0 || undefined, 60_000);
        const later = heardBy(log);
        // Between the look at what was handled and the backup it handled some more, which count as acknowledged.
        expect(lacking().filter((id) => !later.includes(id))).toEqual([]);
      } finally {
        await again.host.stop();
      }
      await using control = await openControl(configured(dataDir));
      expect(await control.invoke("verify")).toMatchObject({ ok: true });
      const entries = await control.invoke<AuditEntry[]>("audit", {});
      expect(entries.find(({ action }) => action === "restore-backup")).toMatchObject({
        actor: "user:test",
        detail: { of: made.host, host: restored.host, withheld: [] },
      });
    }
  });
});
