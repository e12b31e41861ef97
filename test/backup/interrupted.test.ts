// A backup that is being made, or brought back, when everything ends or the disk is full: there is the whole of it or nothing, and the next try goes well.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { restoreBackup, verifyBackup } from "../../host/backup/restoring.ts";
import { openSqliteStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { backUp, fillFolder, inFolder } from "../support/backups.ts";
import { bulkhead, COMMAND } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { seeded } from "../support/killed-host.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { CAN_MOUNT, mountSmallDisk, unmountDisk } from "../support/small-disk.ts";

const MIB = 1_048_576;
const SEED = 20261129;
const KILLS = 5;

/** Data that cannot be packed. */
function storeMiB(dataDir: string, mib: number): void {
  const storage = openSqliteStorage({ dir: join(dataDir, "storage"), plugin: "door", maxBytes: 1e9, maxKeys: 1e6, clock: systemClock });
  for (let i = 0; i < mib; i += 1) storage.set(`key-${i}`, randomBytes(MIB - 100));
  storage.close();
}

/** Runs the command, and kills it with all that it has started after so long; answers how long it took. */
async function run(args: readonly string[], killAfterMs?: number): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: "ignore", detached: true });
  const exited = once(child, "exit");
  if (killAfterMs !== undefined) {
    await Promise.race([delay(killAfterMs), exited]);
    // Its group has its name.
    if (child.exitCode === null) process.kill(-(child.pid ?? 0), "SIGKILL");
  }
  const [code] = await exited;
  if (killAfterMs === undefined) expect(code).toBe(0);
  return performance.now() - begun;
}

describe("a backup that is interrupted", () => {
  let folder: TemporaryFolder;
  let data: string;
  beforeEach(async () => {
    folder = temporaryFolder();
    data = join(folder.path, "data");
    await fillFolder(data);
    storeMiB(data, 16);
  });
  afterEach(() => folder.remove());
  it(`is there whole or not at all, killed at ${KILLS} moments while it is made`, async () => {
    const random = seeded(SEED);
    const whole = await run(["backup", "create", join(folder.path, "first.backup"), "--data", data]);
    for (let i = 0; i < KILLS; i += 1) {
      const file = join(folder.path, `${i}.backup`);
      await run(["backup", "create", file, "--data", data], whole * (0.3 + 0.75 * random()));
      if (existsSync(file)) await verifyBackup(file, undefined);
      else expect(await bulkhead(["backup", "create", file, "--data", data])).toMatchObject({ code: 0 });
    }
  });

  it("leaves nothing where only who asked for it ends", async () => {
    const file = join(folder.path, "one.backup");
    const child = spawn(process.execPath, [COMMAND, "backup", "create", file, "--data", data], { stdio: "ignore" });
    const unfinished = (): string[] => readdirSync(folder.path).filter((name) => name.includes("unfinished"));
    await eventually("it has begun", () => unfinished().length > 0 || existsSync(file) || undefined);
    child.kill("SIGKILL");
    await eventually("it is given up", () => unfinished().length === 0 || undefined);
    if (existsSync(file)) await verifyBackup(file, undefined);
  });

  it(`leaves a whole host or none, killed at ${KILLS} moments while it is brought back`, async () => {
    const random = seeded(SEED);
    const file = join(folder.path, "one.backup");
    await backUp(data, file);
    const restore = (name: string): string[] => ["backup", "restore", file, "--data", join(folder.path, name), "--yes-to", "token:*"];
    const whole = await run(restore("first"));
    for (let i = 0; i < KILLS; i += 1) {
      const target = join(folder.path, `new-${i}`);
      await run(restore(`new-${i}`), whole * (0.3 + 0.75 * random()));
      if (!existsSync(target)) expect(await bulkhead(restore(`new-${i}`))).toMatchObject({ code: 0 });
      await inFolder(target, ({ audit, tokens }) => {
        expect(audit.verify()).toMatchObject({ ok: true });
        expect(audit.read().at(-1)).toMatchObject({ action: "restore-backup" });
        expect(tokens.list().map(({ name }) => name)).toEqual(["ci", "old"]);
      });
      expect(readdirSync(folder.path).filter((name) => name.endsWith(".restoring"))).toEqual([]);
      rmSync(target, { recursive: true });
    }
  });
});

// What has no right to mount has no small disk to fill.
if (CAN_MOUNT)
  describe("a backup on a disk that is full", () => {
    let folder: TemporaryFolder;
    let disk: string;
    beforeEach(async () => {
      folder = temporaryFolder();
      disk = join(folder.path, "disk");
      mkdirSync(disk);
      await fillFolder(join(folder.path, "data"));
      storeMiB(join(folder.path, "data"), 8);
    });
    afterEach(() => {
      unmountDisk(disk);
      folder.remove();
    });

    it.each([
      { when: "before it begins", mib: 4, says: /has 4 MiB left, and copies of/ },
      { when: "while it is packed", mib: 13, says: /the disk is full/ },
    ])("leaves nothing of itself, full $when", async ({ mib, says }) => {
      mountSmallDisk(disk, `${mib}m`);
      await expect(backUp(join(folder.path, "data"), join(disk, "one.backup"))).rejects.toMatchObject({
        code: "storage-failed",
        message: expect.stringMatching(says),
      });
      expect(readdirSync(disk)).toEqual([]);
    });

    it("brings nothing back where there is no room", async () => {
      mountSmallDisk(disk, "4m");
      const file = join(folder.path, "one.backup");
      await backUp(join(folder.path, "data"), file);
      const asked = { file, dataDir: join(disk, "new"), since: undefined, passphrase: undefined, actor: "user:test" as const };
      await expect(restoreBackup({ ...asked, choose: async () => new Set() })).rejects.toMatchObject({
        code: "storage-failed",
        message: expect.stringContaining("make room"),
      });
      expect(readdirSync(disk)).toEqual([]);
    });
  });
