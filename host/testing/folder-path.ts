// Paths as a test names them: a path, or an URL beside the test's own file.

import { fileURLToPath } from "node:url";

export function pathOf(folder: string | URL): string {
  return folder instanceof URL || folder.startsWith("file:") ? fileURLToPath(folder) : folder;
}
