// Storage of plugins in SQLite, one file a plugin.

import type { StorageDriverModule } from "../../seams.ts";
import { openPluginStorage } from "./storage-sqlite.ts";

export const sqlite: StorageDriverModule = {
  keepsFiles: true,
  open: ({ dir, clock }, plugin) => openPluginStorage(dir, plugin, clock),
};
