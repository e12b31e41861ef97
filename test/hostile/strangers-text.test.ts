// What strangers say is text: a plugin that says it in every place that there is, on a host that runs as people run it, and every command and document that
// shows any of it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWithBrowser, startBrowser } from "../support/browser.ts";
import { bulkhead, COMMAND, type Ran } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { messageIn, sentAs } from "../support/mcp-messages.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { HOSTILE, HOSTILE_NAME, leaksIn, MARKUP, writeBroken, writeHostile, writeVictim } from "../support/strangers-text.ts";

const REFUSAL = `\u0001${JSON.stringify({ code: "not-found", message: HOSTILE })}`;

let folder: TemporaryFolder;
let host: ChildProcess;
let url: string;
const said = { stdout: "", stderr: "" };

const run = (...args: readonly string[]): Promise<Ran> => bulkhead(args, { cwd: folder.path });
const post = (service: string, body: string): Promise<Response> =>
  fetch(`${url}/v1/services/${service}`, { method: "POST", body, headers: { "content-type": "application/octet-stream" } });

beforeAll(async () => {
  folder = temporaryFolder();
  for (const name of ["evil", "other", "installed"]) await writeHostile(folder.path, name);
  await writeHostile(folder.path, "installed", { folder: "later", version: "1.1.0" });
  await writeVictim(folder.path);
  await writeBroken(folder.path);
  const plugins = Object.fromEntries(["evil", "victim", "broken"].map((name) => [name, { path: name, grants: "all" }]));
  const adapters = { http: { port: 0, mcp: true, graphql: true } };
  const configuration = { adapters, events: { keep: ["**"] }, sends: { maxAttempts: 1 }, plugins };
  writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify(configuration));
  writeFileSync(join(folder.path, "said"), HOSTILE);
  writeFileSync(join(folder.path, "json"), JSON.stringify(HOSTILE));
  writeFileSync(join(folder.path, "refusal"), REFUSAL);
  writeFileSync(join(folder.path, "object"), JSON.stringify({ [HOSTILE]: 1 }));
  host = spawn(process.execPath, [COMMAND, "serve"], { cwd: folder.path });
  for (const stream of ["stdout", "stderr"] as const)
    host[stream]?.setEncoding("utf8").on("data", (piece: string) => {
      said[stream] += piece;
    });
  url = await eventually("listening", () => /listening on (\S+);/.exec(said.stderr)?.[1]);
  for (const name of ["log", "send", "say"]) await post(`evil.${name}`, HOSTILE);
  await post("evil.publish", JSON.stringify(HOSTILE));
  for (const name of ["keep", "blob"]) await post(`evil.${name}`, HOSTILE_NAME);
  await post("evil.say", REFUSAL);
  expect((await run("install", "./installed", "--grant", "all")).code).toBe(0);
  await run("block", "nobody@*", "--reason", HOSTILE.replaceAll("\0", ""));
});
afterAll(async () => {
  host.kill("SIGTERM");
  await once(host, "exit");
  folder.remove();
});

/** What each command that can show any of it must have in what it prints: that it was there, made harmless. */
const SHOWS: readonly (readonly [command: string, shows: string | RegExp])[] = [
  ["list", /broken.*\\u\{1b\}/s],
  ["info evil", /description.*said \\u\{0\}.*evil\.echo \(only reads\)/s],
  ["permissions evil", /\\u\{202e\}/],
  ["permissions report", /evil/],
  ["install ./other --dry-run", /\\u\{202e\}/],
  ["update installed ./later --dry-run", /\\u\{202e\}/],
  ["outdated", /./],
  ["lock", /./],
  ["drift", /./],
  ["types", /evil\.strict/],
  ["types --plugin ./other", /other\.strict/],
  ["check ./other", /./],
  ["inspect ./other", /\\u\{202e\}/],
  ["audit -n 1000", /./],
  ["block", /\\u\{202e\}/],
  ["schedules", /yearly/],
  ["events history", /evil\.said/],
  ["events stats", /evil\.said/],
  ["events dead list", /\\u\{202e\}/],
  ["events dead show 1", /\\u\{202e\}/],
  ["sends stats", /victim\.tell/],
  ["sends dead list", /\\u\{202e\}/],
  ["sends dead show 1", /\\u\{202e\}/],
  ["storage keys evil", /\\u\{202e\}/],
  ["storage log evil", /./],
  ["blobs list evil", /\\u\{202e\}/],
  ["mcp list", /evil/],
  ["mcp allow evil --yes", /\\u\{202e\}/],
  ["token list", /./],
  ["user list", /./],
  ["secret list", /./],
  ["keys list", /./],
  ["logs evil", /ERROR {3}evil: said .*\\u\{202e\}/],
  ["logs level", /evil/],
  ["config show --effective", /evil/],
  ["restart broken", /\\u\{202e\}/],
];

