// docs/tutorial.md is run from top to bottom as somebody types it, with the package that they would have: files are written where they stand, commands are
// run against the host that it starts.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { installPackage, userEnvironment } from "../support/installed-package.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { type Block, blocksOf, commandsOf, patternOf, read } from "./markdown.ts";

const PORT = "7420";
/** What a busy machine adds. */
const PATIENCE = /^still compiling .*\n/gm;
const env = userEnvironment();

const folder = temporaryFolder();
afterAll(() => folder.remove());
const { missing, skipped } = await installPackage(folder.path);

describe.skipIf(missing !== undefined)(`the tutorial${skipped}`, () => {
  let port: string;
  let host: ChildProcess | undefined;

  const here = (text: string): string => text.replaceAll(PORT, port);
  const run = (line: string): Promise<string> =>
    new Promise((resolve) => {
      const options = { cwd: folder.path, timeout: 180_000, env };
      execFile("sh", ["-c", `exec 2>&1\n${here(line)}`], options, (_error, stdout) => resolve(stdout.replaceAll(PATIENCE, "").trimEnd()));
    });
  const serve = async (line: string): Promise<void> => {
    const child = spawn("sh", ["-c", line], { cwd: folder.path, stdio: ["ignore", "ignore", "pipe"], detached: true, env });
    host = child;
    await new Promise<void>((resolve, reject) => {
      let said = "";
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk;
        if (said.includes("listening on")) resolve();
      });
      child.on("exit", () => reject(new Error(said)));
    });
  };
  const follow = async ({ info, text }: Block): Promise<number> => {
    const path = / file=(\S+)$/.exec(info)?.[1];
    if (path !== undefined) {
      mkdirSync(dirname(join(folder.path, path)), { recursive: true });
      writeFileSync(join(folder.path, path), here(text));
    }
    if (info === "sh background") await serve(text.trim());
    if (info !== "sh tested") return 0;
    const commands = commandsOf({ info, text });
    for (const { line, output } of commands) expect(await run(line), line).toMatch(patternOf(output));
    return commands.length;
  };

  beforeAll(async () => {
    port = String(await freePort());
  });
  afterAll(async () => {
    if (host?.pid === undefined || host.exitCode !== null) return;
    const ended = once(host, "exit");
    // npx and the shell around it too, as Ctrl-C on a terminal does.
    process.kill(-host.pid, "SIGINT");
    await ended;
  });

  it("shows what happens", { timeout: 600_000 }, async () => {
    let commands = 0;
    for (const block of blocksOf(read("docs/tutorial.md"))) commands += await follow(block);
    expect(commands).toBeGreaterThan(15);
  });
});
