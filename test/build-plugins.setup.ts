// Builds the repository's plugins once before all tests.

import { readdirSync } from "node:fs";
import { buildPlugin } from "../scripts/build-plugins.ts";

export async function setup(): Promise<void> {
  const plugins = new URL("../plugins/", import.meta.url);
  for (const name of readdirSync(plugins)) await buildPlugin(new URL(name, plugins).pathname);
}