const NO_NUL = HOSTILE.replaceAll("\0", "");
const FILE = ["--input", "@said"];
/** What prompts themselves say to a terminal: colours, and where to go on. */
const OWN_SEQUENCES = new RegExp(`${String.fromCharCode(0x1b)}\\[[0-9;?]*[A-Za-z]`, "g");

/** What whoever runs the command says himself, and what plugins answer him. */
const SAYS: readonly (readonly [what: string, args: readonly string[], shows: RegExp])[] = [
  ["a failure", ["call", "evil.say", ...FILE], /plugin-failed: said \\u\{0\}/],
  ["a refusal", ["call", "evil.say", "--input", "@refusal"], /refused \(not-found\): said \\u\{0\}/],
  ["input that is refused", ["call", "evil.strict", "--input", "@object"], /refused \(invalid-input\).*\\u\{1b\}/s],
  ["a service that is none", ["call", NO_NUL], /is no service/],
  ["logs of an export", ["call", "./evil", "log", ...FILE], /INFO evil: said \\u\{0\}.*ERROR evil: said/s],
  ["events of an export", ["call", "./evil", "publish", "--input", "@json"], /published evil\.said "said .*\\u\{202e\}/],
  ["a failure of an export", ["call", "./evil", "say", ...FILE], /plugin-failed: said \\u\{0\}/],
  ["a grant", ["grant", "evil", "http.fetch", `https://example.com/${NO_NUL}`, "--reason", NO_NUL], /\\u\{1b\}/],
  ["a plugin that is not there", ["info", NO_NUL], /is no source of plugins/],
  ["a permission that is none", ["grant", "evil", NO_NUL, "x"], /invalid-message/],
  ["a folder that is none", ["inspect", `./${NO_NUL}`], /neither a plugin's folder/],
  ["a configuration that is none", ["list", "--config", NO_NUL], /cannot be read/],
  ["an option that is none", ["list", `--${NO_NUL}`], /unknown option/],
  ["a command that is none", [NO_NUL], /unknown command/],
  ["a token", ["token", "create", NO_NUL, "--scope", `services.call:${NO_NUL}`], /is no /],
  ["a secret", ["secret", "remove", NO_NUL], /there is no secret/],
  ["a dead letter again", ["events", "dead", "redeliver", "1"], /evil\.said.*\\u\{202e\}/],
  ["a sent dead letter again", ["sends", "dead", "redeliver", "1"], /said \\u\{0\}/],
  ["a replay", ["events", "replay", "--to", "evil"], /evil\.said.*\\u\{202e\}/],
];

/** What a manifest may not have is named all the same. */
const INVALID: readonly (readonly [where: string, manifest: object])[] = [
  ["a key", { [HOSTILE]: HOSTILE }],
  ["a name", { name: HOSTILE }],
  ["a version", { version: HOSTILE }],
  ["an api", { api: HOSTILE }],
  ["a service", { services: { [HOSTILE]: { entryPoint: HOSTILE } } }],
  ["a reason", { services: { "odd.x": { entryPoint: "x", errors: { [HOSTILE]: HOSTILE } } } }],
  ["a permission", { permissions: [{ permission: HOSTILE, resource: HOSTILE, reason: HOSTILE }] }],
  ["a resource", { permissions: [{ permission: "http.fetch", resource: HOSTILE, reason: HOSTILE }] }],
  ["a dependency", { dependencies: { [HOSTILE]: HOSTILE, devices: HOSTILE } }],
  ["a schedule", { schedules: [{ name: HOSTILE, entryPoint: "x", cron: HOSTILE, timezone: HOSTILE }] }],
  ["a schema", { api: "0.2", config: { type: HOSTILE, pattern: HOSTILE, $ref: HOSTILE, [HOSTILE]: 1 } }],
  ["a route", { contributes: { http: { routes: [{ method: HOSTILE, path: HOSTILE, service: HOSTILE }] } } }],
  ["a file", { wasm: HOSTILE }],
];

const harmless = ({ stdout, stderr }: Ran): string => {
  expect(leaksIn(stdout)).toEqual([]);
  expect(leaksIn(stderr)).toEqual([]);
  return stdout + stderr;
};

describe("the text of strangers on a terminal", () => {
  it.each(SHOWS)("is text in: bulkhead %s", async (command, shows) => {
    expect(harmless(await run(...command.split(" ")))).toMatch(shows);
    harmless(await run(...command.split(" "), "--json"));
  });

  it.each(SAYS)("is text where the command answers to %s", async (_what, args, shows) => {
    expect(harmless(await run(...args))).toMatch(shows);
    if (args[0] !== "call") harmless(await run(...args, "--json"));
  });

  it.each(INVALID)("is text where it is %s that a manifest may not have", async (_where, manifest) => {
    await writePlugin(folder.path, "odd", "(module)", manifest);
    for (const command of ["check", "install"]) {
      const ran = await run(command, "./odd");
      expect(harmless(ran)).toMatch(/^bulkhead: /m);
      expect(ran.code).not.toBe(0);
    }
  });

  it.each([[], ["--json"]])("is text in events as they come, one a line, whatever separates lines in them %s", async (...json) => {
    const child = spawn(process.execPath, [COMMAND, "events", "tail", "evil.said", ...json], { cwd: folder.path });
    let seen = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (piece: string) => {
        seen += piece;
      });
    await eventually(
      "an event",
      async () => (await post("evil.publish", JSON.stringify(HOSTILE))).ok && seen.includes("evil.said") && seen.endsWith("\n"),
    );
    child.kill("SIGTERM");
    await once(child, "exit");
    expect(leaksIn(seen)).toEqual([]);
    const whole = json.length > 0 ? /^\{.*\}$/ : /^\d{4}-\S+ {2}evil\.said {2}\/plugins\/evil {2}\{.*\}$/;
    for (const line of seen.trimEnd().split("\n")) expect(line).toMatch(whole);
  });

  it.each([[], ["--json"]])("is text in the audit log as it goes on, one entry a line %s", async (...json) => {
    const child = spawn(process.execPath, [COMMAND, "audit", "--follow", ...json], { cwd: folder.path });
    let seen = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (piece: string) => {
        seen += piece;
      });
    await eventually("what was", () => /block/.test(seen));
    expect((await run("block", "afterwards@*", "--reason", NO_NUL)).code).toBe(0);
    await eventually("what comes", () => /afterwards/.test(seen) && seen.endsWith("\n"));
    child.kill("SIGTERM");
    await once(child, "exit");
    expect(leaksIn(seen)).toEqual([]);
    expect(seen).toMatch(/202e/);
    const whole = json.length > 0 ? /^\{.*\}$/ : /^\S/;
    for (const line of seen.trimEnd().split("\n")) expect(line).toMatch(whole);
  });

  it("is text where somebody is asked what it may do", async () => {
    const command = [process.execPath, COMMAND, "install", "./other"].map((part) => `'${part}'`).join(" ");
    const child = spawn("script", ["-qec", `stty cols 4000 rows 200 && ${command}`, "/dev/null"], { cwd: folder.path });
    let seen = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      seen += piece;
    });
    await eventually("the question", () => seen.includes("What may other do?"));
    child.stdin.write("\r");
    await eventually("the list", () => seen.includes("Granted:"));
    child.stdin.write("\u0003");
    await once(child, "exit");
    const shown = seen.replace(OWN_SEQUENCES, "").replaceAll("\r", "");
    expect(leaksIn(shown)).toEqual([]);
    expect(shown).toContain("\\u{202e}");
    expect(JSON.parse((await run("list", "--json")).stdout).map(({ name }: { name: string }) => name)).not.toContain("other");
  });

  it("is text on the terminal of the host, and in its log", () => {
    for (const stream of [said.stdout, said.stderr]) expect(leaksIn(stream)).toEqual([]);
    expect(said.stderr).toMatch(/broken 1\.0\.0: failed .*said \\u\{0\}/);
    expect(said.stdout).toContain("said \\\\u{0}");
  });

  it("is bytes for a program that asks for them", async () => {
    expect((await run("call", "evil.echo", ...FILE)).stdout).toBe(HOSTILE);
  });
});

