// The gRPC door of a running host in the hands of another implementation, which knows nothing of it but what reflection tells.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { ROOT } from "../docs/markdown.ts";
import { describeWithTool, GRPC_PYTHON } from "../support/client-tools.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, temporaryFolder } from "../support/plugin-folders.ts";

describeWithTool(GRPC_PYTHON, "a Python client of gRPC", () => {
  it("finds the services by reflection, calls, is refused with a reason, and follows events", { timeout: 120_000 }, async () => {
    const folder = temporaryFolder();
    const plugins = Object.fromEntries(["devices", "hello"].map((name) => [name, { path: ownPlugin(name), grants: "all" }]));
    const text = JSON.stringify({ adapters: { http: false, "control-socket": false, grpc: { port: 0 } }, plugins });
    const host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
    try {
      const address = new URL(host.addresses.get("grpc") ?? "").host;
      const { stdout } = await promisify(execFile)(GRPC_PYTHON, [join(ROOT, "test/clients/grpc_client.py"), address], { timeout: 100_000 });
      expect(JSON.parse(stdout)).toEqual({
        services: ["bulkhead.v1.CallService", "bulkhead.v1.CatalogService", "bulkhead.v1.EventService"],
        listed: ["hello.greet"],
        greeting: { message: "Hello, Ada!" },
        event: ["devices.created", "/plugins/devices", "grpc-lamp"],
        refused: ["NOT_FOUND", "refused", "not-found"],
      });
    } finally {
      await host.stop();
      folder.remove();
    }
  });
});
