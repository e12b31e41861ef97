// The catalogue in a browser, from a web server and from a file: it finds, and nothing that a plugin says of itself is ever more than text on it.

import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { catalogueOf } from "../../host/install/index/catalogue.ts";
import { parseIndex } from "../../host/install/index/plugin-index.ts";
import { describeWithBrowser, startBrowser } from "../support/browser.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const HOSTILE = '</script><script>window.ran = 1</script><img src=x onerror="window.ran = 2"><!-- \u202egnp.exe\u2028 &lt;b&gt; \u0000';
const version = (more: object = {}): object => ({
  ...{ version: "1.0.0", source: "./lamp.tgz", api: "0.2", permissions: [], services: [], events: [], extensionPoints: [] },
  ...{ bytes: 8, wasmSha256: "a".repeat(64), signers: [], dependencies: [] },
  ...more,
});
const plugin = (name: string, description: string, more?: object): object => ({ name, description, versions: [version(more)] });
const lamp = {
  ...{ name: "lamp", description: "turns light on and off" },
  versions: [
    version({ version: "1.1.0", services: ["lamp.turn-on"], signers: [{ keyid: "b".repeat(64), issuedAt: "2026-11-30T00:00:00.000Z" }] }),
    version(),
  ],
};
const hostile = plugin("evil", HOSTILE, {
  permissions: [{ permission: "http.fetch", resource: HOSTILE }],
  license: HOSTILE,
  dependencies: [{ plugin: "lamp", range: HOSTILE }],
  api: "<b>0.2</b>",
});
const catalogue = (...plugins: object[]) =>
  catalogueOf(parseIndex(Buffer.from(JSON.stringify({ version: 1, generatedAt: "2026-11-30T00:00:00.000Z", plugins })), "index.json"));

describe("a catalogue", () => {
  it("is the same for the same index, and has no markup of strangers in it", async () => {
    const files = await catalogue(lamp, hostile);
    expect([...files.keys()]).toEqual(["index.html", "catalogue.js", "catalogue.css"]);
    const page = files.get("index.html") ?? "";
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page).not.toContain("<img");
    for (const hidden of ["\u202e", "\u2028", "\u0000"]) expect(page).not.toContain(hidden);
    expect(files.get("catalogue.js")).toContain("Permission is hereby granted");
    expect(await catalogue(lamp, hostile)).toEqual(files);
  });
});

describeWithBrowser("a catalogue in a browser", () => {
  let browser: Browser;
  let folder: TemporaryFolder;
  let server: Server;

  beforeAll(async () => {
    browser = await startBrowser();
    folder = temporaryFolder();
    const many = Array.from({ length: 150 }, (_, i) => plugin(`other-${i}`, "one of many"));
    for (const [name, text] of await catalogue(lamp, hostile, plugin("thermostat", "keeps rooms warm"), ...many))
      writeFileSync(join(folder.path, name), text);
    const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" };
    server = createServer(({ url = "/" }, response) => {
      const name = url === "/" ? "index.html" : url.slice(1);
      const type = types[name.split(".").at(-1) ?? ""];
      if (type === undefined) return response.writeHead(404).end();
      response.writeHead(200, { "content-type": type }).end(readFileSync(join(folder.path, name)));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  });
  afterAll(async () => {
    await browser.close();
    server.close();
    folder.remove();
  });

  const addressOf = (how: string): string =>
    how === "a file" ? pathToFileURL(join(folder.path, "index.html")).href : `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const names = (page: Page): Promise<string[]> => page.locator("#plugins h2").allInnerTexts();

  it.each(["a file", "a web server"])("from %s finds, and runs nothing of strangers", async (how) => {
    const visitor = await browser.newContext();
    await visitor.addInitScript(
      `addEventListener("securitypolicyviolation", (event) => (window.violations ??= []).push(event.blockedURI))`,
    );
    const page = await visitor.newPage();
    const complaints: string[] = [];
    const asked: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => asked.push(request.url().split("/").at(-1) ?? ""));
    await page.goto(addressOf(how));

    expect(await page.locator("#count").textContent()).toBe("153 plugins, the first 100 of them below");
    expect(await page.locator("#made").textContent()).toBe("As of 2026-11-30");
    await page.locator("#query").fill("lamp");
    expect(await names(page)).toEqual(["lamp 1.1.0"]);
    const card = await page.locator("#plugins > li").textContent();
    for (const text of ["./lamp.tgz", "bbbbbbbbbbbbbbbb… on 2026-11-30", "1.0.0", "not said", "lamp.turn-on"]) expect(card).toContain(text);
    await page.locator("#query").fill("warm");
    expect(await names(page)).toEqual(["thermostat 1.0.0"]);
    await page.locator("#query").fill("nothing-like-it");
    expect(await page.locator("#count").textContent()).toBe("0 plugins");

    await page.locator("#query").fill("evil");
    const evil = page.locator("#plugins > li");
    const shown = HOSTILE.replace("\u202e", "\\u{202e}").replace("\u2028", "\\u{2028}").replace("\u0000", "\\u{0}");
    expect(await evil.locator("p").textContent()).toBe(shown);
    for (const text of [`http.fetch ${shown}`, `lamp ${shown}`, "<b>0.2</b>"])
      expect(await evil.locator("dd").allTextContents()).toContain(text);
    expect(await evil.locator("img, script, b").count()).toBe(0);
    expect(await evil.locator(".unsigned").textContent()).toBe("nobody");

    expect(await page.evaluate("[window.ran, window.violations]")).toEqual([undefined, undefined]);
    expect(complaints).toEqual([]);
    expect(asked.filter((name) => name !== "favicon.ico").sort()).toEqual(
      [how === "a file" ? "index.html" : "", "catalogue.css", "catalogue.js"].sort(),
    );
    // What would be run or fetched anyway, the policy stops.
    await page.evaluate(`document.body.insertAdjacentHTML("beforeend", '<img src="http://127.0.0.1:9/x" onerror="window.ran = 3">')`);
    await page.waitForFunction("(window.violations ?? []).length >= 2");
    expect(await page.evaluate("window.ran")).toBeUndefined();
    await visitor.close();
  });
});
