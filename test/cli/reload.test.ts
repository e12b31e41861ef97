// `bulkhead reload` and SIGHUP: a host that runs takes what is written now, says what it did, and takes nothing of what is wrong.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bulkhead, COMMAND, type Ran } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const EMPTY = `(module (func (export "serve") (result i32) (i32.const 0)))`;

describe("reload", () => {
  let folder: TemporaryFolder;
  let host: ChildProcess;
  let said = "";
  const write = (configuration: object | string): void =>
    writeFileSync(
      join(folder.path, "bulkhead.json"),
      typeof configuration === "string" ? configuration : JSON.stringify({ adapters: { http: false }, ...configuration }),
    );
  const run = (...args: readonly string[]): Promise<Ran> => bulkhead(args, { cwd: folder.path });
  const saying = (text: string): Promise<true> => eventually(text, () => (said.includes(text) ? true : undefined));

  beforeEach(async () => {
    folder = temporaryFolder();
    said = "";
    for (const name of ["p", "q"]) await writePlugin(folder.path, name, EMPTY, { config: undefined });
    write({ plugins: { p: { path: "p", isolation: "inline" } } });
    host = spawn(process.execPath, [COMMAND, "serve"], { cwd: folder.path, stdio: ["ignore", "ignore", "pipe"] });
    host.stderr?.on("data", (piece) => {
      said += String(piece);
    });
    await saying("serving without HTTP");
  });
  afterEach(async () => {
    const ended = once(host, "exit");
    if (host.kill("SIGTERM")) await ended;
    folder.remove();
  });

  it("shows what is different, takes it, and tells the audit log the keys and no value", async () => {
    write({
      dataDir: "data",
      hostMsPerSecond: 77,
      drainMs: 1_234,
      plugins: { p: { path: "p", isolation: "inline" }, q: { path: "q", isolation: "inline" } },
    });
    const dry = await run("reload", "--dry-run");
    expect(dry.stdout).toMatch(/drainMs +│ +5000 +│ +1234 +│ +in force at once/);
    expect(dry.stdout).toMatch(/hostMsPerSecond .* after a restart of the host/);
    expect(dry.stdout).toMatch(/plugins\.q .* the plugin is added/);
    expect((await run("list")).stdout).not.toMatch(/^│? *q /m);
    const taken = await run("reload");
    expect(taken).toMatchObject({ code: 0, stdout: expect.stringMatching(/plugins\.q .* the plugin was added/) });
    expect(taken.stdout).toMatch(/hostMsPerSecond .* waits for a restart of the host/);
    expect(JSON.parse((await run("list", "--json")).stdout)).toMatchObject([{ plugin: "p" }, { plugin: "q", state: "running" }]);
    const [entry] = JSON.parse((await run("audit", "--json")).stdout).filter(({ action }: { action: string }) => action === "reload");
    expect(entry).toMatchObject({
      subject: "host",
      detail: { changed: ["drainMs", "plugins.q"], failed: [], waiting: ["hostMsPerSecond"] },
    });
    expect(JSON.stringify(entry)).not.toContain("1234");
    expect(await run("reload", "--json")).toMatchObject({ code: 0, stdout: expect.stringContaining('"isApplied": true') });
  });

  it("at SIGHUP takes what is right, and says what is wrong of what is not and goes on", async () => {
    write("{ this is no JSON");
    host.kill("SIGHUP");
    await saying("the configuration stays as it was");
    write({ plugins: { p: { path: "p", isolation: "inline" }, q: { path: "nowhere" } } });
    host.kill("SIGHUP");
    await saying("plugins.q: ");
    write({ plugins: { q: { path: "q", isolation: "inline" } }, hostMsPerSecond: 77 });
    host.kill("SIGHUP");
    await saying("3 values of bulkhead.json are different");
    await saying("hostMsPerSecond waits for a restart of the host");
    expect(JSON.parse((await run("list", "--json")).stdout)).toMatchObject([{ plugin: "q", state: "running" }]);
  });

  it("ends with 1 when something did not go through, and with 2 for a file that is wrong", async () => {
    await writePlugin(folder.path, "bad", EMPTY.replace(/\)$/, `(func (export "on_load") (result i32) (unreachable)))`));
    write({ plugins: { p: { path: "p", isolation: "inline" }, bad: { path: "bad", isolation: "inline" } } });
    expect(await run("reload")).toMatchObject({ code: 1, stdout: expect.stringMatching(/plugins\.bad .* not changed: /) });
    write({ plugins: { p: { path: "p", isolaton: "inline" } } });
    expect(await run("reload")).toMatchObject({ code: 2, stderr: expect.stringContaining("did you mean isolation?") });
    write({ plugins: { p: { path: "p", isolation: "inline" }, q: { path: "nowhere" } } });
    expect(await run("reload", "--dry-run")).toMatchObject({ code: 2, stderr: expect.stringContaining("nothing is changed") });
  });

  it("says that there is nothing to reload where no host runs", async () => {
    const ended = once(host, "exit");
    host.kill("SIGTERM");
    await ended;
    expect(await run("reload")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no host runs, so nothing is read anew; "bulkhead serve" starts one'),
    });
  });
});
