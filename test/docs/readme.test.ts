// What the README shows is run. A block `<language> file=<path>` is a file; a block `sh tested` is run beside these files; a block `sh served`
// is run against a host with the repository's configuration. Below `$ <command>` stands the command's output.

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../host/cli/exit-codes.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { userEnvironment } from "../support/installed-package.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { type Block, blocksOf, type Command, commandsOf, ROOT, read } from "./markdown.ts";

const blocks = blocksOf(read("README.md"));
const marked = (word: string): Command[] => blocks.filter(({ info }) => info === `sh ${word}`).flatMap(commandsOf);
const configuration = parseConfiguration(read("bulkhead.json"), join(ROOT, "bulkhead.json"));

/** What the command prints on both streams. */
function run(line: string, cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile("sh", ["-c", line], { cwd, timeout: 60_000, env: userEnvironment() }, (_error, stdout, stderr) =>
      // A machine that is busy is told so.
      resolve(`${stdout}${stderr}`.replaceAll(/^still compiling .*\n/gm, "").trimEnd()),
    );
  });
}

function writeFiles(folder: string): string[] {
  return blocks.flatMap(({ info, text }: Block) => {
    const path = / file=(\S+)$/.exec(info)?.[1];
    if (path === undefined) return [];
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    return [path];
  });
}

describe("the README", () => {
  let folder: TemporaryFolder;
  let host: RunningHost;

  beforeAll(async () => {
    folder = temporaryFolder();
    // A checkout to which the README's files are added.
    for (const name of readdirSync(ROOT)) if (!name.startsWith(".git")) symlinkSync(join(ROOT, name), join(folder.path, name));
    expect(writeFiles(folder.path)).toEqual(["greeter/assembly/index.ts", "greeter/plugin.json"]);
    const http = { ...Object(configuration.adapters.http), port: 0 };
    host = await createHost({
      configuration: { ...configuration, dataDir: join(folder.path, "data"), adapters: { http } },
      log: memoryLog(),
    });
  });
  afterAll(async () => {
    await host.stop();
    folder.remove();
  });

  it("has a first plugin of ten lines", () => {
    const [source] = blocks.filter(({ info }) => info.endsWith("index.ts"));
    expect(
      source?.text
        .trim()
        .split("\n")
        .filter((line) => line !== "").length,
    ).toBeLessThanOrEqual(10);
  });

  // In one test, because the commands build on each other.
  it("builds and calls the first plugin with the output it shows", async () => {
    const commands = marked("tested");
    expect(commands.length).toBeGreaterThan(1);
    for (const { line, output } of commands) expect(await run(line, folder.path), line).toBe(output);
  });

  it("gets from a running host what it shows", async () => {
    const commands = marked("served");
    expect(commands.length).toBeGreaterThan(1);
    for (const { line, output } of commands) {
      const here = line.replace("localhost:7420", new URL(host.url ?? "").host);
      expect(here, "the command asks this test's own host").not.toBe(line);
      expect(await run(here, folder.path), line).toBe(output);
    }
  });

  it("shows a configuration that is one", () => {
    const [example] = blocks.filter(({ info }) => info === "json config");
    const { plugins } = parseConfiguration(example?.text ?? "", "README.md");
    expect(plugins.automation?.grants).toHaveLength(2);
  });

  it("names the port and the exit codes of the code", async () => {
    expect(configuration.adapters.http).toMatchObject({ host: "127.0.0.1", port: 7420 });
    const codes = [...read("README.md").matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
    expect(codes).toEqual(Object.values(EXIT));
  });
});
