// Whose services are tools is the operator's word, given to what he has read; and the command that speaks for a program on the same machine.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../host/admin/audit.ts";
import type { Plan } from "../../host/admin/installer.ts";
import { type Control, openControl } from "../../host/cli/control.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { bulkhead, COMMAND } from "../support/command.ts";
import { ERAS, mcpClient } from "../support/mcp.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

/** Answers what it was given, and the name of the principal who calls. */
const SOURCE = `(module
  (import "extism:host/user" "services_current_principal" (func $principal (result i64)))
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $set (param i64 i64)))
  (func $give (param $block i64) (result i32) (call $set (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func (export "echo") (result i32) (call $give (call $input)))
  (func (export "wipe") (result i32) (i32.const 0))
  (func (export "who") (result i32) (call $give (call $principal))))`;
const ECHO = { entryPoint: "echo", description: "Says it again.", input: { type: "object" } };
const WHO = { entryPoint: "who", description: "Who calls.", readOnly: true, produces: "text/plain" };
const SERVICES = { "lamp.echo": ECHO, "lamp.who": WHO };

let folder: TemporaryFolder;
let host: RunningHost;
let control: Control;
let log: MemoryLog;
const clients: Client[] = [];

const configured = (rest: object = {}): string => JSON.stringify({ adapters: { http: { port: 0, mcp: true } }, ...rest });
async function boot(rest: object = {}): Promise<void> {
  writeFileSync(join(folder.path, "bulkhead.json"), configured(rest));
  const configuration = parseConfiguration(configured(rest), join(folder.path, "bulkhead.json"));
  log = memoryLog();
  host = await createHost({ configuration, log });
  control = await openControl(configuration);
}
const version = (number: number, services: object = SERVICES): Promise<string> =>
  writePlugin(join(folder.path, `v${number}`), "lamp", SOURCE, { api: "0.2", version: `${number}.0.0`, services });
async function update(number: number, services: object): Promise<void> {
  const plan = await control.invoke<Plan & Record<string, unknown>>("plan", { spec: await version(number, services) });
  const { package: id, source, integrity, wasmSha256 } = plan;
  await control.invoke("update", { package: id, source, integrity, wasmSha256, grants: [], settings: {}, approved: true });
}
const run = (...args: readonly string[]) => bulkhead(args, { cwd: folder.path });
const kept = (client: Client): Client => {
  clients.push(client);
  return client;
};
const toolsOf = async (client: Client): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name).sort();

beforeEach(async () => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await control[Symbol.asyncDispose]();
  await host.stop();
  folder.remove();
});

describe("a plugin's services", () => {
  let client: Client;
  beforeEach(async () => {
    await boot();
    await host.install(await version(1));
    client = kept(mcpClient("2026-07-28"));
    await client.connect(new StreamableHTTPClientTransport(new URL(`${host.url}/mcp`)));
  });
  const states = async (): Promise<unknown> => JSON.parse((await run("mcp", "list", "--json")).stdout);

  it("are tools from when the operator has read and allowed them, until he denies it", async () => {
    expect(await toolsOf(client)).toEqual([]);
    const asked = await run("mcp", "allow", "lamp");
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining("say --yes") });
    for (const line of ["lamp.echo (changes something)", "  Says it again.", "lamp.who (only reads, answers text/plain)"])
      expect(asked.stdout).toContain(line);
    expect(await toolsOf(client)).toEqual([]);
    expect(await run("mcp", "allow", "lamp", "--yes")).toMatchObject({ code: 0, stderr: expect.stringContaining("are tools") });
    expect(await toolsOf(client)).toEqual(["lamp.echo", "lamp.who"]);
    expect((await client.callTool({ name: "lamp.echo", arguments: { a: 1 } })).structuredContent).toEqual({ a: 1 });
    expect(await states()).toMatchObject([{ plugin: "lamp", state: "allowed", services: ["lamp.echo", "lamp.who"] }]);
    expect(await run("mcp", "deny", "lamp")).toMatchObject({ code: 0 });
    expect(await toolsOf(client)).toEqual([]);
    await expect(client.callTool({ name: "lamp.echo" })).rejects.toThrow("Unknown tool");
    const actions = (await control.invoke<AuditEntry[]>("audit")).map(({ action, subject }) => `${action} ${subject}`);
    expect(actions).toEqual(expect.arrayContaining(["allow-tools lamp", "deny-tools lamp"]));
    expect(await run("mcp", "deny", "lamp")).toMatchObject({ code: 2 });
    expect(await run("mcp", "allow", "nobody", "--yes")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no plugin nobody"),
    });
  });

  it.each([
    [
      "a description",
      { ...SERVICES, "lamp.who": { ...WHO, description: "Who calls.\u202e\u200b Ignore\u001b[2J" } },
      "+   Who calls.\\u{202e}\\u{200b} Ignore\\u{1b}[2J",
    ],
    ["a schema", { ...SERVICES, "lamp.echo": { ...ECHO, input: { type: "object", required: ["x"] } } }, '+       "x"'],
    ["a hint", { ...SERVICES, "lamp.echo": { ...ECHO, readOnly: true } }, "+ lamp.echo (only reads)"],
    ["a name that is new", { ...SERVICES, "lamp.wipe": { entryPoint: "wipe" } }, "+ lamp.wipe (changes something)"],
    ["a name that is gone", { "lamp.echo": ECHO }, "- lamp.who (only reads, answers text/plain)"],
  ])("are withdrawn with an update that changes %s, and back once that is read as a diff", async (_what, services, line) => {
    await run("mcp", "allow", "lamp", "--yes");
    expect(await toolsOf(client)).toEqual(["lamp.echo", "lamp.who"]);
    const stale = await control.invoke<{ digest: string }>("read-tools", { plugin: "lamp" });
    await update(2, services);
    expect(await toolsOf(client)).toEqual([]);
    expect(await states()).toMatchObject([{ state: "changed" }]);
    expect(log.lines.filter(({ message }) => message.includes("they are no tools"))).toHaveLength(1);
    // What he has read is what he allows.
    await expect(control.invoke("allow-tools", { plugin: "lamp", digest: stale.digest })).rejects.toMatchObject({ code: "conflict" });
    const { stdout } = await run("mcp", "allow", "lamp", "--yes");
    expect(stdout.split("\n")).toContain(line);
    for (const hidden of ["\u202e", "\u200b", "\u001b"]) expect(stdout).not.toContain(hidden);
    expect(await toolsOf(client)).toEqual(Object.keys(services).sort());
  });

  it("stay tools over an update that says the same, a restart, and are none when it was removed and comes back", async () => {
    await run("mcp", "allow", "lamp", "--yes");
    await update(2, SERVICES);
    expect(await toolsOf(client)).toEqual(["lamp.echo", "lamp.who"]);
    await control[Symbol.asyncDispose]();
    await host.stop();
    await boot();
    const later = kept(mcpClient("2025-11-25"));
    await later.connect(new StreamableHTTPClientTransport(new URL(`${host.url}/mcp`)));
    expect(await toolsOf(later)).toEqual(["lamp.echo", "lamp.who"]);
    await control.invoke("uninstall", { plugin: "lamp", purge: false });
    await host.install(await version(3));
    expect(await toolsOf(later)).toEqual([]);
  });
});

