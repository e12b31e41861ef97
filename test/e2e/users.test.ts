// Accounts, as an operator sees them at the command.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bulkhead, COMMAND, type Ran } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { CLIENT_ID, CLIENT_SECRET, logInAt, startIssuer } from "../support/issuer.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const PASSWORD = "correct horse battery";

describe("bulkhead user", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
    writeFileSync(join(folder.path, "bulkhead.json"), "{}");
  });
  afterEach(() => folder.remove());
  const user = (args: readonly string[], input?: string): Promise<Ran> =>
    bulkhead(["user", ...args], { cwd: folder.path, ...(input !== undefined && { input }) });

  it("makes, shows, changes and removes accounts, with passwords from standard input", async () => {
    expect(await user(["add", "ada", "--role", "operator"], `${PASSWORD}\n`)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("ada can log in, as account:ada (operator)"),
    });
    expect((await user(["roles", "ada", "--role", "viewer", "--role", "operator"])).code).toBe(0);
    expect((await user(["passwd", "ada"], `another ${PASSWORD}\n`)).code).toBe(0);
    expect((await user(["list"])).stdout).toMatch(/account:ada +│? *viewer/);
    expect(await user(["remove", "ada"])).toMatchObject({ code: 0, stderr: expect.stringContaining("ada is removed") });
    const audit = await bulkhead(["audit", "--json"], { cwd: folder.path });
    for (const action of ["add-user", "set-user-roles", "set-password", "remove-user"]) expect(audit.stdout).toContain(action);
    expect(audit.stdout).not.toContain(PASSWORD);
  });

  const serving = async (work: (url: string) => Promise<void>): Promise<void> => {
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
      await work(url);
    } finally {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    }
  };
  const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";

  it("makes accounts that log in while the host runs, whose sessions outlive it and end when the operator says so", async () => {
    writeFileSync(
      join(folder.path, "bulkhead.json"),
      JSON.stringify({ auth: { mode: "required" }, adapters: { http: { port: await freePort() } } }),
    );
    let cookie = "";
    const session = async (url: string): Promise<number> => (await fetch(`${url}/v1/session`, { headers: { cookie } })).status;
    await serving(async (url) => {
      await user(["add", "ada", "--role", "viewer"], PASSWORD);
      const body = (password: string): RequestInit => ({
        ...{ method: "POST", headers: { "content-type": "application/json" } },
        body: JSON.stringify({ name: "ada", password }),
      });
      expect((await fetch(`${url}/v1/login`, body("wrong"))).status).toBe(401);
      cookie = cookieOf(await fetch(`${url}/v1/login`, body(PASSWORD)));
      expect(await session(url)).toBe(200);
      expect((await user(["list"])).stdout).toMatch(/account:ada +│? *viewer +│? *1 /);
    });
    await serving(async (url) => {
      expect(await session(url)).toBe(200);
      expect(await user(["logout", "account:ada"])).toMatchObject({ code: 0, stderr: expect.stringContaining("sessions that ended: 1") });
      expect(await session(url)).toBe(401);
    });
    const { stdout } = await bulkhead(["audit", "--json"], { cwd: folder.path });
    const entries = (JSON.parse(stdout) as { actor: string; action: string; subject: string; detail: object }[]).filter(({ action }) =>
      ["login", "denied", "end-sessions"].includes(action),
    );
    expect(entries.map(({ actor, action, subject, detail }) => [actor.split(":")[0], action, subject, detail])).toEqual([
      ["account", "login", "account:ada", { via: "http", address: "127.0.0.1" }],
      ["host", "denied", "account:ada", expect.objectContaining({ permission: "login", resource: "127.0.0.1", times: 1 })],
      ["user", "end-sessions", "account:ada", { sessions: 1 }],
    ]);
  });

  it("has beside it an issuer that people log in at, whose secret is kept first", async () => {
    const port = await freePort();
    await using issuer = await startIssuer([`http://127.0.0.1:${port}/v1/login/oidc/callback`]);
    const oidc = { issuer: issuer.url, clientId: CLIENT_ID, clientSecret: "client" };
    const auth = { mode: "required", groups: { operations: ["operator"] }, oidc };
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify({ auth, adapters: { http: { port } } }));
    const { code, stderr } = await bulkhead(["serve"], { cwd: folder.path });
    expect([code, stderr]).toEqual([2, expect.stringContaining("bulkhead secret set client --to auth.oidc")]);
    await bulkhead(["secret", "set", "client", "--to", "auth.oidc"], { cwd: folder.path, input: CLIENT_SECRET });
    await serving(async (url) => {
      const begun = await fetch(`${url}/v1/login/oidc`, { redirect: "manual" });
      const back = await logInAt(begun.headers.get("location") ?? "", "ada");
      const returned = await fetch(back, { headers: { cookie: cookieOf(begun) } });
      const who = await fetch(`${url}/v1/session`, { headers: { cookie: cookieOf(returned) } });
      expect(await who.json()).toEqual({ principal: expect.stringMatching(/^oidc:[0-9a-f]{8}\/ada$/) });
      expect((await user(["list"])).stdout).toMatch(/oidc:[0-9a-f]{8}\/ada +│? *as its groups say +│? *1 /);
    });
  });

  it.each([
    [["add", "ada", "--role", "operator"], "short", "has 5 characters; write 12 at least"],
    [["add", "ada", "--role", "operator"], "", "has 0 characters"],
    [["add", "ada", "--role", "king"], PASSWORD, '"king" is no role; there are viewer, operator, admin'],
    [["add", "ada"], PASSWORD, "name at least one role"],
    [["add", "Ada Lovelace", "--role", "viewer"], PASSWORD, "lower-case letters"],
    [["passwd", "bob"], PASSWORD, "there is no account bob"],
    [["remove", "bob"], undefined, "there is no account bob"],
    [["logout", "account:bob"], undefined, "account:bob has no session"],
  ] as const)("refuses %j with standard input %j", async (args, input, words) => {
    const { code, stderr } = await user(args, input);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  });
});