describe("the text of strangers over HTTP", () => {
  it.each(["/v1/openapi.json", "/v1/asyncapi.json", "/v1/plugins"])("shows in %s, all of it", async (path) => {
    const answer = await fetch(`${url}${path}`);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    const text = await answer.text();
    expect(leaksIn(text)).toEqual([]);
    expect(text).toMatch(/202e/);
    JSON.parse(text);
  });

  it("is no markup in documents, and the same as in the manifest where it is a value", async () => {
    const text = await (await fetch(`${url}/v1/openapi.json`)).text();
    const values: unknown[] = [];
    const document = JSON.parse(text, (key, value) => {
      if (key === "enum") values.push(...value);
      return value;
    });
    const { description } = document.paths["/v1/services/evil.strict"].post;
    expect(description).toMatch(/^said /);
    expect(description).not.toMatch(/[<>\\]/);
    expect(values).toContain(HOSTILE);
  });

  it("shows in problem details, all of it", async () => {
    const asked = [
      ["evil.say", HOSTILE],
      ["evil.say", REFUSAL],
      ["evil.strict", JSON.stringify({ [HOSTILE]: 1 })],
      [encodeURIComponent(HOSTILE_NAME.slice(0, 80)), ""],
    ] as const;
    for (const [service, body] of asked) {
      const answer = await post(service, body);
      expect(answer.ok).toBe(false);
      expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
      expect(leaksIn(await answer.text())).toEqual([]);
    }
    for (const path of [HOSTILE, MARKUP].map(encodeURIComponent)) {
      const answer = await fetch(`${url}/v1/${path}`);
      expect(answer.status).toBe(404);
      expect(leaksIn(await answer.text())).toEqual([]);
    }
  });
});

