// `bulkhead dev` as an author uses it: edits, mistakes, and Ctrl-C.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makePlugin } from "../../host/cli/new.ts";
import { COMMAND } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const STEP_MS = 60_000;

describe("bulkhead dev", () => {
  let folder: TemporaryFolder;
  let plugin: string;
  let said = "";
  const children: ChildProcess[] = [];

  const start = (...args: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ["ignore", "ignore", "pipe"], detached: true });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    children.push(child);
    return child;
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    plugin = await makePlugin(join(folder.path, "sample"), "javascript");
    said = "";
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    folder.remove();
  });

  const times = (text: string): number => said.split(text).length - 1;
  const saying = (text: string, count: number): Promise<unknown> =>
    eventually(`"${text}" ${count} times; it said:\n${said}`, () => times(text) >= count || undefined, STEP_MS);
  const greeting = async (): Promise<string> => {
    const [, url] = /listens on (\S+)/.exec(said) ?? [];
    const { message } = (await (await fetch(`${url}/sample/Ada`)).json()) as { readonly message: string };
    return message;
  };
  const edit = (change: (source: string) => string): void => {
    const file = join(plugin, "src", "index.js");
    writeFileSync(file, change(readFileSync(file, "utf8")));
  };

  it(
    "exchanges the plugin at every change, and keeps the last one that was good",
    async () => {
      const child = start("dev", plugin, "--port", "0");
      await saying("sample 0.1.0: running", 1);
      expect(await greeting()).toBe("Hello, Ada!");

      edit((source) => source.replace(/, (?=\$\{name\}!)/, ", dear "));
      await saying("sample 0.1.0: running", 2);
      expect(await greeting()).toBe("Hello, dear Ada!");

      edit((source) => `${source}\nthis is no code\n`);
      await saying("sample does not compile", 1);
      await eventually("it names the line", () => /src\/index\.js:\d+/.test(said) || undefined);
      expect(await greeting()).toBe("Hello, dear Ada!");

      // It compiles and cannot start.
      edit((source) =>
        source.replace("\nthis is no code\n", "").replace("services: {", 'onLoad() { throw new Error("not today"); },\n  services: {'),
      );
      await saying("not today", 1);
      await eventually("the one before is back", async () => (await greeting()) === "Hello, dear Ada!" || undefined, STEP_MS);

      edit((source) => source.replace(/onLoad\(\) \{.*\},\n/, "").replace("dear ", ""));
      await saying("sample 0.1.0: running", 3);
      expect(await greeting()).toBe("Hello, Ada!");

      // As a terminal does: to the whole group of processes.
      process.kill(-(child.pid ?? 0), "SIGINT");
      const [code] = await once(child, "exit");
      expect([code, said.trimEnd().split("\n").at(-1)]).toEqual([0, "stopped"]);
      expect(said).not.toContain("died");
    },
    5 * STEP_MS,
  );

  it(
    "uses the host of the configuration when that runs, and leaves it running",
    async () => {
      const config = join(folder.path, "bulkhead.json");
      writeFileSync(config, '{ "dataDir": "data", "adapters": { "http": { "port": 0 } } }');
      start("serve", "--config", config);
      await saying("listening on", 1);
      const [, url] = /listening on (\S+);/.exec(said) ?? [];
      const child = start("dev", plugin, "--config", config);
      await saying("sample 0.1.0: running", 1);
      expect(said).toContain(`sample runs in the host of ${join(folder.path, "data")}`);
      process.kill(child.pid ?? 0, "SIGINT");
      expect(await once(child, "exit")).toEqual([0, null]);
      const answer = await fetch(`${url}/sample/Ada`);
      expect(await answer.json()).toEqual({ message: "Hello, Ada!", times: 1 });
    },
    2 * STEP_MS,
  );
});
