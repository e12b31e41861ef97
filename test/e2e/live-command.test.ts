// The command on a running host: it calls services and hears events, kept or not, as the one who runs the host.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { bulkhead, COMMAND, type Ran } from "../support/command.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const DEVICES = fileURLToPath(new URL("../../plugins/devices", import.meta.url));

describe("the command on a running host", () => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  const run = (...args: readonly string[]): Promise<Ran> => bulkhead(args, { cwd: folder.path });

  beforeEach(async () => {
    folder = temporaryFolder();
    const text = JSON.stringify({ adapters: { http: false }, plugins: { devices: { path: DEVICES } } });
    writeFileSync(join(folder.path, "bulkhead.json"), text);
    mkdirSync(join(folder.path, "empty"));
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  });
  afterEach(async () => {
    await host.stop();
    folder.remove();
  });

  it("calls a service and prints its answer, bytes as they are", async () => {
    expect(await run("call", "devices.create", "--input", '{"id":"lamp-1","name":"Küche"}')).toMatchObject({ code: 0 });
    const { stdout } = await run("call", "devices.get", "--input", '{"id":"lamp-1"}');
    expect(JSON.parse(stdout)).toMatchObject({ id: "lamp-1", name: "Küche" });
    expect(await run("call", "devices.get", "--input", '{"id":"nope"}')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("nope"),
    });
    expect(await run("call", "devices.none")).toMatchObject({ code: 1, stderr: expect.stringContaining("nobody provides devices.none") });
    expect(await run("call", "devices")).toMatchObject({ code: 2, stderr: expect.stringContaining("a plugin and its export") });
    expect(await run("call", "devices.get", "--data", "empty")).toMatchObject({ code: 1, stderr: expect.stringContaining("no host runs") });
  });

  it("shows events as they come, of the types that are asked for, and says when it cannot", async () => {
    const child = spawn(process.execPath, [COMMAND, "events", "tail", "devices.state-changed", "--plugin", "devices", "--json"], {
      cwd: folder.path,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await host.call("devices.create", { id: "lamp-1" });
    // It may take a moment until it listens, so something happens until it has heard of it.
    let on = false;
    const beat = setInterval(() => {
      on = !on;
      void host.call(on ? "devices.turn-on" : "devices.turn-off", { id: "lamp-1" });
    }, 100);
    const { value } = await lines.next();
    clearInterval(beat);
    expect(JSON.parse(value as string)).toMatchObject({
      type: "devices.state-changed",
      source: "/plugins/devices",
      data: { id: "lamp-1" },
    });
    child.kill("SIGTERM");
    await once(child, "exit");
    expect(await run("events", "tail", "devices..x")).toMatchObject({ code: 2, stderr: expect.stringContaining("devices..x") });
  });
});
