// The adapter of docs/adapters.md as a stranger would run it: written beside a configuration, named there, reached through its door.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adapterContract } from "../../host/contracts/adapter.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import type { Adapter } from "../../host/seams.ts";
import { testContext } from "../support/adapter-context.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { writePlugin } from "../support/plugin-folders.ts";
import { read } from "./markdown.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const [, hello = ""] = /```js hello\.mjs\n([\s\S]*?)```/.exec(read("docs/adapters.md")) ?? [];
const ECHO = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (func (export "echo") (result i32) (call $output (call $input) (call $length (call $input))) (i32.const 0)))`;

describe("docs/adapters.md", () => {
  let folder: string;
  let host: RunningHost;
  const log = memoryLog();

  beforeAll(async () => {
    // Below the checkout, where what the adapter imports is found.
    mkdirSync(join(root, ".cache"), { recursive: true });
    folder = mkdtempSync(join(root, ".cache", "adapter-"));
    writeFileSync(join(folder, "hello.mjs"), hello);
    await writePlugin(folder, "p", ECHO, { services: { "p.echo": { entryPoint: "echo" } } });
    const text = JSON.stringify({ adapters: { http: false, "./hello.mjs": {} }, plugins: { p: { path: "p", isolation: "inline" } } });
    host = await createHost({ configuration: parseConfiguration(text, join(folder, "bulkhead.json")), log });
  });
  afterAll(async () => {
    await host.stop();
    rmSync(folder, { recursive: true });
  });

  const ask = async (text: string): Promise<string> => {
    const socket = createSocket("udp4");
    try {
      const answered = once(socket, "message");
      socket.send(text, Number(new URL(host.addresses.get("hello") ?? "").port), "127.0.0.1");
      const [message] = await answered;
      return String(message);
    } finally {
      socket.close();
    }
  };

  it("has an adapter of some 25 lines that calls services and tells what refuses them", async () => {
    expect(hello.trim().split("\n").length).toBeLessThanOrEqual(26);
    expect(await ask('p.echo {"a":1}')).toBe('{"a":1}');
    expect(await ask("nobody.here")).toBe("no-such-service: nobody provides nobody.here");
  });

  it("has an adapter that keeps the contract of adapters", async () => {
    const { adapter } = (await import(pathToFileURL(join(folder, "hello.mjs")).href)) as { readonly adapter: Adapter };
    const context = () => testContext(new Host(hostPorts({ clock: systemClock, log })), { log, adapter: "hello" }).context;
    for (const { run } of adapterContract({ adapter, options: { port: 0 }, context })) await run();
  });

  it("names every member of the context", () => {
    const { context } = testContext(new Host(hostPorts({ clock: systemClock, log })), { log, adapter: "hello" });
    const page = read("docs/adapters.md");
    for (const member of Object.keys(context)) expect(page, member).toMatch(new RegExp(`\\| .*\`${member}[\`(]`));
  });
});
