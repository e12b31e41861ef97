// A host that is killed while a plugin which hears durably is updated, rolled back, or updated in vain: what was accepted has its effect in the plugin's own
// storage in the end, also where an update that failed put an earlier copy of that back.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const WORKER = fileURLToPath(new URL("../support/update-worker.ts", import.meta.url));
const KILLS = 25;

// Stores each event under its own text. The third version does not start.
const keeper = (onStart: string): string => `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/user" "storage_set" (func $set (param i64 i64) (result i64)))
  (func (export "on_event") (result i32) (drop (call $set (call $input) (call $input))) (i32.const 0))
  ${onStart})`;
const MANIFEST = {
  api: "0.2",
  subscriptions: [{ type: "x.**", entryPoint: "on_event", durable: true, name: "all", from: "first" }],
  permissions: ["events.subscribe", "events.durable"].map((permission) => ({ permission, resource: "x.**", reason: "test" })),
};

async function run(folder: string, round: string, killAfterMs: number | undefined): Promise<string> {
  const worker = spawn(process.execPath, [WORKER, folder, round], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  worker.stdout.on("data", (text: Buffer) => {
    said += text.toString("utf8");
  });
  const exited = once(worker, "exit");
  await Promise.race([once(worker.stdout, "data"), exited]);
  if (killAfterMs !== undefined) {
    await delay(killAfterMs);
    worker.kill("SIGKILL");
  }
  const [code, signal] = await exited;
  expect([code, signal]).toEqual(killAfterMs === undefined ? [0, null] : [null, "SIGKILL"]);
  return said;
}

it(`loses no event over ${KILLS} kills amid updates and rollbacks`, async () => {
  const folder = temporaryFolder();
  try {
    for (const [version, onStart] of [
      [1, ""],
      [2, '(func (export "on_start") (result i32) (i32.const 0))'],
      [3, '(func (export "on_start") (result i32) (i32.const 1))'],
    ] as const)
      await writePlugin(join(folder.path, `v${version}`), "keeper", keeper(onStart), { ...MANIFEST, version: `${version}.0.0` });
    for (let round = 0; round < KILLS; round += 1) await run(folder.path, String(round), 20 + ((round * 7_919) % 600));
    expect(await run(folder.path, "drain", undefined)).toContain("dead 0");
    const accepted = readFileSync(join(folder.path, "accepted"), "utf8").split("\n").slice(0, -1);
    expect(accepted.length).toBeGreaterThan(KILLS * 10);
    const storage = new Database(join(folder.path, "data", "storage", "keeper.sqlite"), { readonly: true });
    const keys = storage.prepare<[], string>("SELECT key FROM entries").pluck().all();
    storage.close();
    const handled = new Set(keys.map((key) => (JSON.parse(String(key)) as { data: string }).data));
    expect(accepted.filter((data) => !handled.has(data))).toEqual([]);
  } finally {
    folder.remove();
  }
});
