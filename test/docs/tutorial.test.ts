// docs/tutorial.md is run from top to bottom: files are written where they stand, commands are run against the host that it starts.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { type Block, blocksOf, commandsOf, ROOT, read } from "./markdown.ts";

const PORT = "7420";
const BIN = join(ROOT, "bin/bulkhead.mjs");
// npx would ask the registry when it finds no package; here it is always this checkout's command.
const NPX = `npx() { shift; "${process.execPath}" "${BIN}" "$@"; }\n`;

/** A pattern in which … stands for anything. */
const patternOf = (output: string): RegExp =>
  new RegExp(
    `^${output
      .split("…")
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

describe("the tutorial", () => {
  let folder: TemporaryFolder;
  let port: string;
  let host: ChildProcess | undefined;

  const here = (text: string): string => text.replaceAll(PORT, port);
  const run = (line: string): Promise<string> =>
    new Promise((resolve) => {
      const options = { cwd: folder.path, timeout: 60_000 };
      execFile("sh", ["-c", `${NPX}exec 2>&1\n${here(line)}`], options, (_error, stdout) => resolve(stdout.trimEnd()));
    });
  const serve = async (): Promise<void> => {
    const child = spawn(process.execPath, [BIN, "serve"], { cwd: folder.path, stdio: ["ignore", "ignore", "pipe"] });
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
    if (info === "sh background") await serve();
    if (info !== "sh tested") return 0;
    const commands = commandsOf({ info, text });
    for (const { line, output } of commands) expect(await run(line), line).toMatch(patternOf(output));
    return commands.length;
  };

  beforeAll(async () => {
    folder = temporaryFolder();
    port = String(await freePort());
    for (const name of ["node_modules", "scripts"]) symlinkSync(join(ROOT, name), join(folder.path, name));
  });
  afterAll(async () => {
    if (host?.exitCode === null) await new Promise((resolve) => host?.once("exit", resolve) && host.kill("SIGTERM"));
    folder.remove();
  });

  it("shows what happens", { timeout: 120_000 }, async () => {
    let commands = 0;
    for (const block of blocksOf(read("docs/tutorial.md"))) commands += await follow(block);
    expect(commands).toBeGreaterThan(15);
  });
});
