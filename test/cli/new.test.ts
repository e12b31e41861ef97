// From `bulkhead new` to a plugin that passes its test, in every language.

import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePlugin, TEMPLATES } from "../../host/cli/new.ts";
import { bulkhead } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { itWith } from "../support/toolchains.ts";

const BUILD_TIMEOUT_MS = 600_000;

describe("bulkhead new", async () => {
  let folder: TemporaryFolder;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => folder.remove());

  for (const [name, { language, title }] of Object.entries(TEMPLATES)) {
    await itWith(
      language,
      `makes a plugin in ${title} that builds and passes its test`,
      async () => {
        const plugin = join(folder.path, `sample-${name}`);
        expect(await bulkhead(["new", plugin, "--lang", name])).toMatchObject({ code: 0, stdout: `${plugin}\n` });
        const tested = await bulkhead(["test", plugin, "--", "--test-reporter=tap"], { timeoutMs: BUILD_TIMEOUT_MS });
        expect(tested, `${tested.stdout}${tested.stderr}`).toMatchObject({ code: 0 });
        expect(tested.stdout).toContain("# pass 4\n");
      },
      BUILD_TIMEOUT_MS,
    );
  }

  it("hands arguments after -- to the tests of the folder where one is", async () => {
    const plugin = await makePlugin(join(folder.path, "picky"), "assemblyscript");
    const args = ["test", "--", "--test-reporter=tap", "--test-name-pattern=greets with"];
    const { stdout } = await bulkhead(args, { cwd: plugin, timeoutMs: BUILD_TIMEOUT_MS });
    expect(stdout).toContain("# pass 1\n");
  });

  it("refuses a name that no plugin may have, and makes nothing", async () => {
    for (const name of ["Greeter", "host", "9lives"]) {
      const { code, stderr } = await bulkhead(["new", join(folder.path, "names", name), "--lang", "c"]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(`"${name}" is no plugin's name: write 1 to 63 lower-case letters`)]);
    }
    expect(existsSync(join(folder.path, "names"))).toBe(false);
  });

  it("never writes into a folder that is there", async () => {
    const taken = join(folder.path, "taken");
    mkdirSync(taken);
    writeFileSync(join(taken, "mine.txt"), "mine");
    await expect(makePlugin(taken, "go")).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("is there already"),
    });
    expect(readdirSync(taken)).toEqual(["mine.txt"]);
  });

  it("says when there can be no folder, and makes one that others may read as far as the umask lets them", async () => {
    writeFileSync(join(folder.path, "file"), "");
    const { code, stderr } = await bulkhead(["new", join(folder.path, "file", "greeter"), "--lang", "c"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`no folder can be made in ${join(folder.path, "file")}`)]);
    mkdirSync(join(folder.path, "beside"));
    const made = await makePlugin(join(folder.path, "readable"), "c");
    expect(statSync(made).mode).toBe(statSync(join(folder.path, "beside")).mode);
  });

  it("asks for a language where there is no terminal to ask on", async () => {
    const { code, stderr } = await bulkhead(["new", join(folder.path, "mute")]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("say --lang and one of assemblyscript, rust, go")]);
  });
});

