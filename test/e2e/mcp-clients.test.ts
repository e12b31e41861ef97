// Tools of a running host in the hands of programs that others wrote: the inspector, by HTTP and by the command, and the official conformance suite.

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { ROOT } from "../docs/markdown.ts";
import { CLIENTS, describeWithTool } from "../support/client-tools.ts";
import { bulkhead, COMMAND } from "../support/command.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const INSPECTOR = join(CLIENTS, "@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js");
const CONFORMANCE = join(CLIENTS, "@modelcontextprotocol", "conformance", "dist", "index.js");
const BASELINE = join(ROOT, "test", "clients", "mcp-conformance.yml");

let folder: TemporaryFolder;
let host: RunningHost;
let url: string;
beforeAll(async () => {
  folder = temporaryFolder();
  const plugins = Object.fromEntries(["devices", "hello"].map((name) => [name, { path: ownPlugin(name), grants: "all" }]));
  const text = JSON.stringify({ adapters: { http: { port: 0, mcp: true } }, plugins });
  writeFileSync(join(folder.path, "bulkhead.json"), text);
  host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  url = `${host.url}/mcp`;
  for (const plugin of ["devices", "hello"]) await bulkhead(["mcp", "allow", plugin, "--yes"], { cwd: folder.path });
});
afterAll(async () => {
  await host.stop();
  folder.remove();
});

interface Said {
  readonly code: number;
  readonly stdout: string;
}

/** With no standard input, which the inspector would wait for. */
function run(...args: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    const options = { cwd: folder.path, maxBuffer: 64 * 1_024 * 1_024, timeout: 120_000 };
    const child = execFile(process.execPath, args, options, (failed, stdout) =>
      resolve({ code: failed === null ? 0 : Number(failed.code ?? -1), stdout }),
    );
    child.stdin?.end();
  });
}
const inspect = async (...args: readonly string[]): Promise<unknown> => JSON.parse((await run(INSPECTOR, "--cli", ...args)).stdout);

describeWithTool(INSPECTOR, "the MCP inspector", () => {
  it("lists and calls tools by HTTP", async () => {
    const at = [url, "--transport", "http", "--method"];
    const { tools } = (await inspect(...at, "tools/list")) as { readonly tools: readonly { readonly name: string }[] };
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["devices.list", "devices.turn-on", "hello.greet"]));
    expect(await inspect(...at, "tools/call", "--tool-name", "hello.greet", "--tool-arg", "name=Ada")).toMatchObject({
      structuredContent: { message: "Hello, Ada!" },
    });
  });

  it("has a viewer's tools by the command", async () => {
    const at = [process.execPath, COMMAND, "mcp", "--method"];
    const { tools } = (await inspect(...at, "tools/list")) as { readonly tools: readonly { readonly name: string }[] };
    expect(tools.map(({ name }) => name).sort()).toEqual(["devices.get", "devices.list"]);
    expect(await inspect(...at, "tools/call", "--tool-name", "devices.list")).toMatchObject({
      structuredContent: { devices: [], next: null },
    });
  });
});

describeWithTool(CONFORMANCE, "the MCP conformance suite", () => {
  it("finds what stands in its baseline, and nothing else", async () => {
    const { code, stdout } = await run(CONFORMANCE, "server", "--url", url, "--expected-failures", BASELINE);
    expect([code, stdout]).toEqual([0, expect.stringContaining("tools-list: 1 passed")]);
    expect(stdout).toContain("dns-rebinding-protection: 2 passed");
    expect((await run(CONFORMANCE, "server", "--url", url)).code).not.toBe(0);
  });
});
