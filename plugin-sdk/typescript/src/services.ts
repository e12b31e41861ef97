// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Request and reply between plugins. Which services a plugin provides stands in its manifest under `services`.

import * as host from "bulkhead:plugin/services@0.2.0";
import { asking } from "./host-error.ts";

export type CallerKind = "plugin" | "adapter" | "host";

export interface Caller {
  readonly kind: CallerKind;
  readonly name: string;
}

/**
 * Calls a service and waits for its answer. Needs the permission `services.call`. A plugin's own service is a call-loop.
 * The deadline is the earlier of `deadline-ms` from this call on and just before the end of the current turn's own.
 *
 * Fails with permission-denied, no-such-service, call-loop (the provider waits, directly or not, for this very
 * turn), queue-full, rate-limited (`retry-after-ms` says for how long), deadline-exceeded, refused (the provider says no;
 * `reason` says why), plugin-failed (the provider's own failure; `message` is what it said), plugin-not-running,
 * quota-exceeded (size).
 */
export function call(service: string, payload: Uint8Array, deadlineMs?: number | undefined): Uint8Array {
  return asking(() => host.call(service, payload, deadlineMs));
}

/**
 * Who asked for the current turn. Stamped by the host; nobody can forge it.
 */
export function currentCaller(): Caller {
  return host.currentCaller();
}
