// The configuration to begin with, and the one that holds.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shownValue } from "../../host/bounds/shown-value.ts";
import { FIRST_CONFIGURATION } from "../../host/cli/first-configuration.ts";
import { effectiveConfiguration } from "../../host/lifecycle/effective-configuration.ts";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { bulkhead, COMMAND, type Ran } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

let folder: TemporaryFolder;
const run = (...args: readonly string[]): Promise<Ran> => bulkhead(args, { cwd: folder.path });
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe("bulkhead init", () => {
  it("writes a configuration that a host starts with as it is, and overwrites none", async () => {
    expect(await run("init")).toMatchObject({ code: 0, stderr: expect.stringContaining("bulkhead.yaml is written") });
    const child = spawn(process.execPath, [COMMAND, "serve", "--port", "0"], { cwd: folder.path, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (piece) => {
      said += String(piece);
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await eventually("listening", () => (said.includes("listening on") ? true : undefined));
    expect(said).toContain("starting 0 plugins of bulkhead.yaml");
    expect(JSON.parse((await run("list", "--json")).stdout)).toEqual([]);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    for (const other of ["bulkhead.yaml", "bulkhead.json", "bulkhead.toml"]) {
      const place = join(folder.path, other.replace(".", "-"));
      mkdirSync(place);
      writeFileSync(join(place, other), "mine");
      expect(await run("init", place)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`${other} is there; nothing was written`),
      });
      expect(readFileSync(join(place, other), "utf8")).toBe("mine");
      expect(existsSync(join(place, "bulkhead.yaml"))).toBe(other === "bulkhead.yaml");
    }
    expect(await run("init", "bulkhead.yaml/below")).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be written (") });
  });

  it("has examples that are settings when their # is removed", async () => {
    const lines = FIRST_CONFIGURATION.split("\n").filter((line) => !line.includes("yaml-language-server"));
    const text = lines.map((line) => line.replace(/^#(?!#)/, "")).join("\n");
    expect(text).not.toBe(FIRST_CONFIGURATION);
    const configuration = parseConfiguration(text, "/somewhere/bulkhead.yaml");
    expect(await effectiveConfiguration(configuration)).toMatchObject({
      adapters: { grpc: { port: 7_421 } },
      drivers: { log: { to: "file", file: { keep: 7 } }, events: { maxMiB: 256 } },
      plugins: { devices: { logLevel: "warning" } },
      tls: { cert: "/somewhere/tls/cert.pem" },
    });
  });
});

describe("bulkhead config show", () => {
  const CONFIGURATION = {
    adapters: { http: { port: 0 }, log: { level: "error" }, "./mine.mjs": { accessToken: "hunter2", depth: 3 } },
    capabilities: { crypto: false },
    drivers: { state: "memory", storage: { driver: "postgres", url: "postgres://ada:hunter2@db.example/x", readCacheKiB: 64 } },
    plugins: { p: { path: "p", config: { api: { apiKey: "hunter2", PASSWORD: 12345678, room: "kitchen" }, secret: ["hunter2"] } } },
  };

  it("shows what is written without what sounds like a secret, and no host need run", async () => {
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify(CONFIGURATION));
    for (const args of [[], ["--effective"], ["--effective", "--json"]]) {
      const { stdout, code } = await run("config", "show", ...args);
      expect(code).toBe(0);
      expect(stdout).not.toMatch(/hunter2|12345678/);
      expect(stdout).toContain("postgres://(not shown)@db.example/x");
      expect(stdout).toContain("kitchen");
    }
    expect(JSON.parse((await run("config", "show")).stdout)).toEqual(shownValue(CONFIGURATION));
    expect(existsSync(join(folder.path, "data"))).toBe(false);
  });

  it("shows with --effective all that holds, and where it comes from", async () => {
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify(CONFIGURATION));
    const { stdout } = await run("config", "show", "--effective", "--json", "--data", "elsewhere");
    const { configuration, from } = JSON.parse(stdout) as { configuration: Record<string, unknown>; from: Record<string, string> };
    expect(configuration).toMatchObject({
      dataDir: join(folder.path, "elsewhere"),
      drainMs: 5_000,
      admission: { functionKiB: 2_048 },
      adapters: {
        "control-socket": {},
        grpc: false,
        http: { host: "127.0.0.1", port: 0, keepAliveMs: 10_000 },
        "./mine.mjs": { depth: 3 },
      },
      capabilities: { crypto: false, http: { concurrency: 8 } },
      drivers: {
        log: { driver: "json", level: "error", to: "stdout" },
        state: { driver: "memory", maxMiB: 64 },
        sends: { driver: "sqlite", letGo: "handled" },
        storage: { driver: "postgres", readCacheKiB: 64 },
      },
      plugins: { p: { path: join(folder.path, "p"), isolation: "process" } },
    });
    expect(from).toMatchObject({
      dataDir: "--data",
      drainMs: "default",
      "adapters.http.port": "bulkhead.json",
      "adapters.http.host": "default",
      "drivers.log.level": "bulkhead.json",
      "drivers.log.to": "default",
      "drivers.state.driver": "bulkhead.json",
      "drivers.state.maxMiB": "default",
      "plugins.p.path": "bulkhead.json",
      "plugins.p.isolation": "default",
      "capabilities.crypto": "bulkhead.json",
    });
  });

  it("refuses what a host would not start with, by its path", async () => {
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify({ drivers: { log: { to: "file", file: { keep: 0 } } } }));
    expect(await run("config", "show", "--effective")).toMatchObject({ code: 2, stderr: expect.stringContaining("drivers.log.file.keep") });
    expect(await run("config", "show", "--config", "none.json")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("bulkhead init"),
    });
  });
});
