// The tutorial of docs/backup.md, run as somebody types it: a host is lost, and comes back without whom it should not let in.

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMAND } from "../support/command.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { blocksOf, commandsOf, patternOf, read } from "./markdown.ts";

describe("docs/backup.md", () => {
  const folder = temporaryFolder();
  beforeAll(() => writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify({ adapters: { http: false } })));
  afterAll(() => folder.remove());

  const run = (line: string): Promise<string> =>
    new Promise((resolve) => {
      const here = line.replaceAll("npx --no-install bulkhead", `"${process.execPath}" "${COMMAND}"`);
      execFile("sh", ["-c", `exec 2>&1\n${here}`], { cwd: folder.path }, (_error, stdout) =>
        resolve(stdout.replaceAll(/^no host runs on .*\n/gm, "").trimEnd()),
      );
    });

  it("shows what happens", async () => {
    const commands = blocksOf(read("docs/backup.md"))
      .filter(({ info }) => info === "sh tested")
      .flatMap(commandsOf);
    expect(commands.length).toBeGreaterThan(7);
    for (const { line, output } of commands) expect(await run(line), line).toMatch(patternOf(output));
  });
});
