// Logging in by HTTP: the cookie, what it speaks for and what not, and what nobody ever gets to see of it.

import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import { SessionCookies, setLoginCookie, withoutOurs } from "../../host/adapters/http/session-cookie.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { accountsInMemory, PASSWORD, type TestAccounts } from "../support/accounts.ts";
import { contributing, testContext } from "../support/adapter-context.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

const SCRIPT: Script = {
  who: (_input, { caller }) => utf8(JSON.stringify(caller.principal)),
  raw: (input) => utf8(`{"headers":[{"name":"content-type","value":"application/json"}]}\n${Buffer.from(input).toString().split("\n")[0]}`),
};
const ROUTES = [
  { method: "GET", path: "/p/who", service: "p.who" },
  { method: "POST", path: "/p/who", service: "p.who" },
  { method: "GET", path: "/p/raw", service: "p.raw", request: "raw", headers: ["cookie", "authorization"] },
];

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly cookie: string | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
}

describe("the networks of proxies that are trusted", () => {
  it.each([
    ["10.0.0.1", true],
    ["10.0.0.0/8", true],
    ["2001:db8::/32", true],
    ["::1", true],
    ["0.0.0.0/0", false],
    ["10.0.0.0/33", false],
    ["::/129", false],
    ["fe80::1%eth0", false],
    ["proxy.example", false],
    ["loopback", false],
    ["10.0.0.1/", false],
    ["", false],
  ])("may be %s: %s", (network, isOne) => {
    expect(httpOptions.safeParse({ trustedProxies: [network] }).success).toBe(isOne);
  });
});

