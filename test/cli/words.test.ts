// What the command says to people: true, in one form, with what to do next.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fitted } from "../../host/cli/fit.ts";
import { bulkhead, COMMAND } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const SILENT = `(module (func (export "greet") (result i32) (i32.const 0)))`;
const READS = { permission: "state.read", resource: "devices.*", reason: "to look" };

describe("the command", () => {
  let folder: TemporaryFolder;
  let host: ChildProcess | undefined;
  let said: string;

  const at = (name: string): string => join(folder.path, name);
  const run = (...args: string[]) => bulkhead(args, { cwd: folder.path });
  const configure = (plugins: object = {}): void =>
    writeFileSync(at("bulkhead.json"), JSON.stringify({ adapters: { http: false }, plugins }));
  const serve = async (...args: string[]): Promise<void> => {
    const child = spawn(process.execPath, [COMMAND, "serve", ...args], { cwd: folder.path, stdio: ["ignore", "ignore", "pipe"] });
    host = child;
    said = "";
    await new Promise<void>((resolve, reject) => {
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk;
        if (said.includes("Ctrl-C stops")) resolve();
      });
      child.on("exit", () => reject(new Error(said)));
    });
  };

  beforeEach(() => {
    folder = temporaryFolder();
    configure();
  });
  afterEach(async () => {
    if (host !== undefined && host.exitCode === null) {
      const ended = once(host, "exit");
      host.kill("SIGTERM");
      await ended;
    }
    host = undefined;
    folder.remove();
  });

  it("shows in the audit log what was granted, and says that no host runs", async () => {
    const path = await writePlugin(folder.path, "reader", SILENT, { permissions: [READS] });
    await run("install", path, "--grant", "all");
    const { stdout, stderr } = await run("audit");
    expect(stdout).toContain('grants=[{"permission":"state.read","resource":"devices.*"}]');
    expect(stdout).not.toContain("[object");
    expect(stderr).toContain(`no host runs on ${at("data")}`);
  });

  it("says at start how each plugin is, installed or left out", async () => {
    const path = await writePlugin(folder.path, "reader", SILENT);
    await run("install", path, "--grant", "none");
    configure({ broken: { path: "nowhere" } });
    await serve();
    expect(said).toContain("reader 1.0.0: running (process)");
    expect(said).toMatch(/broken : left out \(process\): .*nowhere.*cannot be read/);
  });

  it("starts a plugin again that was left out, once it is mended, and one that was unloaded", async () => {
    configure({ late: { path: "late" } });
    await serve();
    const listed = async (): Promise<object[]> => JSON.parse((await run("list", "--json")).stdout);
    expect(await listed()).toMatchObject([{ plugin: "late", state: "left out", failure: expect.stringContaining("cannot be read") }]);
    expect((await run("info", "late")).stdout).toContain("left out");
    expect(await run("start", "late")).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot be read") });
    await writePlugin(folder.path, "late", SILENT);
    expect(await run("start", "late")).toMatchObject({ code: 0, stderr: expect.stringContaining("late is running") });
    await run("unload", "late");
    expect(await listed()).toMatchObject([{ state: "unloaded" }]);
    expect(await run("stop", "late")).toMatchObject({ code: 1, stderr: expect.stringContaining("not there") });
    expect(await run("start", "late")).toMatchObject({ code: 0, stderr: expect.stringContaining("late is running") });
    expect(await run("start", "ghost")).toMatchObject({ code: 2, stderr: expect.stringContaining("neither installed nor configured") });
  });

  it("reads plugin.json anew at a restart, and keeps what runs when that is broken", async () => {
    const path = await writePlugin(folder.path, "reader", SILENT);
    configure({ reader: { path: "reader" } });
    await serve();
    const manifest = JSON.parse(readFileSync(join(path, "plugin.json"), "utf8")) as object;
    const write = (changes: object): void => writeFileSync(join(path, "plugin.json"), JSON.stringify({ ...manifest, ...changes }));
    const info = async (): Promise<object> => JSON.parse((await run("info", "reader", "--json")).stdout);
    write({ version: "1.0.1", services: { "reader.greet": { entryPoint: "greet" } } });
    expect((await run("restart", "reader")).code).toBe(0);
    expect(await info()).toMatchObject({ version: "1.0.1", services: ["reader.greet"] });
    write({ version: "1.0.2", services: { "reader.greet": { entryPoint: "great" } } });
    expect(await run("restart", "reader")).toMatchObject({ code: 2, stderr: expect.stringContaining("great") });
    expect(await info()).toMatchObject({ version: "1.0.1", state: "running" });
  });

  it("does not say that a grant is in force which the manifest never asks for", async () => {
    configure({ reader: { path: await writePlugin(folder.path, "reader", SILENT, { permissions: [READS] }) } });
    expect((await run("grant", "reader", "state.write", "devices.*")).stderr).toContain("it changes nothing");
    expect((await run("grant", "reader", "state.read", "devices.*")).stderr).toContain("in force when the host starts");
  });

  it("does not say that all is well when nobody could be asked", async () => {
    const path = await writePlugin(folder.path, "reader", SILENT);
    await run("install", path, "--grant", "none");
    expect(await run("outdated")).toMatchObject({ code: 0, stdout: expect.stringContaining("all installed plugins") });
    rmSync(path, { recursive: true });
    expect(await run("outdated")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("nobody could say whether reader is outdated"),
    });
  });

  it("refuses wrong usage as it refuses all else, with --json as JSON", async () => {
    expect(await run("lst")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^bulkhead: invalid-message: unknown command 'lst'\n {2}\(Did you mean list\?\)\n.*bulkhead help/),
    });
    expect(await run("sends", "dead", "show")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("bulkhead: invalid-message: missing required"),
    });
    const { code, stdout } = await run("info", "ghost", "--json");
    expect([code, JSON.parse(stdout)]).toEqual([
      2,
      { error: { code: "invalid-message", message: "there is no plugin ghost; known: none" } },
    ]);
    expect(JSON.parse((await run("list", "--jsn", "--json")).stdout)).toMatchObject({ error: { code: "invalid-message" } });
  });

  it("names next what must come first, by the name that it was called by", async () => {
    const make = async (name: string, lang: string, env: NodeJS.ProcessEnv): Promise<string> =>
      (await bulkhead(["new", name, "--lang", lang], { cwd: folder.path, env })).stderr;
    const [path, npx] = [
      { npm_command: "", npm_lifecycle_event: "" },
      { npm_command: "exec", npm_lifecycle_event: "npx" },
    ];
    expect(await make("greeter", "typescript", path)).toContain("cd greeter && npm install && bulkhead test");
    expect(await make("rusty", "rust", path)).toContain("cd rusty && bulkhead test");
    // Not what npx would look for at a registry.
    expect(await make("other", "rust", npx)).toContain("cd other && npx --no-install bulkhead test");
  });

  it("completes the names of plugins, without touching a data folder", async () => {
    configure({ reader: { path: "reader" } });
    const script = `bulkhead() { "${process.execPath}" "${COMMAND}" "$@"; }; eval "$(bulkhead completion bash)"; COMP_WORDS=(bulkhead info r); COMP_CWORD=2; _bulkhead; echo "\${COMPREPLY[@]}"`;
    const shell = spawn("bash", ["-c", script], { cwd: folder.path, stdio: ["ignore", "pipe", "inherit"] });
    const [output] = (await once(shell.stdout, "data")) as [Buffer];
    expect(output.toString()).toContain("reader");
    expect(existsSync(at("data"))).toBe(false);
  });
});

describe("a table", () => {
  const rows = [
    ["plugin", "failure"],
    ["a", "the quick brown fox jumps over the lazy dog"],
    ["b", "x".repeat(30)],
  ];

  it("stays as it is where there is no terminal, or room enough", () => {
    expect(fitted(rows, undefined)).toEqual(rows);
    expect(fitted(rows, 200)).toEqual(rows);
  });

  it("breaks its widest cells where there is not, and loses nothing", () => {
    for (const columns of [24, 30, 40]) {
      const broken = fitted(rows, columns);
      const widths = [0, 1].map((i) => Math.max(...broken.flatMap((row) => (row[i] ?? "").split("\n")).map((line) => line.length)));
      expect((widths[0] ?? 0) + (widths[1] ?? 0) + 7).toBeLessThanOrEqual(columns);
      expect(broken.map((row) => row.join("|").replaceAll(/\s/g, ""))).toEqual(rows.map((row) => row.join("|").replaceAll(/\s/g, "")));
    }
  });
});
