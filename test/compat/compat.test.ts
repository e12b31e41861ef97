// What 0.1 made keeps working: its data folder, lock and configuration, and a plugin of each language, as test/compat/make.ts had that version make them
// and write down what it answered.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { extract } from "tar";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LANGUAGES } from "../../host/cli/toolchains/languages.ts";
import { bulkhead, COMMAND } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { askHome, FIXTURES, moduleFile, playCounter, type Recorded, writeCounter } from "./scenes.ts";
import { Serving } from "./serving.ts";

const recorded = JSON.parse(readFileSync(new URL("answers.json", FIXTURES), "utf8")) as Recorded;
const MANIFEST = readFileSync(new URL("counter.json", FIXTURES), "utf8");

describe("a host of 0.1", () => {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-compat-"));
  const home = join(folder, "home");
  const inData = (name: string): string => join(home, "data", name);
  let host: Serving;

  beforeAll(async () => {
    await extract({ file: new URL("home.tar.gz", FIXTURES).pathname, cwd: folder });
    expect(readdirSync(inData("quarantine"))).toEqual(["trapper.json"]);
    host = await Serving.start(COMMAND, home);
  });
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the command says of the running host. */
  const ask = async (...args: readonly string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await bulkhead([...args, "--json"], { cwd: home });
    expect([args, code, stderr]).toEqual([args, 0, ""]);
    return JSON.parse(stdout);
  };

  it("runs what it ran, answers what it answered from its storage, and keeps who was quarantined", async () => {
    expect(await host.states()).toEqual({ logger: "running", devices: "running", automation: "running", trapper: "quarantined" });
    expect(await askHome(host)).toEqual(recorded.home);
    expect(host.log.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  it("has its grants, its blocks, its secret, and its whole record", async () => {
    expect(await ask("permissions", "automation")).toMatchObject([
      { permission: "events.subscribe", status: "partly granted", by: [expect.stringMatching(/^allow devices\.\* /)] },
      { permission: "services.call", status: "partly granted", by: [expect.stringMatching(/^allow logger\.log /)] },
    ]);
    expect(await ask("block")).toEqual([expect.objectContaining({ plugin: "evil", range: "<2.0.0", reason: "it was" })]);
    expect(await ask("secret", "list")).toEqual([
      expect.objectContaining({ name: "TOKEN", to: ["https://api.example.com"], opens: true, isTooShort: false }),
    ]);
    expect(await ask("audit", "--verify")).toMatchObject({ ok: true });
    const actions = ((await ask("audit")) as readonly { readonly action: string }[]).map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(["install", "grant", "block", "set-secret", "quarantine", "start", "stop"]));
  });

  it("is as its lock says, from which the same can be installed again", async () => {
    const lock = readFileSync(join(home, "bulkhead.lock"), "utf8");
    // What a plugin was installed from is an absolute path, and the home has moved.
    const drift = await bulkhead(["drift", "--json"], { cwd: home });
    expect(JSON.parse(drift.stdout)).toEqual([expect.stringMatching(/^automation is from tarball:\S+, locked is tarball:\S+$/)]);
    const anew = await bulkhead(["install", "--frozen", "--data", "anew"], { cwd: home });
    expect([anew.code, anew.stderr]).toEqual([0, expect.stringContaining("as bulkhead.lock says")]);
    expect(readdirSync(join(home, "anew", "packages")).sort()).toEqual(readdirSync(inData("packages")).sort());
    expect(readFileSync(join(home, "bulkhead.lock"), "utf8")).toBe(lock);
  });

  it("was brought up with a copy beside it, and the quarantine goes on from there", async () => {
    expect([existsSync(inData("quarantine")), existsSync(inData("host.sqlite.before-2"))]).toEqual([false, true]);
    await ask("release", "trapper");
    await eventually("it runs", async () => (await host.states()).trapper === "running" || undefined);
    expect(await host.call("trapper.trap")).toMatchObject([502, expect.stringContaining("unreachable")]);
    await eventually("it is quarantined", async () => (await host.states()).trapper === "quarantined" || undefined);
  });
});

describe.each(LANGUAGES)("a plugin of 0.1 in %s", (language) => {
  it("answers to the byte what it answered there, and keeps what it stored", async () => {
    const folder = temporaryFolder();
    try {
      await writeCounter(folder.path, brotliDecompressSync(readFileSync(moduleFile(language))), MANIFEST);
      {
        await using host = await Serving.start(COMMAND, folder.path);
        expect(await playCounter(host)).toEqual(recorded.counter);
      }
      await using again = await Serving.start(COMMAND, folder.path);
      expect(await again.call("counter.read")).toMatchObject([200, expect.stringMatching(/^\{"count":2,/)]);
    } finally {
      folder.remove();
    }
  });
});
