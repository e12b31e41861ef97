// What `npm install bulkhead` brings without anything optional: few packages, none of the optional peers, and a host that serves a plugin.

import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { ROOT, read } from "../docs/markdown.ts";
import { installPackage, userEnvironment } from "../support/installed-package.ts";
import { ownPlugin, temporaryFolder } from "../support/plugin-folders.ts";

/** Measured: 87 and 56.1 MiB, of which 27 MiB are better-sqlite3 with its builds for eight systems and 4.8 MiB our own, SDKs and documents included; four packages of
 * sigstore verify signatures. What takes more needs a reason. */
const MAX_PACKAGES = 87;
const MAX_MIB = 57;
const MIB = 1_024 * 1_024;
const folder = temporaryFolder();
afterAll(() => folder.remove());
const installed = join(folder.path, "node_modules");

/** The folders of all packages, those within others included. */
function packagesIn(modules: string): string[] {
  if (!existsSync(modules)) return [];
  const scopes = readdirSync(modules).filter((name) => !name.startsWith("."));
  const names = scopes.flatMap((name) => (name.startsWith("@") ? readdirSync(join(modules, name)).map((one) => join(name, one)) : [name]));
  return names.flatMap((name) => [join(modules, name), ...packagesIn(join(modules, name, "node_modules"))]);
}

const sizeOf = (at: string): number =>
  readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((bytes, { parentPath, name }) => bytes + statSync(join(parentPath, name)).size, 0);

const { missing, skipped } = await installPackage(folder.path, { light: true });

describe.skipIf(missing !== undefined)(`the package, installed without what is optional${skipped}`, () => {
  it("brings few packages", () => {
    const count = packagesIn(installed).length;
    const mib = sizeOf(installed) / MIB;
    expect(count).toBeGreaterThan(1);
    expect(count).toBeLessThanOrEqual(MAX_PACKAGES);
    expect(mib).toBeLessThanOrEqual(MAX_MIB);
  });

  it("brings none of the optional peers", () => {
    const { peerDependencies, peerDependenciesMeta } = JSON.parse(read("package.json"));
    const optional = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional === true);
    expect(optional).toEqual(Object.keys(peerDependencies));
    const names = packagesIn(installed).map((at) => JSON.parse(readFileSync(join(at, "package.json"), "utf8")).name);
    expect(names.filter((name) => optional.includes(name))).toEqual([]);
  });

  it("serves a plugin over HTTP, and says what a component and the API page would need", async () => {
    cpSync(ownPlugin("hello"), join(folder.path, "hello"), { recursive: true });
    const configuration = { adapters: { http: { port: 0 } }, plugins: { hello: { path: "hello", grants: "all" } } };
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify(configuration));
    const launcher = join(installed, ".bin", "bulkhead");
    const host = spawn(process.execPath, [launcher, "serve"], { cwd: folder.path, stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise<number | null>((resolve) => host.once("exit", resolve));
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let said = "";
        host.stderr.on("data", (chunk: Buffer) => {
          said += chunk;
          const [, address] = /listening on (\S+);/.exec(said) ?? [];
          if (address !== undefined) resolve(address);
        });
        host.once("exit", () => reject(new Error(said)));
      });
      const answer = await fetch(`${url}/v1/services/hello.greet`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"name":"Ada"}',
      });
      expect([answer.status, await answer.json()]).toEqual([200, { message: "Hello, Ada!" }]);
      const page = await fetch(`${url}/v1/docs/`);
      const needs = "which is not installed: npm install --ignore-scripts";
      expect([page.status, await page.json()]).toMatchObject([404, { error: { message: expect.stringContaining(needs) } }]);
      expect((await fetch(`${url}/v1/openapi.json`)).status).toBe(200);
    } finally {
      host.kill("SIGTERM");
    }
    expect(await ended).toBe(0);

    const component = join(ROOT, "test/hostile/attacker.component.wasm");
    const inspected = await promisify(execFile)(process.execPath, [launcher, "inspect", component], { cwd: folder.path }).catch(
      (cause: { readonly stdout: string }) => cause,
    );
    expect(inspected.stdout).toContain("npm install --save-exact @bytecodealliance/jco-transpile@");
  });

  it("says what a login at an issuer needs, and does not start without it", async () => {
    const oidc = { issuer: "https://id.example", clientId: "bulkhead", clientSecret: "oidc" };
    writeFileSync(join(folder.path, "oidc.json"), JSON.stringify({ adapters: { http: false }, auth: { oidc } }));
    const launcher = join(installed, ".bin", "bulkhead");
    const serve = promisify(execFile)(process.execPath, [launcher, "serve", "--config", "oidc.json"], { cwd: folder.path });
    const { stderr } = await serve.catch((cause: { readonly stderr: string }) => cause);
    expect(stderr).toContain('auth.oidc needs the package openid-client, which is not installed: npm install "openid-client@^6.9.0"');
  });

  it.each([
    ["mcp", 'MCP needs the package @modelcontextprotocol/server, which is not installed: npm install "@modelcontextprotocol/server@^'],
    ["graphql", 'GraphQL needs the package graphql, which is not installed: npm install "graphql@^'],
  ])("says what %s over HTTP would need, before it listens", async (key, message) => {
    writeFileSync(join(folder.path, `${key}.json`), JSON.stringify({ dataDir: key, adapters: { http: { port: 0, [key]: true } } }));
    const launcher = join(installed, ".bin", "bulkhead");
    const serve = promisify(execFile)(process.execPath, [launcher, "serve", "--config", `${key}.json`], { cwd: folder.path });
    const { stderr } = await serve.catch((cause: { readonly stderr: string }) => cause);
    expect(stderr).toContain(message);
  });

  it("says what a sandbox needs, and has one once that is installed", async () => {
    const program =
      'import { createSandbox } from "bulkhead/sandbox"; await using s = await createSandbox(); console.log(await s.evaluate("6 * 7"));';
    writeFileSync(join(folder.path, "sandbox.mjs"), program);
    const node = (): Promise<{ stdout: string }> => promisify(execFile)(process.execPath, ["sandbox.mjs"], { cwd: folder.path });
    const refused = await node().catch((cause: { readonly stderr: string }) => cause.stderr);
    const [, command = ""] = /install it with: npm (install --save-exact quickjs-wasi@\S+\d)/.exec(String(refused)) ?? [];
    await promisify(execFile)("npm", [...command.split(" "), "--no-audit", "--no-fund", "--prefer-offline"], {
      cwd: folder.path,
      env: userEnvironment(),
    });
    expect((await node()).stdout).toBe("42\n");
  });
});
