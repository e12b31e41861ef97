// Builds the repository's plugins once before all tests.

import { buildPlugin, pluginFolders } from "../scripts/build-plugins.ts";

export async function setup(): Promise<void> {
  for (const folder of await pluginFolders()) await buildPlugin(folder);
}
