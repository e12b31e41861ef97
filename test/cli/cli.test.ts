// The command as people run it: a process of its own, its streams and its exit code.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COMMAND } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { wat } from "../support/wat.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What npm links as `bulkhead`; in a checkout it runs the sources. */
const LAUNCHER = join(ROOT, "bin", "bulkhead.mjs");

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  args: readonly string[],
  { input, node = process.execPath, cwd = ROOT }: { input?: string; node?: string; cwd?: string } = {},
): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(node, [COMMAND, ...args], { cwd, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

const EXTISM = `(module
  (import "extism:host/env" "input_length" (func $n (result i64))) (import "extism:host/env" "input_offset" (func $at (result i64)))
  (import "extism:host/env" "output_set" (func $out (param i64 i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64))) (import "extism:host/env" "length" (func $len (param i64) (result i64)))
  (import "extism:host/user" "state_get" (func $state (param i64) (result i64)))
  (func (export "echo") (result i32) (call $out (call $at) (call $n)) (i32.const 0))
  (func (export "fail") (result i32) (i32.const 3))
  (func (export "ask") (result i32) (local i64) (local.set 0 (call $state (call $at))) (call $out (local.get 0) (call $len (local.get 0))) (i32.const 0))
  (func (export "spin") (result i32) (loop $l (br $l)) (i32.const 0)))`;

describe("bulkhead", () => {
  let folder: TemporaryFolder;
  let plain: string;

  beforeEach(async () => {
    folder = temporaryFolder();
    plain = join(folder.path, "Plain Plugin.wasm");
    writeFileSync(plain, await wat(EXTISM));
  });
  afterEach(() => folder.remove());

  describe("call", () => {
    it("runs an export of a plain Extism module on text, a file and standard input", async () => {
      expect(await run(["call", plain, "echo", "--input", "grüezi 🌍"])).toEqual({ code: 0, stdout: "grüezi 🌍", stderr: "" });
      const file = join(folder.path, "input.txt");
      writeFileSync(file, "x".repeat(1024 * 1024));
      expect((await run(["call", plain, "echo", "-i", `@${file}`])).stdout).toHaveLength(1024 * 1024);
      expect((await run(["call", plain, "echo", "-i", "-"], { input: "piped" })).stdout).toBe("piped");
      expect((await run(["call", plain, "echo"])).stdout).toBe("");
    });

    it("runs an entry point of a plugin's folder", async () => {
      const { code, stdout } = await run(["call", ownPlugin("hello"), "greet", "--input", '{"name":"Zoë"}']);
      expect([code, stdout]).toEqual([0, expect.stringContaining("Zoë")]);
    });

    it("exits with 3 when the plugin refuses, and says the reason", async () => {
      const hello = ["call", ownPlugin("hello"), "greet", "--input", "{}"];
      expect(await run(hello)).toMatchObject({
        code: 3,
        stdout: "",
        stderr: expect.stringMatching(/^bulkhead: refused \(invalid-input\): the input of hello.greet must have name/),
      });
    });

    it("grants nothing", async () => {
      expect((await run(["call", plain, "ask", "--input", "some.key"])).stdout).toContain("permission-denied");
    });

    it("exits with 1 when the plugin fails or loops, with the reason on standard error", async () => {
      expect(await run(["call", plain, "fail"])).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringContaining("plugin-failed: plain-plugin returned 3"),
      });
      expect(await run(["call", plain, "spin", "--timeout", "100"])).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/cpu-exhausted|deadline-exceeded/),
      });
    });

    it("exits with 2 for what it cannot read or find, and says what there is", async () => {
      expect(await run(["call", plain, "nope"])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("its module exports echo, fail, ask, spin"),
      });
      expect(await run(["call", join(folder.path, "ghost.wasm"), "echo"])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("neither a plugin's folder"),
      });
      expect(await run(["call", plain, "echo", "-i", "@ghost.txt"])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("cannot be read"),
      });
      expect(await run(["call", plain])).toMatchObject({ code: 2, stderr: expect.stringContaining("is no service; name one") });
      expect(await run(["call", plain, "echo", "--timeout", "soon"])).toMatchObject({ code: 2 });
      expect(await run(["call", plain, "echo", "--set", "novalue"])).toMatchObject({ code: 2 });
    });

    it("refuses a module that may not run, with the reason", async () => {
      const bad = await writePlugin(
        folder.path,
        "bad",
        `(module (import "wasi_snapshot_preview1" "fd_open" (func (param i32 i32 i32 i32) (result i32))))`,
      );
      expect(await run(["call", bad, "x"])).toMatchObject({ code: 1, stderr: expect.stringMatching(/admission-refused[\s\S]*fd_open/) });
    });
  });

  it("tells its version, its commands and its exit codes", async () => {
    expect((await run(["version"])).stdout).toMatch(/^bulkhead \d+\.\d+\.\d+, plugin api 0\.1 and 0\.2, node \d+/);
    const help = await run(["help"]);
    expect(help.code).toBe(0);
    for (const word of ["serve", "call", "version", "Exit codes:"]) expect(help.stdout).toContain(word);
    expect(await run(["nonsense"])).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown command") });
  });

  it("ends in silence when whoever reads it has seen enough", async () => {
    const shell = spawn("sh", ["-c", '"$0" "$1" completion bash | true', process.execPath, COMMAND], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    shell.stderr.on("data", (chunk) => {
      stderr += String(chunk);
    });
    await once(shell, "close");
    expect(stderr).toBe("");
  });

  it("restarts itself on its own Node where the system's is too old, or says in one line what is missing", async () => {
    const pretend = join(folder.path, "old.mjs");
    // Stands in for an old Node: the launcher's first lines see its version.
    writeFileSync(pretend, `Object.defineProperty(process.versions, "node", { value: "20.0.0" });`);
    const old = await new Promise<Result>((resolve) => {
      execFile(process.execPath, ["--import", pretend, LAUNCHER, "version"], (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      );
    });
    expect(old).toMatchObject({ code: 0, stdout: expect.stringContaining("plugin api") });
    expect(existsSync(join(ROOT, "node_modules/node/bin/node"))).toBe(true);
  });

  describe("serve", () => {
    it("serves until SIGINT, stops cleanly and says what it does", async () => {
      const plugin = await writePlugin(folder.path, "p", EXTISM, { services: { "p.echo": { entryPoint: "echo" } } });
      writeFileSync(join(folder.path, "c.json"), JSON.stringify({ adapters: { http: { port: 0 } }, plugins: { p: { path: plugin } } }));
      const child = spawn(process.execPath, [LAUNCHER, "serve", "--config", "c.json"], {
        cwd: folder.path,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let stderr = "";
      child.stderr.on("data", (chunk) => {
        stderr += String(chunk);
      });
      const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
      await eventually("the first word", () => (stderr.includes("starting") ? true : undefined));
      child.kill("SIGHUP");
      const url = await eventually("listening", () => /listening on (http:\S+);/.exec(stderr)?.[1]);
      child.kill("SIGHUP");
      const answer = await fetch(`${url}/v1/services/p.echo`, {
        method: "POST",
        body: '"hi"',
        headers: { "content-type": "application/json" },
      });
      expect(await answer.text()).toBe('"hi"');
      child.kill("SIGINT");
      expect(await ended).toBe(0);
      for (const line of [
        "starting 1 plugins of c.json",
        "SIGHUP: a log in a file goes on in a file of that name, and the configuration is read anew",
        "p 1.0.0: running (process)",
        "stopping: queued turns get up to 5000 ms",
        "stopped",
      ])
        expect(stderr).toContain(line);
      expect(existsSync(join(folder.path, "data", "storage", "p.sqlite"))).toBe(true);
    });

    it("exits with 2 for a configuration that is missing or malformed, naming the path", async () => {
      expect(await run(["serve"], { cwd: folder.path })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("bulkhead.json cannot be read; name the configuration with --config"),
      });
      writeFileSync(join(folder.path, "bulkhead.json"), '{"plugins":{"p":{"path":1}}}');
      expect(await run(["serve"], { cwd: folder.path })).toMatchObject({ code: 2, stderr: expect.stringContaining("plugins.p.path") });
      expect(await run(["serve", "--port", "99999"], { cwd: folder.path })).toMatchObject({ code: 2 });
    });
  });
});
