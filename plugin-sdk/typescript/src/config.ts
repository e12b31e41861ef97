// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// What the operator configured for this plugin.

import * as host from "bulkhead:plugin/config@0.2.0";
import { asking } from "./host-error.ts";

/**
 * The value of one key: a string as it is, anything else as JSON text; none when it is not configured.
 */
export function get(key: string): string | undefined {
  return asking(() => host.get(key)) ?? undefined;
}