describe("the text of strangers in answers of other protocols", () => {
  const MCP_INIT = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  const toModel = async (method: string, params: object): Promise<string> => {
    const { headers, body } = sentAs("2025-11-25", { jsonrpc: "2.0", id: 1, method, params: { ...params } });
    return (await fetch(`${url}/mcp`, { method: "POST", headers, body })).text();
  };
  const toGraphQL = async (query: string, headers: Record<string, string> = {}): Promise<string> => {
    const asked = { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify({ query }) };
    return (await fetch(`${url}/graphql`, asked)).text();
  };

  it.each([
    ["what it says of itself", "{ __schema { types { name description fields { name description } } } }"],
    ["an error of a service", `mutation { evil_say(input: ${JSON.stringify(HOSTILE)}) }`],
    ["an answer of a service", `{ evil_echo(input: ${JSON.stringify(HOSTILE)}) }`],
    ["a query that is none", `{ ${HOSTILE} }`],
  ])("shows in GraphQL, all of it: %s", async (_what, query) => {
    const text = await toGraphQL(query);
    expect(leaksIn(text)).toEqual([]);
    expect(text).toMatch(/202e|0000/);
    const streamed = await toGraphQL(query, { accept: "text/event-stream" });
    expect(leaksIn(streamed)).toEqual([]);
  });

  it("shows in tools, all of it", async () => {
    await run("mcp", "allow", "evil", "--yes");
    expect(await toModel("initialize", MCP_INIT)).toContain("protocolVersion");
    const tools = await toModel("tools/list", {});
    expect(tools).toContain("evil");
    const failed = await toModel("tools/call", { name: "evil.say", arguments: { input: HOSTILE } });
    expect(failed).toContain("202e");
    for (const text of [tools, failed]) expect(leaksIn(text)).toEqual([]);
    const [tool] = (messageIn(tools).result as { readonly tools: readonly { readonly description: string }[] }).tools;
    expect(tool?.description).toContain("\\u{202e}");
  });

  it("shows in tools on standard output, all of it", async () => {
    const child = spawn(process.execPath, [COMMAND, "mcp"], { cwd: folder.path });
    let seen = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      seen += piece;
    });
    const tell = (message: object): unknown => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    tell({ id: 1, method: "initialize", params: MCP_INIT });
    tell({ method: "notifications/initialized" });
    tell({ id: 2, method: "tools/list", params: {} });
    tell({ id: 3, method: HOSTILE, params: {} });
    await eventually("both answers", () => /"id":2/.test(seen) && /"id":3/.test(seen) && seen.endsWith("\n"));
    child.kill("SIGTERM");
    await once(child, "exit");
    expect(leaksIn(seen)).toEqual([]);
    expect(seen).toContain("202e");
  });
});

describeWithBrowser("the text of strangers in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  it.each(["/v1/docs/", "/v1/login"])("is text in %s: nothing of it is an element, runs or breaks the policy", async (path) => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    const foreign: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.location().url.endsWith("/favicon.ico")) complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) foreign.push(request.url());
    });
    await page.addInitScript(`addEventListener("securitypolicyviolation", (event) => (window.violations ??= []).push(event.blockedURI))`);
    await page.goto(`${url}${path}`);
    if (path === "/v1/docs/") {
      await page.locator(".opblock").first().waitFor();
      for (const control of await page.locator(".opblock-summary-control").all()) await control.click();
      await page.locator(".opblock .responses-table").first().waitFor();
      expect(await page.locator("body").textContent()).toContain(MARKUP);
    }
    expect(await page.evaluate("window.pwned")).toBeUndefined();
    expect(await page.locator('script:not([src]), [onerror], img[src*="evil.example"], a[href*="evil.example"]').count()).toBe(0);
    expect(await page.evaluate("window.violations ?? []")).toEqual([]);
    expect(complaints).toEqual([]);
    expect(foreign).toEqual([]);
    await page.close();
  });
});
