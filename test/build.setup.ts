// Builds once before all tests, where something is out of date: the repository's plugins, and dist/, from which the tests start commands.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildPlugin, modifiedMs, newestOf, pluginFolders } from "../scripts/build-plugins.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const run = (command: string, args: readonly string[]): Promise<unknown> =>
  promisify(execFile)(join(ROOT, "node_modules", ".bin", command), args, { cwd: ROOT });

export async function setup(): Promise<void> {
  // What servers belong to this run: test/support/servers.ts.
  process.env.BULKHEAD_TEST_RUN = String(process.pid);
  for (const folder of await pluginFolders()) await buildPlugin(folder);
  const sources = ["host", "tsconfig.json", "tsconfig.build.json", "scripts/bundle-cell.ts"].map((name) => join(ROOT, name));
  if ((await newestOf(sources)) < (await modifiedMs(join(ROOT, "dist", "index.js")))) return;
  // The types are checked elsewhere.
  await run("tsc", ["-p", "tsconfig.build.json", "--noCheck"]);
  await run("node", ["scripts/bundle-cell.ts"]);
}
