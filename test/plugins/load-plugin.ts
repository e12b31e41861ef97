// Builds one of the repository's plugins if it is stale and gives its module, for fake hosts.

import { readFile } from "node:fs/promises";
import { buildPlugin } from "../../scripts/build-plugins.ts";

export async function loadPlugin(name: string): Promise<WebAssembly.Module> {
  const { file } = await buildPlugin(new URL(`../../plugins/${name}`, import.meta.url).pathname);
  return new WebAssembly.Module(await readFile(file));
}
