// The API page: that a browser shows it and what a stranger's manifest says is text there, that nothing breaks its policy and nothing is asked of others.

import { readFileSync } from "node:fs";
import { get as httpGet } from "node:http";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PAGE_PACKAGE } from "../../host/adapters/http/docs-page.ts";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { testContext } from "../support/adapter-context.ts";
import { describeWithBrowser, startBrowser } from "../support/browser.ts";
import { manifestOf } from "../support/catalogs.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell } from "../support/scripted-cell.ts";

const SCRIPT: Script = { greet: (input) => input };
const MARKUP = [
  "<script>window.pwned = 1</script>",
  '<img src="http://evil.example/i.png" onerror="window.pwned = 1">',
  "![i](http://evil.example/i.png)",
  "[click](javascript:window.pwned=1)",
  "http://evil.example/link",
  "<style>body{display:none}</style>",
  "**bold**",
];
const HOSTILE = MARKUP.join(" ");
const INPUT = {
  type: "object",
  title: HOSTILE,
  description: HOSTILE,
  properties: { [MARKUP[0] ?? ""]: { type: "string", description: HOSTILE, default: HOSTILE, enum: [HOSTILE] }, name: { type: "string" } },
};
const MANIFEST = {
  description: HOSTILE,
  services: {
    "p.greet": { entryPoint: "greet", readOnly: true, description: HOSTILE, input: INPUT, output: INPUT, errors: { odd: HOSTILE } },
  },
  contributes: { http: { routes: [{ method: "GET", path: "/p/:name", service: "p.greet" }] } },
};

let host: Host;
let server: HttpServer;

beforeEach(async () => {
  const log = memoryLog();
  host = new Host(hostPorts({ clock: systemClock, log }));
  host.add(definition("p", SCRIPT, { services: [{ name: "p.greet", entryPoint: "greet" }] }), scriptedCell({ p: SCRIPT }));
  await startAll(host, log);
  const { context, manifests } = testContext(host, { log, adapter: "http", parse: parseRoutes });
  manifests.set("p", manifestOf(MANIFEST));
  server = await startHttpServer(httpOptions.parse({ port: 0 }), context);
});
afterEach(async () => {
  await server.close();
  await stopAll(host, 0);
});

describe("the API page's files", () => {
  it("are its own and three of the package, under a policy without exceptions", async () => {
    for (const path of ["", "page.js", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"]) {
      const { status, headers } = await fetch(`${server.url}/v1/docs/${path}`);
      expect(status, path).toBe(200);
      expect(headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(headers.get("content-security-policy")).not.toContain("unsafe");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    const page = await (await fetch(`${server.url}/v1/docs/`)).text();
    expect(page).not.toMatch(/<script(?![^>]* src=)|<style| on[a-z]+=|https?:/);
    expect((await fetch(`${server.url}/v1/docs`)).url).toBe(`${server.url}/v1/docs/`);
  });

  it.each([
    ...["index.html", "swagger-initializer.js", "swagger-ui-bundle.js.map", "package.json", "absolute-path.js", "SWAGGER-UI.CSS"],
    ...["../swagger-ui-dist/package.json", "..%2fpackage.json", "%2e%2e/package.json", "swagger-ui.css%00", "swagger-ui.css/"],
  ])("do not have %s", async (path) => {
    // `fetch` would write it anew.
    const status = await new Promise((resolve, reject) =>
      httpGet(`${server.url}/v1/docs/x`, { path: `/v1/docs/${path}` }, (response) => resolve(response.resume().statusCode)).on(
        "error",
        reject,
      ),
    );
    expect(status).toBe(404);
  });

  it("come from an optional peer of the range that the message about a missing one names", () => {
    const { peerDependencies } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(peerDependencies[PAGE_PACKAGE.name]).toBe(PAGE_PACKAGE.range);
  });
});

describeWithBrowser("the API page in a browser", () => {
  let browser: Browser;
  let page: Page;
  let foreign: string[];
  let complaints: string[];

  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    page = await browser.newPage();
    [foreign, complaints] = [[], []];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(server.url) && !url.startsWith("data:") && !url.startsWith("blob:")) foreign.push(url);
    });
    await page.addInitScript(`addEventListener("securitypolicyviolation", (event) => (window.violations ??= []).push(event.blockedURI))`);
  });
  afterEach(() => page.close());

  /** Everything is unfolded, also what shows schemas. */
  const unfold = async (): Promise<void> => {
    await page.goto(`${server.url}/v1/docs/`);
    await page.locator(".opblock").first().waitFor();
    for (const control of await page.locator(".opblock-summary-control").all()) await control.click();
    await page.locator(".opblock .responses-table").first().waitFor();
    for (const closed of await page.locator('.models button[aria-expanded="false"]').all()) await closed.click();
    for (const more of await page.locator(".json-schema-2020-12__title, .json-schema-2020-12-expand-deep-button").all())
      await more.click({ timeout: 2_000 }).catch(() => {});
  };

  it("shows what strangers say as text: nothing of it runs, leads anywhere or is asked for", async () => {
    await unfold();
    const text = await page.locator("body").textContent();
    for (const said of MARKUP) expect(text).toContain(said);
    expect(await page.evaluate("window.pwned")).toBeUndefined();
    expect(
      await page
        .locator('#page a[href*="evil"], #page a[href^="javascript"], #page img[src*="evil"], #page strong:text-is("bold")')
        .count(),
    ).toBe(0);
    expect(await page.evaluate("window.violations ?? []")).toEqual([]);
    expect(complaints).toEqual([]);
    expect(foreign).toEqual([]);
  });

  it("tries a service out", async () => {
    await page.goto(`${server.url}/v1/docs/`);
    const operation = page.locator(".opblock-post", { hasText: "/v1/services/p.greet" });
    await operation.locator(".opblock-summary-control").click();
    await operation.locator(".try-out__btn").click();
    await operation.locator("textarea.body-param__text").fill('{"name":"Ada"}');
    await operation.locator(".execute").click();
    await operation.locator(".live-responses-table .response-col_status").nth(1).waitFor();
    expect(await operation.locator(".live-responses-table").textContent()).toContain('"name": "Ada"');
    expect(await page.evaluate("window.violations ?? []")).toEqual([]);
    expect(complaints).toEqual([]);
    expect(foreign).toEqual([]);
  });

  it("reads no other document, whatever its address says", async () => {
    await page.goto(`${server.url}/v1/docs/?url=http://evil.example/x.json&configUrl=http://evil.example/c.json`);
    await page.locator(".opblock").first().waitFor();
    expect(foreign).toEqual([]);
  });
});
