// What `bulkhead new` makes is gone through as its README says, line by line, with the package as a user has it: built, tested, called, run, packed, and then
// installed from the tarball.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TEMPLATES, type TemplateName } from "../../host/cli/new.ts";
import { eventually } from "../support/eventually.ts";
import { installPackage, userEnvironment } from "../support/installed-package.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { itWith } from "../support/toolchains.ts";
import { blocksOf } from "./markdown.ts";

const TIMEOUT_MS = 900_000;
const folder = temporaryFolder();
afterAll(() => folder.remove());
const { missing, skipped } = await installPackage(folder.path);
const user = userEnvironment();
const env = { ...user, PATH: `${join(folder.path, "node_modules", ".bin")}${delimiter}${user.PATH ?? ""}` };

const shell = (line: string, cwd: string): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile("sh", ["-c", `exec 2>&1\n${line}`], { cwd, env, timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(new Error(`${line}: ${stdout}`)),
    );
  });

interface Served extends AsyncDisposable {
  readonly url: string;
}

/** Starts what serves and says where; ends it as Ctrl-C does. */
async function served(line: string, cwd: string): Promise<Served> {
  const child: ChildProcess = spawn("sh", ["-c", `exec ${line}`], { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  const ended = once(child, "exit");
  const url = await eventually(line, () => {
    if (child.exitCode !== null) throw new Error(said);
    return /listen(?:s|ing) on (http:\S+?);?\s/.exec(said)?.[1];
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGINT");
      await ended;
    },
  };
}

const greeting = async (url: string, name: string): Promise<unknown> =>
  eventually("it answers", async () => {
    const answer = await fetch(`${url}/${name}/Ada`);
    return answer.ok ? answer.json() : undefined;
  });

/** The commands of the README, without what is said of them. */
const commandsIn = (readme: string): string[] =>
  blocksOf(readme)
    .flatMap(({ text }) => text.trim().split("\n"))
    .map((line) => line.replace(/\s+# .*$/, ""));

describe.skipIf(missing !== undefined)(`what bulkhead new makes${skipped}`, async () => {
  for (const [template, { language, title }] of Object.entries(TEMPLATES)) {
    const name = `sample-${template satisfies string as TemplateName}`;
    await itWith(
      language,
      `does in ${title} what its README says`,
      async () => {
        const plugin = join(folder.path, name);
        await shell(`bulkhead new ${name} --lang ${template}`, folder.path);
        const readme = readFileSync(join(plugin, "README.md"), "utf8");
        expect(readme).not.toMatch(/\{\{|my-plugin/);
        const configuration = JSON.parse(readFileSync(join(plugin, "bulkhead.json"), "utf8"));
        writeFileSync(
          join(plugin, "bulkhead.json"),
          JSON.stringify({ ...configuration, adapters: { http: { host: "127.0.0.1", port: 0 } } }),
        );
        const [, once] = /(npm install --save-exact [^`]+)`, once/.exec(readme) ?? [];
        if (once !== undefined) await shell(once, folder.path);
        const done: string[] = [];
        for (const line of commandsIn(readme)) {
          if (line === "bulkhead dev") {
            await using dev = await served(line, plugin);
            expect(await greeting(dev.url, name)).toEqual({ message: "Hello, Ada!", times: 1 });
          } else if (line.startsWith("bulkhead call")) expect(await shell(line, plugin)).toContain('"message":"Hello, Ada!"');
          else if (line.startsWith("curl")) expect(line).toBe(`curl localhost:7420/${name}/Ada`);
          else await shell(line, plugin);
          done.push(line.split(" ").slice(0, 2).join(" "));
        }
        expect(done.slice(-6)).toEqual([
          "bulkhead build",
          "bulkhead test",
          "bulkhead call",
          "bulkhead dev",
          `curl localhost:7420/${name}/Ada`,
          "bulkhead pack",
        ]);
        const host = join(folder.path, `host-of-${template}`);
        await shell(`mkdir ${host} && echo '{ "adapters": { "http": { "port": 0 } } }' > ${host}/bulkhead.json`, folder.path);
        await shell(`bulkhead install ../${name}/${name}-0.1.0.tgz --grant all`, host);
        await using serving = await served("bulkhead serve", host);
        expect(await greeting(serving.url, name)).toEqual({ message: "Hello, Ada!", times: 1 });
      },
      TIMEOUT_MS,
    );
  }

  it("are as many as there are languages", () => {
    expect(Object.keys(TEMPLATES)).toHaveLength(9);
  });
});
