// Logging in at an issuer by HTTP: in a browser, which comes back from another site, and what is answered where something is wrong.

import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { openIssuerClient } from "../../host/gate/issuer-client.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { accountsInMemory, type TestAccounts } from "../support/accounts.ts";
import { testContext } from "../support/adapter-context.ts";
import { describeWithBrowser, startBrowser } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import { hostPorts } from "../support/host-ports.ts";
import { CLIENT_ID, CLIENT_SECRET, logInAt, startIssuer, type TestIssuer } from "../support/issuer.ts";
import { memoryLog } from "../support/memory-log.ts";

const CALLBACK = "/v1/login/oidc/callback";
let server: HttpServer;
let issuer: TestIssuer;
let accounts: TestAccounts;

beforeEach(async () => {
  const port = await freePort();
  issuer = await startIssuer([`http://127.0.0.1:${port}${CALLBACK}`]);
  const auth = authSchema.parse({
    ...{ mode: "required", groups: { operations: ["operator"] } },
    oidc: { issuer: issuer.url, clientId: CLIENT_ID, clientSecret: "oidc" },
  });
  const log = memoryLog();
  accounts = accountsInMemory(systemClock);
  const client = await openIssuerClient(auth.oidc ?? expect.fail(), {
    clock: systemClock,
    secrets: { find: () => ({ value: CLIENT_SECRET, mayGoTo: () => true }) },
    tell: () => {},
  });
  const { context } = testContext(new Host(hostPorts({ clock: systemClock, log })), {
    log,
    adapter: "http",
    accounts,
    auth,
    issuer: client,
  });
  server = await startHttpServer(httpOptions.parse({ port }), context);
});
afterEach(async () => {
  await server.close();
  await issuer[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly cookies: readonly string[];
  readonly location: string | undefined;
}

const get = (path: string, headers: object = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = httpRequest(`${server.url}${path}`, { headers: { ...headers } }, async (response) => {
      const pieces: Buffer[] = [];
      for await (const piece of response) pieces.push(piece);
      const { location, "set-cookie": cookies = [] } = response.headers;
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString(), cookies, location });
    });
    asked.on("error", reject).end();
  });

describe("logging in at an issuer by HTTP", () => {
  const begun = async (): Promise<{ readonly path: string; readonly cookie: string }> => {
    const { cookies, location = "" } = await get("/v1/login/oidc");
    const { pathname, search } = await logInAt(location, "ada");
    return { path: pathname + search, cookie: cookies[0]?.split(";", 1)[0] ?? "" };
  };
  const FROM_ISSUER = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

  it("gives a cookie for the way there and back, and one of a session then", async () => {
    const { port } = new URL(server.url);
    const { status, cookies, location } = await get("/v1/login/oidc");
    expect([status, location?.startsWith(`${issuer.url}/auth?`)]).toEqual([303, true]);
    expect(cookies).toEqual([
      expect.stringMatching(new RegExp(`^bulkhead-login-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600$`)),
    ]);
    const { path, cookie } = await begun();
    const back = await get(path, { cookie, ...FROM_ISSUER });
    expect(back.status).toBe(200);
    expect(back.cookies).toEqual([
      expect.stringMatching(new RegExp(`^bulkhead-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`)),
      `bulkhead-login-${port}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`,
    ]);
    expect((await get("/v1/session", { cookie: back.cookies[0]?.split(";", 1)[0] })).text).toMatch(/"oidc:[0-9a-f]{8}\/ada"/);
    expect(await get(path, { cookie, ...FROM_ISSUER })).toMatchObject({ status: 401, cookies: [] });
  });

  it("comes back in the browser that began it, by going there, and in no other way", async () => {
    for (const [i, headers] of [
      { ...FROM_ISSUER, "sec-fetch-mode": "no-cors" },
      { ...FROM_ISSUER, "sec-fetch-dest": "iframe" },
      { ...FROM_ISSUER, host: "evil.example" },
    ].entries()) {
      const { path, cookie } = await begun();
      expect(await get(path, { cookie, ...headers }), `${i}`).toMatchObject({ status: 403, cookies: [] });
    }
    const { path } = await begun();
    expect(await get(path, FROM_ISSUER)).toMatchObject({ status: 401, cookies: [] });
    for (const wrong of ["", "?", "?code=a&state=b", `?${"a".repeat(8_000)}`])
      expect((await get(CALLBACK + wrong, FROM_ISSUER)).status, wrong).toBe(401);
    // No other path is open to pages of other sites, not even the one where it begins.
    expect((await get("/v1/login/oidc", FROM_ISSUER)).status).toBe(403);
    expect((await get("/v1/login", FROM_ISSUER)).status).toBe(403);
    expect(accounts.sessions.counts().size).toBe(0);
  });

  it("is offered on the login page", async () => {
    expect((await get("/v1/login")).text).toContain('href="login/oidc"');
  });
});

describeWithBrowser("logging in at an issuer in a browser", () => {
  it("leads there, through its pages on another site, and back into a session", async () => {
    const browser = await startBrowser();
    try {
      const visitor = await browser.newContext();
      const page = await visitor.newPage();
      await page.goto(`${server.url}/v1/login?to=docs`);
      await page.locator('a[href="login/oidc"]').click();
      await page.locator('input[name="login"]').fill("ada");
      await page.locator('input[name="password"]').fill("any");
      await page.locator('button[type="submit"]').click();
      await page.waitForURL(/interaction/);
      await page.locator('button[type="submit"]').click();
      await page.locator("#principal", { hasText: /^oidc:[0-9a-f]{8}\/ada$/ }).waitFor();
      expect(page.url()).toBe(`${server.url}/v1/login`);
      const { port } = new URL(server.url);
      const ours = (await visitor.cookies(server.url)).map(({ name, sameSite }) => [name, sameSite]);
      expect(ours).toEqual([[`bulkhead-${port}`, "Strict"]]);
      await page.locator("#out").click();
      await page.locator("#form").waitFor();
      expect(accounts.sessions.counts().size).toBe(0);
    } finally {
      await browser.close();
    }
  });
});
