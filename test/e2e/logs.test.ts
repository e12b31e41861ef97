// The log of a whole host: a plugin's lines by way of the funnel into a file, in memory and to who follows; levels that change while it runs.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { bulkhead, COMMAND, type Ran } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

/** Logs what it is given, at two levels, and answers; or goes on for ever. */
const TALKER = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "log_debug" (func $debug (param i64)))
  (import "extism:host/env" "log_warn" (func $warn (param i64)))
  (memory (export "memory") 1)
  (func (export "say") (result i32) (call $debug (call $input)) (call $warn (call $input)) (i32.const 0))
  (func (export "flood") (result i32) (loop $again (call $warn (call $input)) (br $again)) (i32.const 0)))`;
const HOSTILE = "red \u001b[31malert\u202e\n2026-01-01 INFO host: all is well";

describe("the log of a host", () => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  const children = new Set<ChildProcess>();
  const run = (...args: readonly string[]): Promise<Ran> => bulkhead(args, { cwd: folder.path });
  const file = (): string => join(folder.path, "data", "logs", "bulkhead.log");
  const written = (path = file()): Record<string, unknown>[] =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const messagesOf = (plugin: string): string[] =>
    written().flatMap((line) => (line["log.logger"] === plugin ? [`${line["log.level"]} ${line.message}`] : []));
  const follow = (...args: readonly string[]): AsyncIterator<string> => {
    const child = spawn(process.execPath, [COMMAND, "logs", "--follow", ...args], {
      cwd: folder.path,
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.add(child);
    return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    await writePlugin(folder.path, "talker", TALKER, {
      services: { "talker.say": { entryPoint: "say" }, "talker.flood": { entryPoint: "flood" } },
      limits: { cpuMs: 200 },
    });
    await writePlugin(folder.path, "neighbour", TALKER, { services: { "neighbour.say": { entryPoint: "say" } } });
    const text = JSON.stringify({
      adapters: { http: false },
      drivers: { log: { to: "file", format: "ecs", level: "info" } },
      plugins: { talker: { path: "talker", logLevel: "warning" }, neighbour: { path: "neighbour" } },
    });
    writeFileSync(join(folder.path, "bulkhead.json"), text);
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")) });
  });
  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    children.clear();
    await host.stop();
    folder.remove();
  });

  it("writes a plugin's lines from its own level on, which an operator changes while it runs, and the audit log says so", async () => {
    await host.call("talker.say", "one");
    await eventually("the first line", () => (messagesOf("talker").length > 0 ? true : undefined));
    expect(messagesOf("talker")).toEqual(['warning "one"']);
    expect(await run("logs", "level", "talker", "debug")).toMatchObject({
      code: 0,
      stderr: "lines of talker are written from debug on, until the host stops\n",
    });
    await host.call("talker.say", "two");
    await eventually("the next lines", () => (messagesOf("talker").length > 2 ? true : undefined));
    expect(messagesOf("talker").slice(1)).toEqual(['debug "two"', 'warning "two"']);
    const levels = JSON.parse((await run("logs", "level", "--json")).stdout) as unknown;
    expect(levels).toEqual([
      { plugin: "host", level: "info", from: "drivers.log" },
      { plugin: "talker", level: "debug", from: "run time" },
      { plugin: "neighbour", level: "info", from: "drivers.log" },
    ]);
    expect(await run("logs", "level", "talker", "configured")).toMatchObject({ stderr: "lines of talker are written from warning on\n" });
    expect(await run("logs", "level", "walker", "debug")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("known: host, talker, neighbour"),
    });
    const { stdout } = await run("audit", "--json");
    const entries = JSON.parse(stdout) as { readonly action: string; readonly subject: string; readonly detail: unknown }[];
    expect(entries.filter(({ action }) => action === "set-log-level")).toEqual([
      expect.objectContaining({ subject: "talker", detail: { level: "debug", before: "warning" } }),
      expect.objectContaining({ subject: "talker", detail: { level: "configured", before: "debug" } }),
    ]);
  });

  it("shows the last lines and those that come, and nothing in them moves a terminal or makes a line", async () => {
    await host.call("talker.say", HOSTILE);
    const lines = follow("talker");
    const { value: first } = await lines.next();
    const shown = (await run("logs", "talker")).stdout.trimEnd().split("\n");
    expect(shown).toHaveLength(1);
    expect(shown[0]).toMatch(/^\d{4}-\S+Z WARNING talker: "red \\u001b\[31malert\\u\{202e\}\\n2026-01-01 INFO host: all is well"$/);
    expect(first).toBe(shown[0]);
    await host.call("talker.say", "more");
    expect((await lines.next()).value).toMatch(/talker: "more"$/);
    const [json] = (await run("logs", "talker", "--json", "-n", "1")).stdout.trimEnd().split("\n");
    expect(JSON.parse(json ?? "")).toMatchObject({ plugin: "talker", by: "guest", level: "warning", message: '"more"' });
    expect(await run("logs", "--level", "error")).toMatchObject({ code: 0, stdout: "" });
    expect(await run("logs", "walker")).toMatchObject({ code: 2, stderr: expect.stringContaining("there is no plugin walker") });
  });

  it("stays readable for others while a plugin floods it, and goes on in a new file after the old one was moved away", async () => {
    const flooded = host.call("talker.flood", "x".repeat(4_000)).catch((thrown: unknown) => thrown);
    await flooded;
    await eventually("that lines were dropped", () =>
      written().some(({ message }) => /logMiBPerMinute/.test(String(message))) ? true : undefined,
    );
    renameSync(file(), `${file()}-moved`);
    host.reopenLog();
    await host.call("neighbour.say", "still heard");
    await eventually("the new file", () => (existsSync(file()) && messagesOf("neighbour").length > 0 ? true : undefined));
    expect(messagesOf("neighbour")).toEqual(['warning "still heard"']);
    expect(written(`${file()}-moved`).length).toBeGreaterThan(100);
  });

  it("is for who runs the host: without one the command says so", async () => {
    await host.stop();
    expect(await run("logs")).toMatchObject({ code: 1, stderr: expect.stringContaining("no host runs, so nothing is logged") });
    expect(await run("logs", "--follow")).toMatchObject({ code: 1, stderr: expect.stringContaining("no host runs on") });
  });
});
