// What the SDK for Python does beside the counter: it ends turns that were cancelled, and finds its host again.

import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { RemoteWorld } from "../remote/world.ts";
import { describeWithTool, GRPC_PYTHON } from "../support/client-tools.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";

const SDK = fileURLToPath(new URL("../../plugin-sdk/remote-python/src", import.meta.url));
const PROGRAM = `
import sys
import time
from bulkhead_remote import HostError, Refusal, Request, connect, current_turn, service, storage

seen = []

@service("slow")
def slow(request: Request) -> str:
    turn = current_turn()
    turn.is_over.wait(10)
    try:
        storage.set("late", b"1")
    except HostError as refused:
        seen.append(refused.code)
    return "late"

@service("look")
def look(request: Request) -> str:
    if request.text() == "no":
        raise Refusal("forbidden", "not this")
    return ",".join(seen) + f" {storage.get('late')}"

connect(sys.argv[1])
`;

describeWithTool(GRPC_PYTHON, "bulkhead_remote for Python", () => {
  let child: ChildProcess | undefined;
  afterEach(() => void child?.kill());

  it("ends turns that were cancelled, says no, and finds a host again that was restarted", async () => {
    const services = { "meter.slow": { entryPoint: "slow" }, "meter.look": { entryPoint: "look" } };
    const configuration = { remotePlugins: { port: await freePort() } };
    await using world = await RemoteWorld.start({ manifest: { services }, configuration, settings: { limits: { deadlineMs: 2_000 } } });
    const program = join(world.folder, "plugin.py");
    writeFileSync(program, PROGRAM);
    const env = { ...process.env, PYTHONPATH: SDK, BULKHEAD_REMOTE: world.address, BULKHEAD_REMOTE_TOKEN: world.token };
    child = spawn(GRPC_PYTHON, [program, world.manifest], { env, stdio: "ignore" });
    await world.running();
    await expect(world.call("meter.slow")).rejects.toMatchObject({ code: "deadline-exceeded" });
    // Its thread wakes a moment later.
    await eventually(
      "what it asked late was refused",
      async () => (await world.call("meter.look")) === "plugin-not-running None" || undefined,
    );
    await expect(world.call("meter.look", "no")).rejects.toMatchObject({ code: "refused", reason: "forbidden", message: "not this" });
    await world.stopHost();
    await world.boot();
    await world.running();
    expect(await world.call("meter.look")).toBe("plugin-not-running None");
  });
});
