// Who may come in by HTTP, what he is told otherwise, and that a plugin never sees what was shown to the host.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import type { TokenStore } from "../../host/admin/tokens.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { authSchema, parseScope } from "../../host/manifest/auth.ts";
import { contributing, testContext, tokensInMemory } from "../support/adapter-context.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

const SCRIPT: Script = {
  who: (_input, { caller }) => utf8(JSON.stringify(caller.principal)),
  raw: (input) => utf8(`{"headers":[{"name":"content-type","value":"application/json"}]}\n${Buffer.from(input).toString().split("\n")[0]}`),
};
const ROUTES = [
  { method: "GET", path: "/p/who", service: "p.who" },
  { method: "GET", path: "/p/raw", service: "p.raw", request: "raw", headers: ["authorization"] },
];

describe("HTTP, where everybody has to say who he is", () => {
  const operated: unknown[][] = [];
  let host: Host;
  let server: HttpServer;
  let tokens: TokenStore;
  const start = async (auth: object): Promise<void> => {
    const log = memoryLog();
    host = new Host(hostPorts({ clock: systemClock, log }));
    const services = ["who", "raw"].map((entryPoint) => ({ name: `p.${entryPoint}`, entryPoint }));
    host.add(definition("p", SCRIPT, { services }), scriptedCell({ p: SCRIPT, q: {} }));
    host.add(definition("q", {}, {}), scriptedCell({ p: SCRIPT, q: {} }));
    await startAll(host, log);
    tokens = tokensInMemory();
    const { context, manifests } = testContext(host, {
      ...{ log, adapter: "http", parse: parseRoutes, tokens, auth: authSchema.parse(auth) },
      operations: { invoke: async (...asked) => operated.push(asked) },
    });
    manifests.set("p", contributing("p", { http: { routes: ROUTES } }));
    server = await startHttpServer(httpOptions.parse({ port: 0, credentialHeaders: { p: ["authorization"] } }), context);
  };
  beforeEach(() => {
    operated.length = 0;
  });
  afterEach(async () => {
    await server.close();
    await stopAll(host, 0);
  });

  const tokenOf = (role: string, ...scopes: readonly string[]): string =>
    tokens.create({ name: role, roles: [role], scopes: scopes.map(parseScope), owner: "user:ada", expiresAt: undefined });
  const ask = async (path: string, token?: string, how: RequestInit = {}) => {
    const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...(how.headers as Record<string, string>) };
    const response = await fetch(`${server.url}${path}`, { ...how, headers });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };

  it("lets nobody in without a token, on no path, and says how to get in", async () => {
    await start({ mode: "required" });
    for (const path of ["/p/who", "/p/raw", "/v1/plugins", "/nowhere", "/p/../v1/plugins"]) {
      const { status, text, headers } = await ask(path);
      expect([status, headers.get("www-authenticate")], path).toEqual([401, 'Bearer realm="bulkhead"']);
      expect(JSON.parse(text)).toMatchObject({ error: { code: "permission-denied", reason: "unauthenticated" } });
    }
    for (const path of ["/v1/services/p.who", "/v1/admin/list"])
      expect((await ask(path, undefined, { method: "POST" })).status, path).toBe(401);
    for (const wrong of ["bh_AAAAAAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x", "a".repeat(10_000)])
      expect((await ask("/p/who", wrong)).status).toBe(401);
    expect((await ask("/p/who", undefined, { headers: { authorization: "Basic YTpi" } })).status).toBe(401);
  });

  it("says whether all is well to everybody, and whose fault it is to those it knows", async () => {
    await start({ mode: "required" });
    expect(JSON.parse((await ask("/healthz")).text)).toEqual({ status: "ok" });
    expect(JSON.parse((await ask("/healthz", tokenOf("operator"))).text)).toEqual({ status: "ok", failed: [] });
    expect(JSON.parse((await ask("/livez")).text)).toEqual({ status: "alive" });
    expect(JSON.parse((await ask("/readyz")).text)).toEqual({ status: "ready" });
    expect(JSON.parse((await ask("/readyz", tokenOf("viewer"))).text)).toEqual({ status: "ready", reasons: [], problems: [] });
  });

  it("lets a token do what its role and scope say, and shows it no more", async () => {
    await start({ mode: "required" });
    const operator = tokenOf("operator", "services.call:p.who");
    expect(await ask("/p/who", operator)).toMatchObject({ status: 200, text: '"token:operator"' });
    expect((await ask("/p/raw", operator)).status).toBe(403);
    const listed = JSON.parse((await ask("/v1/plugins", operator)).text) as { name: string; services: string[] }[];
    expect(listed.map(({ name, services }) => [name, services])).toEqual([["p", ["p.who"]]]);
    const viewer = tokenOf("viewer");
    expect((await ask("/p/who", viewer)).status).toBe(403);
    expect((JSON.parse((await ask("/v1/plugins", viewer)).text) as { name: string }[]).map(({ name }) => name)).toEqual(["p", "q"]);
  });

  it("does operations for those who may, in their name", async () => {
    await start({ mode: "required" });
    const post = (operation: string, token: string, body?: string) =>
      ask(`/v1/admin/${operation}`, token, {
        method: "POST",
        ...(body !== undefined && { body, headers: { "content-type": "application/json" } }),
      });
    expect(await post("list", tokenOf("viewer"))).toMatchObject({ status: 200, text: '{"result":1}' });
    expect(await post("grant", tokenOf("operator"), '{"plugin":"p"}')).toMatchObject({ status: 403 });
    const admin = tokenOf("admin");
    expect((await post("grant", admin, '{"plugin":"p"}')).status).toBe(200);
    expect(operated).toEqual([
      ["list", {}, "token:viewer"],
      ["grant", { plugin: "p" }, "token:admin"],
    ]);
    for (const body of ["{", '{"__proto__":{}}']) expect((await post("grant", admin, body)).status).toBe(400);
    expect((await ask("/v1/admin/list", admin)).status).toBe(404);
  });

  it("tells nobody an answer again that he may not have any more, whoever he was when he had it", async () => {
    await start({ mode: "required" });
    const tokenOf = (...scopes: readonly string[]): string =>
      tokens.create({ name: "ci", roles: ["operator"], scopes: scopes.map(parseScope), owner: "user:ada", expiresAt: undefined });
    const post = (token: string) =>
      ask("/v1/services/p.who", token, {
        method: "POST",
        headers: { "idempotency-key": "one", "content-type": "application/json" },
        body: "{}",
      });
    const first = tokenOf("services.call:p.who");
    expect(await post(first)).toMatchObject({ status: 200, text: '"token:ci"' });
    expect((await post(first)).headers.get("idempotency-replayed")).toBe("true");
    tokens.revoke("ci");
    const refused = await post(tokenOf("services.call:p.raw"));
    expect([refused.status, refused.headers.get("idempotency-replayed")]).toEqual([403, null]);
  });

  it("never hands the host's token on to a plugin, whatever that may be given", async () => {
    await start({ mode: "required" });
    const { text } = await ask("/p/raw", tokenOf("operator"));
    expect(text).not.toContain("bh_");
    expect(text).not.toContain("authorization");
  });

  it("leaves what is between a plugin and its callers alone where nobody has to say who he is", async () => {
    await start({});
    expect((await ask("/p/raw", "of-the-plugin")).text).toContain("Bearer of-the-plugin");
    expect(await ask("/p/who", tokenOf("operator"))).toMatchObject({ status: 200, text: '"token:operator"' });
    expect((await ask("/p/raw", "bh_AAAAAAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).status).toBe(401);
    // What came through a proxy came from somebody whom nobody knows.
    for (const name of ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
      expect((await ask("/p/who", undefined, { headers: { [name]: "192.0.2.1" } })).status, name).toBe(401);
    expect((await ask("/v1/admin/list", undefined, { method: "POST" })).status).toBe(403);
  });

  it("tells who calls too much when to come again", async () => {
    await start({ limits: { callsPerSecond: 1 } });
    const answers = await Promise.all([ask("/p/who"), ask("/p/who")]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429]);
    expect(answers.find(({ status }) => status === 429)?.headers.get("retry-after")).toBe("1");
  });
});
