// What holds for calls of the host's own code, whose limits nobody configures.

import type { Limits } from "../core/types.ts";

export const PROVIDER_LIMITS: Pick<Limits, "deadlineMs" | "callDepth"> = Object.freeze({ deadlineMs: 30_000, callDepth: 16 });
