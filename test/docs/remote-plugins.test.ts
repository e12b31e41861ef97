// docs/remote-plugins.md, run as somebody types it: a program that was written there joins a host and is called.

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { COMMAND } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { blocksOf, commandsOf, patternOf, ROOT, read } from "./markdown.ts";

let folder: TemporaryFolder;
const running: ChildProcess[] = [];
beforeEach(() => {
  folder = temporaryFolder();
  // As npm would have installed it.
  mkdirSync(join(folder.path, "node_modules"));
  symlinkSync(ROOT, join(folder.path, "node_modules", "bulkhead"));
  execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", join(ROOT, "plugin-sdk/remote-node")]);
});
afterEach(async () => {
  for (const child of running.splice(0)) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill();
    await ended;
  }
  folder.remove();
});

it("shows what happens", { timeout: 240_000 }, async () => {
  // Another port than the one that a host of this machine may have.
  const port = await freePort();
  const env = { ...process.env, BULKHEAD_REMOTE: `127.0.0.1:${port}` };
  const shellOf = (line: string): string =>
    line.replaceAll("npx --no-install bulkhead", `"${process.execPath}" "${COMMAND}"`).replaceAll(" node ", ` "${process.execPath}" `);
  const run = (line: string): Promise<string> =>
    new Promise((resolve) => {
      execFile("sh", ["-c", `exec 2>&1\n${shellOf(line)}`], { cwd: folder.path, env, timeout: 120_000 }, (_error, stdout) =>
        resolve(stdout.replaceAll(/^(?:no host runs on|fetching) .*\n/gm, "").trimEnd()),
      );
    });
  let count = 0;
  for (const block of blocksOf(read("docs/remote-plugins.md"))) {
    const file = / file=(\S+)$/.exec(block.info)?.[1];
    if (file !== undefined) {
      mkdirSync(dirname(join(folder.path, file)), { recursive: true });
      writeFileSync(join(folder.path, file), block.text.replace('"remotePlugins": {}', `"remotePlugins": { "port": ${port} }`));
    }
    if (block.info !== "sh tested") continue;
    for (const { line, output } of commandsOf(block)) {
      count += 1;
      if (line.endsWith(" &")) {
        const [variables = "", command = ""] = /^(\w+=\S+\(.*?\) )?(.*) &$/.exec(line)?.slice(1) ?? [];
        running.push(spawn("sh", ["-c", `${variables ?? ""}exec ${shellOf(` ${command}`).trim()}`], { cwd: folder.path, env }));
        continue;
      }
      // What was begun in the background takes its time.
      let said = await run(line);
      for (let tries = 0; running.length > 0 && tries < 30 && !patternOf(output).test(said); tries += 1) said = await run(line);
      expect(said, line).toMatch(patternOf(output));
    }
  }
  expect(count).toBe(8);
});