describe("bulkhead build", async () => {
  let folder: TemporaryFolder;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => folder.remove());

  it("says what is missing and how to get it", async () => {
    const plugin = await makePlugin(join(folder.path, "bare"), "go");
    // No Go on PATH, nor where the table looks besides: the commands are not found by their names.
    const { code, stderr } = await bulkhead(["build", plugin], { env: { PATH: folder.path, BULKHEAD_GO: join(folder.path, "none") } });
    expect(code).toBe(1);
    expect(stderr).toContain("Go 1.24 or later is missing; install it with one of these\n  https://go.dev/doc/install\n");
  });

  it("keeps the module of before when the sources do not compile, and names file and line", async () => {
    const plugin = await makePlugin(join(folder.path, "broken"), "assemblyscript");
    expect(await bulkhead(["build", plugin])).toMatchObject({ code: 0 });
    const before = readFileSync(join(plugin, "broken.wasm"));
    const source = join(plugin, "assembly", "index.ts");
    writeFileSync(source, `${readFileSync(source, "utf8")}\nlet wrong: i32 = "text";\n`);
    const { code, stderr } = await bulkhead(["build", plugin]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/broken does not compile[\s\S]*assembly\/index\.ts\(\d+,\d+\)/);
    expect(readFileSync(join(plugin, "broken.wasm")).equals(before)).toBe(true);
  });

  for (const [template, call, source, before] of [
    ["typescript", 'const WORD = config.get("greeting");\n', "src/index.ts", "const decoder"],
    ["python", 'WORD = config.get("greeting")\n\n', "plugin.py", "def message_to"],
  ] as const) {
    await itWith(template, `says in one line that nothing of the host is there at module level, in ${template}`, async () => {
      const plugin = await makePlugin(join(folder.path, `early-${template}`), template);
      const file = join(plugin, source);
      writeFileSync(file, readFileSync(file, "utf8").replace(before, `${call}${before}`));
      const { stderr } = await bulkhead(["build", plugin], { timeoutMs: BUILD_TIMEOUT_MS });
      expect(stderr).toMatch(/does not compile\n {2}config\.get is called outside of a function: .* call it in a function\n$/);
    });

    await itWith(template, `asks what it built for its entry points, in ${template}`, async () => {
      const plugin = await makePlugin(join(folder.path, `misnamed-${template}`), template);
      const file = join(plugin, "plugin.json");
      writeFileSync(file, readFileSync(file, "utf8").replace('"entryPoint": "greet"', '"entryPoint": "great"'));
      const { code, stderr } = await bulkhead(["build", plugin], { timeoutMs: BUILD_TIMEOUT_MS });
      expect(code).toBe(2);
      expect(stderr).toMatch(/plugin\.json:\d+: .*\("great"\): it handles greet, on_arrived; did you mean greet\?/);
    });
  }

  it("names file and line of what is no TypeScript", async () => {
    const plugin = await makePlugin(join(folder.path, "mistyped"), "typescript");
    const source = join(plugin, "src", "index.ts");
    const lines = readFileSync(source, "utf8").split("\n").length;
    appendFileSync(source, "let a: number = ;\n");
    expect((await bulkhead(["build", plugin])).stderr).toMatch(new RegExp(`^  src/index\\.ts:${lines}: `, "m"));
  });

  await itWith("python", "names file and line of what is no Python, and nothing of the tool's own", async () => {
    const plugin = await makePlugin(join(folder.path, "misindented"), "python");
    appendFileSync(join(plugin, "plugin.py"), "def broken(:\n");
    const { stderr } = await bulkhead(["build", plugin]);
    expect(stderr).toMatch(/File "plugin\.py", line \d+/);
    expect(stderr).not.toMatch(/backtrace|componentize_py::/);
  });

  it("takes plugin.py of several modules in Python, and says so where there is none", async () => {
    const plugin = await makePlugin(join(folder.path, "modules"), "python");
    writeFileSync(join(plugin, "helpers.py"), "");
    renameSync(join(plugin, "plugin.py"), join(plugin, "main.py"));
    const { code, stderr } = await bulkhead(["build", plugin]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("has several modules (helpers.py, main.py); call the one with the entry points plugin.py"),
    ]);
  });

  it("says what a folder lacks", async () => {
    const empty = join(folder.path, "empty");
    mkdirSync(empty);
    expect((await bulkhead(["build", empty])).stderr).toContain('cannot be read; "bulkhead new" makes a plugin\'s folder');
    writeFileSync(join(empty, "plugin.json"), '{"name":"empty","version":"0.1.0","api":"0.1","wasm":"empty.wasm"}');
    expect((await bulkhead(["build", empty])).stderr).toContain("there is no assembly/, Cargo.toml, go.mod, build.zig");
  });
});
