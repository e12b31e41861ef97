// Who may come in, as an operator sees it: the host that does not listen, and the token that lets one in.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bulkhead, COMMAND } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

/** Answers what the host says of who came by the door, as the host says it. */
const ANSWERS_WHO = `(module
  (import "extism:host/user" "services_current_principal" (func $principal (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $set (param i64 i64)))
  (func (export "who") (result i32)
    (local $block i64)
    (local.set $block (call $principal))
    (call $set (local.get $block) (call $length (local.get $block)))
    (i32.const 0)))`;

describe("who may come in", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  const write = (configuration: object): void => writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify(configuration));

  async function serving<T>(work: (url: string) => Promise<T>): Promise<T> {
    const child = spawn(process.execPath, [COMMAND, "serve"], { cwd: folder.path, stdio: ["ignore", "ignore", "pipe"] });
    try {
      let said = "";
      const url = await new Promise<string>((resolve, reject) => {
        child.stderr.on("data", (piece: Buffer) => {
          said += piece;
          const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
          if (found !== undefined) resolve(found);
        });
        child.once("exit", () => reject(new Error(said)));
      });
      return await work(url);
    } finally {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    }
  }

  it("is asked before the host listens beyond this machine, and told what to write", async () => {
    write({ adapters: { http: { host: "0.0.0.0", port: 0 } } });
    const { code, stderr } = await bulkhead(["serve"], { cwd: folder.path });
    expect(code).toBe(2);
    for (const line of [
      "the host does not listen on 0.0.0.0",
      '"auth": { "mode": "required" }',
      "bulkhead token create",
      '"host": "127.0.0.1"',
    ])
      expect(stderr).toContain(line);
  });

  it.each(["inline", "thread", "process"])("is told to the service, in a cell of kind %s", async (isolation) => {
    await writePlugin(folder.path, "door", ANSWERS_WHO, {
      api: "0.2",
      services: { "door.who": { entryPoint: "who" } },
      contributes: { http: { routes: [{ method: "GET", path: "/door/who", service: "door.who" }] } },
    });
    write({ auth: { mode: "required" }, adapters: { http: { port: 0 } }, plugins: { door: { path: "door", isolation } } });
    const { stdout } = await bulkhead(["token", "create", "ci", "--role", "operator"], { cwd: folder.path });
    await serving(async (url) => {
      const answer = await fetch(`${url}/door/who`, { headers: { authorization: `Bearer ${stdout.trim()}` } });
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringMatching(/token:ci$/)]);
    });
  });

  it("is a matter of tokens, made and revoked while the host runs or not", async () => {
    write({ auth: { mode: "required" }, adapters: { http: { port: 0 } } });
    const token = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await bulkhead(["token", ...args], { cwd: folder.path });
      expect([code, stderr], args.join(" ")).toEqual([0, expect.any(String)]);
      return stdout.trim();
    };
    const before = await token("create", "before", "--role", "viewer", "--expires", "1h");
    await serving(async (url) => {
      const ask = async (path: string, shown?: string, method = "GET", body?: string): Promise<number> => {
        const type = body === undefined ? {} : { "content-type": "application/json" };
        const headers = { ...type, ...(shown !== undefined && { authorization: `Bearer ${shown}` }) };
        return (await fetch(url + path, { method, headers, body: body ?? null })).status;
      };
      expect(await ask("/v1/plugins")).toBe(401);
      expect(await ask("/v1/plugins", before)).toBe(200);
      const admin = await token("create", "admin", "--role", "admin", "--scope", "host.operate:admin.list");
      const blocker = await token("create", "blocker", "--role", "admin");
      expect(await ask("/v1/admin/block", blocker, "POST", '{"plugin":"evil","range":"*","reason":"bad"}')).toBe(200);
      expect(await ask("/v1/admin/list", admin, "POST")).toBe(200);
      expect(await ask("/v1/admin/audit", admin, "POST")).toBe(403);
      expect(await token("list")).toMatch(/admin +│? *admin/);
      await token("revoke", "admin");
      expect(await ask("/v1/admin/list", admin, "POST")).toBe(401);
    });
    const audit = await bulkhead(["audit", "--json"], { cwd: folder.path });
    const entries = JSON.parse(audit.stdout) as { actor: string; action: string; detail: object }[];
    // What came by a door says by which, and from where; the command comes by none.
    expect(entries.find(({ action }) => action === "block")).toMatchObject({
      actor: "token:blocker",
      detail: { via: "http", address: "127.0.0.1" },
    });
    expect(entries.find(({ action }) => action === "create-token")?.detail).not.toHaveProperty("via");
    expect(audit.stdout).toContain("create-token");
    expect(audit.stdout).toContain("revoke-token");
    expect(audit.stdout).not.toContain(before.slice(-43));
    for (const [args, words] of [
      [["create", "x"], "name at least one role"],
      [["create", "x", "--role", "nobody"], "is no role; there are viewer, operator, admin"],
      [["create", "x", "--role", "viewer", "--scope", "lamps"], "is no scope"],
      [["create", "x", "--role", "viewer", "--expires", "soon"], "such as 30d, or never"],
      [["create", "before", "--role", "viewer"], "there is a token before already"],
      [["revoke", "nobody"], "there is no token nobody"],
    ] as const) {
      const { code, stderr } = await bulkhead(["token", ...args], { cwd: folder.path });
      expect([code > 0, stderr], args.join(" ")).toEqual([true, expect.stringContaining(words)]);
    }
  });
});
