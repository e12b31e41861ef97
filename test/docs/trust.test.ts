// docs/publishing.md, docs/trust.md, docs/transparency-log.md and docs/catalogue.md, run as somebody types them: a publisher signs, a host knows his key, and somebody else's gets no further.

import { execFile } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COMMAND } from "../support/command.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { blocksOf, commandsOf, patternOf, read } from "./markdown.ts";

describe("the pages about signatures", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
    cpSync(ownPlugin("hello"), join(folder.path, "hello"), { recursive: true });
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify({ adapters: { http: false } }));
  });
  afterEach(() => folder.remove());

  // What one line exports is there for those after it, as in somebody's shell.
  const exported: string[] = [];
  const run = (line: string): Promise<string> =>
    new Promise((resolve) => {
      const here = line.replaceAll("npx --no-install bulkhead", `"${process.execPath}" "${COMMAND}"`);
      const { BULKHEAD_SIGNING_KEY: _key, SOURCE_DATE_EPOCH: _epoch, ...own } = process.env;
      const env = { ...own, XDG_CONFIG_HOME: join(folder.path, "config") };
      execFile("sh", ["-c", `exec 2>&1\n${exported.join("\n")}\n${here}`], { cwd: folder.path, env, timeout: 120_000 }, (_error, stdout) =>
        resolve(stdout.replaceAll(/^(?:no host runs on|fetching) .*\n/gm, "").trimEnd()),
      );
      exported.push(...[...line.matchAll(/^export [A-Z_]+=\S+?(?=;|\s|$)/g)].map(([words]) => words));
    });

  it.each([
    ["docs/publishing.md", 9],
    ["docs/trust.md", 9],
    ["docs/transparency-log.md", 6],
    ["docs/catalogue.md", 9],
  ])("%s shows what happens", { timeout: 240_000 }, async (page, least) => {
    exported.length = 0;
    let count = 0;
    for (const block of blocksOf(read(page))) {
      const file = / file=(\S+)$/.exec(block.info)?.[1];
      if (file !== undefined) writeFileSync(join(folder.path, file), block.text);
      if (block.info !== "sh tested") continue;
      for (const { line, output } of commandsOf(block)) {
        expect(await run(line), line).toMatch(patternOf(output));
        count += 1;
      }
    }
    expect(count).toBeGreaterThanOrEqual(least);
  });
});
