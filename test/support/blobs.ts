// Blobs for tests of what brings bodies into them and out of them, and the guest that does steps on its own.

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Blobs } from "../../host/capabilities/blobs/blobs.ts";
import { memoryBlobs } from "../../host/drivers/blobs/memory.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { buildPlugin } from "../../scripts/build-plugins.ts";

export const blobsInMemory = (): Blobs => new Blobs(memoryBlobs(), systemClock);

const SCRIBE = fileURLToPath(new URL("../blobs/scribe", import.meta.url));

/** What test/blobs/scribe takes. */
export interface Step {
  readonly op: string;
  readonly [name: string]: unknown;
}

/** Puts the guest as the plugin `name` below `parent`, and answers its folder. */
export async function scribe(parent: string, name: string, manifest: object = {}): Promise<string> {
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  const { file } = await buildPlugin(SCRIBE);
  copyFileSync(file, join(folder, "plugin.wasm"));
  const services = { [`${name}.run`]: { entryPoint: "run" } };
  const whole = { name, version: "1.0.0", api: "0.2", wasm: "plugin.wasm", services, ...manifest };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(whole));
  return folder;
}
