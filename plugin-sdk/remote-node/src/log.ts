// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them.

import { asking } from "./asking.ts";
import type { Shape } from "./blocks.ts";

const logLevel: Shape = { enum: ["debug", "info", "warning", "error"] };

export type Level = "debug" | "info" | "warning" | "error";

/**
 * Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so.
 */
export function write(level: Level, message: string): Promise<void> {
  return asking("log.write", [[logLevel, level], ["string", message]], "_");
}
