// The login page in a browser: that a person gets to the API page by it and out again, that nothing breaks its policy, and that no other page can use the session.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { accountsInMemory, PASSWORD, type TestAccounts } from "../support/accounts.ts";
import { testContext } from "../support/adapter-context.ts";
import { describeWithBrowser, startBrowser } from "../support/browser.ts";
import { manifestOf } from "../support/catalogs.ts";
import { authority, missingOpenssl } from "../support/certificates.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

const SCRIPT: Script = { who: (_input, { caller }) => utf8(JSON.stringify(caller.principal)) };
const MANIFEST = { services: { "p.who": { entryPoint: "who" } } };

describeWithBrowser("the login page in a browser", () => {
  let browser: Browser;
  let folder: TemporaryFolder;
  let host: Host;
  let server: HttpServer;
  let accounts: TestAccounts;
  let visitor: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await startBrowser();
    folder = temporaryFolder();
  });
  afterAll(async () => {
    await browser.close();
    folder.remove();
  });
  const start = async (isTls = false): Promise<void> => {
    const log = memoryLog();
    host = new Host(hostPorts({ clock: systemClock, log }));
    host.add(definition("p", SCRIPT, { services: [{ name: "p.who", entryPoint: "who" }] }), scriptedCell({ p: SCRIPT }));
    await startAll(host, log);
    accounts = accountsInMemory(systemClock);
    await accounts.operate("add-user", { name: "ada", roles: ["operator"], password: PASSWORD });
    const certificate = isTls ? authority(folder.path, `${Date.now()}`).issue("localhost").read() : undefined;
    const { context, manifests } = testContext(host, {
      ...{ log, adapter: "http", accounts, auth: authSchema.parse({ mode: "required" }) },
      ...(certificate && { tls: { current: () => ({ ...certificate, clientCa: undefined }), onChange: () => () => {} } }),
    });
    manifests.set("p", manifestOf(MANIFEST));
    server = await startHttpServer(httpOptions.parse({ port: 0 }), context);
  };
  beforeEach(async () => {
    visitor = await browser.newContext({ ignoreHTTPSErrors: true });
    await visitor.addInitScript(
      `addEventListener("securitypolicyviolation", (event) => (window.violations ??= []).push(event.blockedURI))`,
    );
    page = await visitor.newPage();
    complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
  });
  afterEach(async () => {
    await visitor.close();
    await server.close();
    await stopAll(host, 0);
  });

  const logIn = async (password = PASSWORD): Promise<void> => {
    await page.locator("#name").fill("ada");
    await page.locator("#password").fill(password);
    await page.locator("#form button").click();
  };
  /** What the page's own scripts are answered. */
  const tryOut = async (): Promise<string> => {
    const operation = page.locator(".opblock-post", { hasText: "/v1/services/p.who" });
    await operation.locator(".opblock-summary-control").click();
    await operation.locator(".try-out__btn").click();
    await operation.locator(".execute").click();
    await operation.locator(".live-responses-table .response-col_status").nth(1).waitFor();
    return (await operation.locator(".live-responses-table").textContent()) ?? "";
  };

  it.each([false, ...(missingOpenssl === undefined ? [true] : [])])(
    "leads to the API page, which does then what the account may, and out again; with TLS: %s",
    async (isTls) => {
      await start(isTls);
      await page.goto(`${server.url}/v1/docs/`);
      expect(page.url()).toBe(`${server.url}/v1/login?to=docs`);
      await page.locator("#form").waitFor();
      await logIn("wrong");
      await page.locator("#message", { hasText: "the name or the password is wrong" }).waitFor();
      await logIn();
      await page.waitForURL(`${server.url}/v1/docs/`);
      expect(await tryOut()).toContain("account:ada");
      const cookies = await visitor.cookies();
      const { port } = new URL(server.url);
      expect(cookies.map(({ name, httpOnly, sameSite, secure }) => [name, httpOnly, sameSite, secure])).toEqual([
        [isTls ? "__Host-bulkhead" : `bulkhead-${port}`, true, "Strict", isTls],
      ]);
      expect(await page.evaluate("document.cookie")).toBe("");
      await page.goto(`${server.url}/v1/login`);
      await page.locator("#principal", { hasText: "account:ada" }).waitFor();
      await page.locator("#out").click();
      await page.locator("#form").waitFor();
      expect(await visitor.cookies()).toEqual([]);
      await page.goto(`${server.url}/v1/docs/`);
      expect(page.url()).toBe(`${server.url}/v1/login?to=docs`);
      expect(await page.evaluate("window.violations ?? []")).toEqual([]);
      expect(complaints).toEqual([]);
    },
  );

  it("gives a session to no page of another origin, neither by a form, a script, a link nor a WebSocket", async () => {
    await start();
    await page.goto(`${server.url}/v1/login`);
    await page.locator("#form").waitFor();
    await logIn();
    await page.locator("#principal", { hasText: "account:ada" }).waitFor();
    const [secret] = await visitor.cookies();
    // Another port of the same machine is the same site, and cookies know no ports: the strict one goes there and back.
    const evil = await serving(`<a id="link" href="${server.url}/v1/session">x</a>
      <form id="form" method="post" action="${server.url}/v1/logout"><button>x</button></form>`);
    try {
      await page.goto(evil.url);
      expect(evil.seen.join()).toContain(secret?.value);
      const tried = await page.evaluate(async (url) => {
        const post = (how: RequestInit) =>
          fetch(`${url}/v1/logout`, { method: "POST", credentials: "include", ...how }).then(String, String);
        const socket = new WebSocket(`${url.replace("http", "ws")}/v1/events/ws`, "bulkhead.v1");
        const opened = new Promise((resolve) => {
          socket.onopen = () => resolve("open");
          socket.onerror = () => resolve("refused");
        });
        const read = fetch(`${url}/v1/session`, { credentials: "include" }).then(String, String);
        return [await post({}), await post({ mode: "no-cors" }), await read, await opened];
      }, server.url);
      expect(tried).toEqual([expect.stringContaining("Failed"), "[object Response]", expect.stringContaining("Failed"), "refused"]);
      await page.locator("#link").click();
      await page.waitForURL(/session/);
      expect(await page.locator("body").textContent()).toContain("refused");
      await page.goto(evil.url);
      await page.locator("#form button").click();
      await page.waitForURL(/logout/);
      expect(await page.locator("body").textContent()).toContain("refused");
      expect(accounts.sessions.check(secret?.value ?? "")).toMatchObject({ principal: "account:ada" });
    } finally {
      evil.server.closeAllConnections();
      evil.server.close();
    }
  });
});

/** `seen` are the cookies that it was shown. */
async function serving(html: string): Promise<{ readonly url: string; readonly server: Server; readonly seen: readonly string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.cookie ?? "");
    response.setHeader("content-type", "text/html").end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server, seen };
}
