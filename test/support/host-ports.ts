// The ports of a core host for tests: the real block codec and resources, and no HTTP.

import { HostError } from "../../host/core/errors.ts";
import type { HostPorts } from "../../host/core/host.ts";
import { blockCodec } from "../../host/engine/guest/blocks.ts";
import { compileResource } from "../../host/install/resources.ts";

export const PERMISSION_PORTS: HostPorts["permissions"] = { compile: compileResource, onCheck: () => {} };

export function hostPorts(ports: Pick<HostPorts, "clock" | "log"> & Partial<HostPorts>): HostPorts {
  return {
    http: { fetch: () => Promise.reject(new HostError("internal", "this test has no HTTP")) },
    blocks: blockCodec,
    permissions: PERMISSION_PORTS,
    hostMsPerSecond: 1_000,
    ...ports,
  };
}