describe.each(ERAS)("the command, for a client of %s", (era) => {
  const connect = async (env: Record<string, string> = {}): Promise<Client> => {
    const client = kept(mcpClient(era));
    const given = { ...process.env, ...env } as Record<string, string>;
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [COMMAND, "mcp"], cwd: folder.path, env: given }));
    return client;
  };
  beforeEach(async () => {
    await boot({ auth: { mode: "required" } });
    await host.install(await version(1));
    await run("mcp", "allow", "lamp", "--yes");
  });

  it("has a viewer's rights, not those of the socket that it opens", async () => {
    const client = await connect();
    expect(await toolsOf(client)).toEqual(["lamp.who"]);
    const { content } = await client.callTool({ name: "lamp.who" });
    const [one] = content as { readonly resource: { readonly blob: string } }[];
    expect(Buffer.from(one?.resource.blob ?? "", "base64").toString()).toContain("viewer");
    for (const name of ["lamp.echo", "list", "restart"]) await expect(client.callTool({ name })).rejects.toThrow("Unknown tool");
  });

  it("has a token's rights, ends with it, and is refused with what is none", async () => {
    const { token } = await control.invoke<{ token: string }>("create-token", {
      ...{ name: "model", roles: ["operator"], scopes: [{ permission: "services.call", resource: "lamp.echo" }] },
    });
    const client = await connect({ BULKHEAD_TOKEN: token });
    expect(await toolsOf(client)).toEqual(["lamp.echo"]);
    expect((await client.callTool({ name: "lamp.echo", arguments: { b: 2 } })).structuredContent).toEqual({ b: 2 });
    const ended = new Promise<void>((resolve) => {
      client.onclose = resolve;
    });
    await control.invoke("revoke-token", { name: "model" });
    await ended;
    const { code, stderr } = await bulkhead(["mcp"], { cwd: folder.path, env: { BULKHEAD_TOKEN: token } });
    expect([code, stderr]).toEqual([1, expect.stringContaining("permission-denied (unauthenticated)")]);
  });

  it("lists no more often than a principal may call", async () => {
    await control[Symbol.asyncDispose]();
    await host.stop();
    await boot({ auth: { mode: "required", limits: { callsPerSecond: 4 } } });
    const client = await connect();
    await expect(Promise.all(Array.from({ length: 20 }, () => client.listTools()))).rejects.toThrow("viewer calls too often");
  });

  it("ends when the host ends, which does not wait for it", async () => {
    const client = await connect();
    const ended = new Promise<void>((resolve) => {
      client.onclose = resolve;
    });
    await host.stop();
    await ended;
    expect(await run("mcp")).toMatchObject({ code: 1, stderr: expect.stringContaining("no host runs") });
  });

  it("tells of tools that come and go", async () => {
    const client = await connect();
    const told = new Promise<void>((resolve) => {
      client.setNotificationHandler("notifications/tools/list_changed", async () => resolve());
    });
    if (era === "2026-07-28") await client.listen({ toolsListChanged: true });
    await run("mcp", "deny", "lamp");
    await told;
    expect(await toolsOf(client)).toEqual([]);
  });
});
