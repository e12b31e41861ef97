// Builds once before all tests, where something is out of date: the repository's plugins, and dist/, from which the tests start commands and cells.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildPlugin, modifiedMs, newestOf, pluginFolders } from "../scripts/build-plugins.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export async function setup(): Promise<void> {
  // What servers belong to this run: test/support/servers.ts.
  process.env.BULKHEAD_TEST_RUN = String(process.pid);
  for (const folder of await pluginFolders()) await buildPlugin(folder);
  const sources = ["host", "tsconfig.json", "tsconfig.build.json"].map((name) => join(ROOT, name));
  if ((await newestOf(sources)) < (await modifiedMs(join(ROOT, "dist", "index.js")))) return;
  // The types are checked elsewhere.
  await promisify(execFile)(join(ROOT, "node_modules", ".bin", "tsc"), ["-p", "tsconfig.build.json", "--noCheck"], { cwd: ROOT });
}
