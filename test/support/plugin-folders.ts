// Plugin folders on disk for tests: the repository's own, and small ones written in WebAssembly text.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { wat } from "./wat.ts";

export const ownPlugin = (name: string): string => fileURLToPath(new URL(`../../plugins/${name}`, import.meta.url));

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), "bulkhead-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes `<parent>/<name>` with a manifest and a compiled module, and returns the folder. */
export async function writePlugin(parent: string, name: string, source: string, manifest: object = {}): Promise<string> {
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "plugin.wasm"), await wat(source));
  writeFileSync(join(folder, "plugin.json"), JSON.stringify({ name, version: "1.0.0", api: "0.1", wasm: "plugin.wasm", ...manifest }));
  return folder;
}
