// The ports of a core host for tests: the real block codec and resources, and no HTTP.

import type { HostPorts } from "../../host/core/host.ts";
import { blockCodec } from "../../host/engine/guest/blocks.ts";
import { compileResource } from "../../host/manifest/resources.ts";

export const PERMISSION_PORTS: HostPorts["permissions"] = { compile: compileResource, onCheck: () => {} };

export function hostPorts(ports: Pick<HostPorts, "clock" | "log"> & Partial<HostPorts>): HostPorts {
  return {
    blocks: blockCodec,
    permissions: PERMISSION_PORTS,
    hostMsPerSecond: 1_000,
    ...ports,
  };
}
