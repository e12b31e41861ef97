// A plugin's request from its process through the host to a server: granted, denied, taken away on the way, and with a secret.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../host/admin/audit.ts";
import { type Control, openControl } from "../../host/cli/control.ts";
import { startTrace } from "../../host/core/trace.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

/** Passes its input to http.fetch and gives back what came, tag and all. */
const SOURCE = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "http_fetch" (func $fetch (param i64 i64) (result i64)))
  (memory 1)
  (func (export "fetch") (result i32) (local $block i64)
    (local.set $block (call $fetch (call $input) (call $alloc (i64.const 0))))
    (call $output (local.get $block) (call $length (local.get $block)))
    (i32.const 0)))`;
const SECRET = "sk-live-4711";

describe("a plugin's request", () => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  let control: Control;
  let port: number;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  const log = memoryLog();
  const server = createServer((request, response) => handle(request, response));

  const fetch = async (url: string, headers: object[] = []): Promise<{ ok: boolean; text: string }> => {
    const payload = new TextEncoder().encode(JSON.stringify({ method: "GET", url, headers }));
    const caller = { kind: "host", name: "test" } as const;
    const output = await host.core.services.call({ service: "asker.fetch", payload, caller, traceparent: startTrace() });
    return { ok: output[0] === 0, text: new TextDecoder().decode(output.subarray(1)) };
  };
  const grant = (permission: string, resource: string, operation = "grant"): Promise<unknown> =>
    control.invoke(operation, { plugin: "asker", permission, resource });

  beforeEach(async () => {
    folder = temporaryFolder();
    handle = (_request, response) => response.end("hello");
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
    const asks = [
      ["http.fetch", "http://127.0.0.1:*"],
      ["http.private", "127.0.0.0/8"],
      ["secrets.read", "TOKEN"],
    ].map(([permission, resource]) => ({ permission, resource, reason: "to test" }));
    const path = await writePlugin(folder.path, "asker", SOURCE, {
      services: { "asker.fetch": { entryPoint: "fetch" } },
      permissions: asks,
      limits: { deadlineMs: 5_000 },
    });
    const text = JSON.stringify({ adapters: { http: false }, drainMs: 200, plugins: { asker: { path } } });
    const configuration = parseConfiguration(text, join(folder.path, "bulkhead.json"));
    host = await createHost({ configuration, log });
    control = await openControl(configuration);
  });
  afterEach(async () => {
    await control[Symbol.asyncDispose]();
    await host.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  });

  it("needs both permissions, and each refusal names the command that grants it", async () => {
    const url = `http://127.0.0.1:${port}/v1`;
    const first = await fetch(url);
    expect(first.ok).toBe(false);
    expect(JSON.parse(first.text).message).toContain(`"bulkhead grant asker http.fetch 'GET ${url}'" allows it`);
    await grant("http.fetch", `GET ${url}`);
    expect(JSON.parse((await fetch(url)).text).message).toContain(`"bulkhead grant asker http.private '127.0.0.1'" allows it`);
    await grant("http.private", "127.0.0.1/32");
    const answer = await fetch(url);
    expect(answer.ok).toBe(true);
    expect(JSON.parse(answer.text)).toMatchObject({ status: 200, body: Buffer.from("hello").toString("base64") });
    expect((await fetch(`http://127.0.0.1:${port}/v2`)).ok).toBe(false);
  });

  it("ends when its grant is taken away on the way", async () => {
    await grant("http.fetch", `http://127.0.0.1:${port}`);
    await grant("http.private", "127.0.0.0/8");
    const arrived = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    handle = (request) => {
      request.on("close", () => closed.resolve());
      arrived.resolve();
    };
    const pending = fetch(`http://127.0.0.1:${port}/slow`);
    await arrived.promise;
    await grant("http.fetch", `http://127.0.0.1:${port}`, "revoke");
    const answer = await pending;
    expect(JSON.parse(answer.text)).toMatchObject({ code: "permission-denied" });
    await closed.promise;
  });

  it("carries a secret that neither plugin, log, audit nor list ever shows", async () => {
    const seen: (string | undefined)[] = [];
    handle = (request, response) => {
      seen.push(request.headers.authorization);
      response.end(`you said ${request.headers.authorization}`);
    };
    await control.invoke("set-secret", { name: "TOKEN", value: SECRET, to: [`http://127.0.0.1:${port}`] });
    await grant("http.fetch", `http://127.0.0.1:${port}`);
    await grant("http.private", "127.0.0.0/8");
    const headers = [{ name: "authorization", value: "Bearer {{secret:TOKEN}}" }];
    const url = `http://127.0.0.1:${port}/`;
    expect(JSON.parse((await fetch(url, headers)).text).message).toContain("secrets.read");
    await grant("secrets.read", "TOKEN");
    const answer = await fetch(url, headers);
    expect(seen).toEqual([`Bearer ${SECRET}`]);
    expect(Buffer.from(JSON.parse(answer.text).body, "base64").toString()).toBe(`you said Bearer ${"*".repeat(SECRET.length)}`);
    // A redirect that carries it to where the plugin may not go is written down as a refusal.
    handle = (_request, response) => response.writeHead(302, { location: `http://other.test/${SECRET}` }).end();
    const refused = await fetch(url, headers);
    expect(JSON.parse(refused.text).message).toContain(`GET http://other.test:80/${"*".repeat(SECRET.length)}`);
    const audit = await control.invoke<AuditEntry[]>("audit", {});
    expect(audit.map(({ action }) => action)).toContain("set-secret");
    for (const shown of [
      refused,
      audit,
      log.lines,
      await control.invoke("secrets"),
      await control.invoke("permissions", { plugin: "asker" }),
    ]) {
      expect(JSON.stringify(shown)).not.toContain(SECRET);
    }
    await control.invoke("remove-secret", { name: "TOKEN" });
    expect((await fetch(url, headers)).ok).toBe(false);
  });
});
