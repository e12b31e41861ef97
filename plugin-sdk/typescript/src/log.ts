// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them.

import * as host from "bulkhead:plugin/log@0.2.0";
import { asking } from "./host-error.ts";

export type Level = "debug" | "info" | "warning" | "error";

/**
 * Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so.
 */
export function write(level: Level, message: string): void {
  asking(() => host.write(level, message));
}
