// The guest that does steps of cryptography, for tests.

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "../../scripts/build-plugins.ts";

const LOCKSMITH = fileURLToPath(new URL("../crypto/locksmith", import.meta.url));

/** What test/crypto/locksmith takes. */
export interface Step {
  readonly op: string;
  readonly [name: string]: unknown;
}

/** Puts the guest as the plugin `name` below `parent`, which asks to sign with these keys; answers its folder. */
export async function locksmith(parent: string, name: string, keys: readonly string[] = ["tokens"]): Promise<string> {
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  const { file } = await buildPlugin(LOCKSMITH);
  copyFileSync(file, join(folder, "plugin.wasm"));
  const manifest = {
    ...{ name, version: "1.0.0", api: "0.2", wasm: "plugin.wasm" },
    services: { [`${name}.run`]: { entryPoint: "run" } },
    permissions: keys.map((resource) => ({ permission: "keys.sign", resource, reason: "To sign tokens." })),
  };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(manifest));
  return folder;
}
