import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ownPlugin, temporaryFolder } from "../support/plugin-folders.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

function demo(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, "scripts", "demo.ts"), ...args], { timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

describe("the demo", () => {
  it("prints the whole chain with one trace and what each turn cost", async () => {
    const { code, stdout } = await demo();
    expect(code, stdout).toBe(0);
    for (const step of [
      "POST /devices/lamp-1/turn-on",
      "event devices.state-changed",
      "log line: info",
      "turn on_event for events",
      "The chain is complete",
      "hello is failed; a device is created; 1 event waits for hello.",
      "hello is running again, and has heard of it: no event is lost.",
    ]) {
      expect(stdout).toContain(step);
    }
    expect(stdout).toMatch(/What each turn cost:[\s\S]*automation {2}on_event {2,}\d+ {2,}\d+ {2,}\d+ {2,}\d+/);
  });

  it("exits with 1 and names the steps when the chain is broken, here by a missing grant", async () => {
    const folder = temporaryFolder();
    const configuration = JSON.parse(readFileSync(join(ROOT, "bulkhead.json"), "utf8")) as {
      plugins: Record<string, { path: string; grants: unknown }>;
    };
    for (const [name, plugin] of Object.entries(configuration.plugins)) plugin.path = ownPlugin(name);
    configuration.plugins.automation = {
      path: ownPlugin("automation"),
      grants: [{ permission: "events.subscribe", resource: "devices.*" }],
    };
    const file = join(folder.path, "broken.json");
    writeFileSync(file, JSON.stringify(configuration));
    const { code, stdout, stderr } = await demo(file);
    folder.remove();
    expect(code, stdout).toBe(1);
    expect(stderr).toContain("The chain is broken; missing: log line, logger.log");
    expect(stderr).toContain("permission-denied");
  });
});
