// The ports of a core host for tests: the real block codec and resources, and no HTTP.

import type { HostPorts } from "../../host/core/host.ts";
import type { StateWrite } from "../../host/core/ports/state.ts";
import { memoryState } from "../../host/drivers/state/memory.ts";
import { blockCodec } from "../../host/engine/guest/blocks.ts";
import { compileResource } from "../../host/manifest/resources.ts";

export const PERMISSION_PORTS: HostPorts["permissions"] = { compile: compileResource, onCheck: () => {} };

/** For a value that a test sets itself. */
export const SET: StateWrite = { owner: "test", expected: undefined, ttlMs: undefined, maxBytes: 1_000_000, maxKeys: 1_000 };

export function hostPorts(ports: Pick<HostPorts, "clock" | "log"> & Partial<HostPorts>): HostPorts {
  return {
    blocks: blockCodec,
    permissions: PERMISSION_PORTS,
    hostMsPerSecond: 1_000,
    state: memoryState(ports.clock),
    ...ports,
  };
}