describe("logging in by HTTP", () => {
  let host: Host;
  let server: HttpServer;
  let accounts: TestAccounts;
  const start = async (options: object = {}, auth: object = { mode: "required" }): Promise<void> => {
    const log = memoryLog();
    host = new Host(hostPorts({ clock: systemClock, log }));
    const services = ["who", "raw"].map((entryPoint) => ({ name: `p.${entryPoint}`, entryPoint }));
    host.add(definition("p", SCRIPT, { services }), scriptedCell({ p: SCRIPT }));
    await startAll(host, log);
    accounts = accountsInMemory(systemClock);
    await accounts.operate("add-user", { name: "ada", roles: ["operator"], password: PASSWORD });
    const { context, manifests } = testContext(host, {
      ...{ log, adapter: "http", parse: parseRoutes, accounts, auth: authSchema.parse(auth) },
      operations: { invoke: async (name) => name },
    });
    manifests.set("p", contributing("p", { http: { routes: ROUTES } }));
    server = await startHttpServer(
      httpOptions.parse({ port: 0, credentialHeaders: { p: ["cookie", "authorization"] }, ...options }),
      context,
    );
  };
  beforeEach(() => start());
  afterEach(async () => {
    await server.close();
    await stopAll(host, 0);
  });

  /** Not by `fetch`, which would set Host and Origin its own way. */
  const ask = (method: string, path: string, headers: object = {}, body?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const type = body === undefined ? {} : { "content-type": "application/json" };
      const asked = httpRequest(`${server.url}${path}`, { method, headers: { ...type, ...headers } }, async (response) => {
        const pieces: Buffer[] = [];
        for await (const piece of response) pieces.push(piece);
        const [cookie] = response.headers["set-cookie"] ?? [];
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString(), cookie, headers: response.headers });
      });
      asked.on("error", reject);
      asked.end(body);
    });
  const logIn = (given: object = { name: "ada", password: PASSWORD }, headers: object = {}): Promise<Answer> =>
    ask("POST", "/v1/login", headers, JSON.stringify(given));
  const ownOrigin = (): object => ({ origin: server.url, "sec-fetch-site": "same-origin" });
  const cookieOf = ({ cookie = "" }: Answer): string => cookie.split(";", 1)[0] ?? "";

  it("opens a session whose cookie no script and no other site sees, and ends it", async () => {
    const opened = await logIn();
    expect(opened.status).toBe(200);
    expect(JSON.parse(opened.text)).toMatchObject({ principal: "account:ada", expiresAt: expect.stringMatching(/Z$/) });
    const { port } = new URL(server.url);
    expect(opened.cookie).toMatch(new RegExp(`^bulkhead-${port}=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Strict$`));
    expect(opened.headers["cache-control"]).toBe("no-store");
    const cookie = cookieOf(opened);
    expect(await ask("GET", "/p/who", { cookie })).toMatchObject({ status: 200, text: '"account:ada"' });
    expect(await ask("GET", "/v1/session", { cookie: `a=1; ${cookie}; b` })).toMatchObject({ text: '{"principal":"account:ada"}' });
    const out = await ask("POST", "/v1/logout", { cookie, ...ownOrigin() });
    expect([out.status, out.cookie]).toEqual([204, `bulkhead-${port}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`]);
    expect((await ask("GET", "/p/who", { cookie })).status).toBe(401);
    expect(accounts.audited.slice(1)).toEqual([
      'account:ada login account:ada {"via":"http","address":"127.0.0.1"}',
      'account:ada logout account:ada {"via":"http","address":"127.0.0.1"}',
    ]);
  });

  it("lets in nobody who is wrong, and only so often", async () => {
    expect(JSON.parse((await logIn({ name: "ada", password: "wrong" })).text)).toMatchObject({
      error: { code: "permission-denied", reason: "unauthenticated", message: "the name or the password is wrong" },
    });
    for (let i = 0; i < 4; i += 1)
      expect(await logIn({ name: `u${i}`, password: PASSWORD })).toMatchObject({ status: 401, cookie: undefined });
    const refused = await logIn();
    expect([refused.status, refused.cookie, Number(refused.headers["retry-after"]) > 60]).toEqual([429, undefined, true]);
    expect(JSON.parse(refused.text).detail).toContain("auth.limits.loginFailures");
  });

  it.each([
    ["no JSON", "{", 400],
    ["a list", "[]", 400],
    ["more than it asks for", `{"name":"ada","password":"${PASSWORD}","role":"admin"}`, 400],
    ["another type", '{"name":"ada","password":{"$ne":""}}', 400],
    ["nothing", "", 400],
    ["more bytes than it takes", JSON.stringify({ name: "ada", password: "x".repeat(9_000) }), 413],
  ])("refuses %s", async (_what, body, status) => {
    const answer = await ask("POST", "/v1/login", {}, body);
    expect([answer.status, answer.cookie]).toEqual([status, undefined]);
    if (status === 413) expect(JSON.parse(answer.text).detail).toBe("the body has more than 8192 bytes, which is the limit");
  });

  describe("from behind a proxy", () => {
    const wrong = async (forwarded: string): Promise<number> =>
      (await logIn({ name: "nobody", password: "wrong" }, { "x-forwarded-for": forwarded })).status;
    const again = async (options: object, auth?: object): Promise<void> => {
      await server.close();
      await stopAll(host, 0);
      await start(options, auth);
    };
    const statuses = async (forwarded: (i: number) => string): Promise<number[]> => {
      const found: number[] = [];
      for (let i = 0; i < 6; i += 1) found.push(await wrong(forwarded(i)));
      return found;
    };

    it("is counted by the proxy's address, whatever it says, where nobody trusts it", async () => {
      expect(await statuses((i) => `192.0.2.${i}`)).toEqual([...Array(5).fill(401), 429]);
    });

    it("is counted by the address that a trusted proxy says, and by none that stands before it", async () => {
      await again({ trustedProxies: ["127.0.0.0/8", "10.0.0.0/8"] });
      expect(await statuses((i) => `203.0.113.${i}, 192.0.2.7, 10.1.1.1`)).toEqual([...Array(5).fill(401), 429]);
      const others = { "x-forwarded-for": "192.0.2.7, 192.0.2.8, 10.1.1.1" };
      expect((await logIn({ name: "ada", password: PASSWORD }, others)).status).toBe(200);
      expect(accounts.audited.at(-1)).toBe('account:ada login account:ada {"via":"http","address":"192.0.2.8"}');
    });

    it("is counted by what it says last that is an address, or by the proxy", async () => {
      await again({ trustedProxies: ["127.0.0.1"] });
      expect(await statuses((i) => `198.51.100.${i}, 192.0.2.7`)).toEqual([...Array(5).fill(401), 429]);
      for (const garbage of ["x".repeat(4_000), "unknown", "192.0.2.8:443", ""]) await wrong(garbage);
      expect(await wrong("garbage")).toBe(429);
    });

    it("is nobody, whatever address a trusted proxy says", async () => {
      await again({ trustedProxies: ["127.0.0.1"] }, { mode: "none" });
      expect((await ask("GET", "/p/who")).text).toBe('"anonymous"');
      for (const address of ["127.0.0.1", "::1", "192.0.2.7"])
        expect((await ask("GET", "/p/who", { "x-forwarded-for": address })).status).toBe(401);
      // Only the address is the proxy's to say.
      expect((await ask("GET", "/p/who", { "x-forwarded-host": "evil.example", "x-forwarded-proto": "https" })).text).toBe('"anonymous"');
    });
  });

  it("is for no form, and no page of another origin", async () => {
    const form = { "content-type": "text/plain" };
    expect((await ask("POST", "/v1/login", form, JSON.stringify({ name: "ada", password: PASSWORD }))).status).toBe(415);
    for (const from of [{ origin: "http://evil.example" }, { "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }])
      expect((await logIn(undefined, from)).status, JSON.stringify(from)).toBe(403);
  });

  it("lets the cookie change something for pages of its own origin only", async () => {
    const cookie = cookieOf(await logIn());
    const { port } = new URL(server.url);
    const post = async (headers: object): Promise<number> => (await ask("POST", "/v1/admin/list", { cookie, ...headers })).status;
    expect(await post(ownOrigin())).toBe(200);
    for (const [i, headers] of [
      {},
      { origin: server.url },
      { "sec-fetch-site": "same-origin" },
      { origin: server.url, "sec-fetch-site": "none" },
      { origin: server.url, "sec-fetch-site": "same-site" },
      { origin: "null", "sec-fetch-site": "same-origin" },
      { origin: `http://localhost:${port}`, "sec-fetch-site": "same-origin" },
      { origin: server.url.replace("http:", "https:"), "sec-fetch-site": "same-origin" },
    ].entries())
      expect(await post(headers), `${i}`).toBe(403);
    for (const [method, path] of [
      ["POST", "/p/who"],
      ["POST", "/v1/services/p.who"],
      ["POST", "/v1/logout"],
      ["DELETE", "/p/who"],
    ] as const)
      expect((await ask(method, path, { cookie })).status, path).toBe(403);
    expect((await ask("GET", "/p/who", { cookie, "sec-fetch-site": "cross-site" })).status).toBe(403);
  });

  it("looks at no cookie where a token is shown, or anything instead of one", async () => {
    const cookie = cookieOf(await logIn());
    const token = accounts.tokens.create({ name: "ci", roles: ["operator"], scopes: [], owner: "user:root", expiresAt: undefined });
    expect(await ask("POST", "/p/who", { cookie, authorization: `Bearer ${token}` })).toMatchObject({ status: 200, text: '"token:ci"' });
    for (const authorization of ["Bearer bh_wrong", "Basic YTpi", ""])
      expect((await ask("GET", "/p/who", { cookie, authorization })).status, authorization).toBe(401);
  });

  it("takes no cookie that comes twice, is of another host, or has another name", async () => {
    const cookie = cookieOf(await logIn());
    const [name = "", secret = ""] = cookie.split("=");
    for (const wrong of [
      `${cookie}; ${name}=${"A".repeat(43)}`,
      `${name}=${"A".repeat(43)}; ${cookie}`,
      `bulkhead=${secret}`,
      `__Host-bulkhead=${secret}`,
      `bulkhead-1=${secret}`,
      `${name.toUpperCase()}=${secret}`,
      `${name}="${secret}"`,
      `${name}=`,
      name,
      ";;;=;",
    ])
      expect((await ask("GET", "/p/who", { cookie: wrong })).status, wrong).toBe(401);
  });

  it("never hands the cookie on to a plugin that is given cookies", async () => {
    const cookie = cookieOf(await logIn());
    const { text } = await ask("GET", "/p/raw", { cookie: `theirs=1; ${cookie}; __Host-bulkhead=x; more=2` });
    expect(JSON.parse(text).headers.filter(({ name }: { name: string }) => name === "cookie")).toEqual([
      { name: "cookie", value: "theirs=1; more=2" },
    ]);
    expect((await ask("GET", "/p/raw", { cookie })).text).not.toContain('"cookie"');
    expect(withoutOurs("bulkhead-7420=a; __Host-bulkhead=b; bulkhead-login-7420=c; __Host-bulkhead-login=d; bulkheads=e; f")).toBe(
      "bulkheads=e; f",
    );
  });

  it("opens a WebSocket for pages of its own origin, and closes it when the session ends", async () => {
    const cookie = cookieOf(await logIn());
    const url = `${server.url.replace("http", "ws")}/v1/events/ws`;
    const connect = async (headers: Record<string, string>): Promise<WebSocket | number> => {
      const socket = new WebSocket(url, "bulkhead.v1", { headers: { cookie, ...headers } });
      return new Promise((resolve, reject) => {
        socket.once("open", () => resolve(socket));
        socket.once("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
        socket.once("error", reject);
      });
    };
    for (const headers of [{}, { origin: "http://evil.example" }, { origin: server.url.replace("127.0.0.1", "localhost") }])
      expect(await connect(headers as Record<string, string>)).toBe(403);
    const socket = (await connect({ origin: server.url })) as WebSocket;
    const closed = once(socket, "close");
    await accounts.operate("end-sessions", { principal: "account:ada" });
    expect((await closed)[0]).toBe(1008);
  });

  it("ends a stream of events with the session", async () => {
    const opened = await logIn();
    const cookie = cookieOf(opened);
    const response = await fetch(`${server.url}/v1/events`, { headers: { cookie } });
    expect(response.status).toBe(200);
    const reading = response.text();
    await ask("POST", "/v1/logout", { cookie, ...ownOrigin() });
    expect(await reading).toContain('{"reason":"unauthenticated"}');
  });

  it("is open to everybody, and shows nobody what else there is", async () => {
    for (const path of ["/v1/login", "/v1/login/page.js", "/v1/login/page.css"]) {
      const { status, headers, text } = await ask("GET", path);
      expect([status, headers["content-security-policy"]], path).toEqual([
        200,
        expect.stringContaining("default-src 'none'; script-src 'self'"),
      ]);
      expect(text).not.toMatch(/<script(?![^>]* src=)|<style| on[a-z]+=|https?:/);
    }
    for (const path of ["/v1/session", "/v1/login/", "/v1/login/../plugins", "/v1/login/page.js/x"])
      expect((await ask("GET", path)).status, path).toBe(401);
    expect((await ask("POST", "/v1/logout")).status).toBe(401);
  });

  it("is where a browser is sent that opens the API page, and no program", async () => {
    const visit = await ask("GET", "/v1/docs/", { "sec-fetch-dest": "document", "sec-fetch-site": "none" });
    expect([visit.status, visit.headers.location]).toEqual([302, "/v1/login?to=docs"]);
    expect((await ask("GET", "/v1/docs/")).status).toBe(401);
    expect((await ask("GET", "/v1/plugins", { "sec-fetch-dest": "document" })).status).toBe(401);
  });

  it("takes no password in the clear from beyond this machine, and a proxy's word for none", async () => {
    await server.close();
    await start({ allowedHosts: ["inside.example", "https://bulkhead.example"] });
    expect(await logIn(undefined, { host: "inside.example" })).toMatchObject({ status: 403, cookie: undefined });
    expect(await logIn(undefined, { host: "inside.example", "x-forwarded-proto": "https" })).toMatchObject({
      status: 403,
      cookie: undefined,
    });
    const clear = { host: "bulkhead.example", origin: "http://bulkhead.example", "sec-fetch-site": "same-origin" };
    expect(await logIn(undefined, clear)).toMatchObject({ status: 403, cookie: undefined });
    // The proxy that the operator has named speaks TLS, and hands on whom it was asked for.
    const opened = await logIn(undefined, { host: "bulkhead.example" });
    expect(opened.cookie).toMatch(/^__Host-bulkhead=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    const cookie = cookieOf(opened);
    const own = { origin: "https://bulkhead.example", "sec-fetch-site": "same-origin" };
    expect((await ask("POST", "/p/who", { host: "bulkhead.example", cookie, ...own })).status).toBe(200);
    expect((await ask("GET", "/p/who", { host: "inside.example", cookie })).status).toBe(401);
    expect((await ask("POST", "/p/who", { host: "bulkhead.example", cookie, ...own, origin: "http://bulkhead.example" })).status).toBe(403);
  });

  it("makes one who has logged in somebody where nobody has to say who he is, and nobody again then", async () => {
    await server.close();
    await start({}, {});
    expect((await ask("GET", "/p/who")).text).toBe('"anonymous"');
    const cookie = cookieOf(await logIn());
    expect((await ask("GET", "/p/who", { cookie })).text).toBe('"account:ada"');
    expect((await ask("POST", "/v1/admin/list", { cookie, ...ownOrigin() })).status).toBe(200);
    await accounts.operate("remove-user", { name: "ada" });
    expect((await ask("GET", "/p/who", { cookie })).text).toBe('"anonymous"');
    expect((await ask("POST", "/v1/admin/list", { cookie, ...ownOrigin() })).status).toBe(403);
  });
});

describe("the cookie", () => {
  const placeOf = (host: string, allowed: readonly string[], isTls = false) => new SessionCookies(allowed, isTls).placeOf({ host });

  it.each([
    ["127.0.0.1:7420", [], false, "bulkhead-7420", "http://127.0.0.1:7420"],
    ["[::1]:7420", [], false, "bulkhead-7420", "http://[::1]:7420"],
    ["localhost", [], false, "bulkhead-80", "http://localhost"],
    ["localhost:7420", [], true, "__Host-bulkhead", "https://localhost:7420"],
    ["bulkhead.example", ["https://bulkhead.example"], false, "__Host-bulkhead", "https://bulkhead.example"],
    ["bulkhead.example", ["http://bulkhead.example", "bulkhead.example"], false, undefined, undefined],
    ["bulkhead.example:8443", ["https://bulkhead.example"], false, undefined, undefined],
    ["", [], true, undefined, undefined],
    ["a b", [], true, undefined, undefined],
  ] as const)("of %s with %j and TLS %s is %s", (host, allowed, isTls, name, origin) => {
    expect(placeOf(host, allowed, isTls)).toEqual(name && { name, origin, isSecure: origin?.startsWith("https:") });
  });

  it("of a login at an issuer is beside it, lax and for a while", () => {
    const [secure, open] = [placeOf("a.example", [], true), placeOf("localhost:7420", [])];
    expect(secure && setLoginCookie(secure, "x", 600)).toBe("__Host-bulkhead-login=x; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600");
    expect(open && setLoginCookie(open, "x", 600)).toBe("bulkhead-login-7420=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=600");
    const shown = { host: "localhost:7420", cookie: "bulkhead-7420=a; bulkhead-login-7420=b" };
    const cookies = new SessionCookies([], false);
    expect([cookies.secretOf(shown), cookies.bindingOf(shown)]).toEqual(["a", "b"]);
  });
});
