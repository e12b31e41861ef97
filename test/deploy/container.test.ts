// The image and what runs beside it, as far as they can be looked at without a daemon: linters read the files, and what the image runs is run from dist/. No image is
// built here.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ROOT, read } from "../docs/markdown.ts";
import { DCLINT, describeWithTool, HADOLINT } from "../support/client-tools.ts";
import { bulkhead, COMMAND } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { programOf } from "../support/servers.ts";

const run = promisify(execFile);
const DOCKERFILE = join(ROOT, "deploy/Dockerfile");
const COMPOSE = join(ROOT, "deploy/compose.yml");

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describeWithTool(HADOLINT, "hadolint", () => {
  it("finds nothing in the Dockerfile but what is ignored with a reason, and something in a worse one", async () => {
    expect((await run(HADOLINT, [DOCKERFILE])).stdout).toBe("");
    const worse = join(folder.path, "Dockerfile");
    writeFileSync(worse, readFileSync(DOCKERFILE, "utf8").replaceAll("node:26-slim", "node:latest"));
    await expect(run(HADOLINT, [worse])).rejects.toMatchObject({ stdout: expect.stringContaining("DL3007") });
  });
});

describeWithTool(DCLINT, "dclint, which has the schema of the Compose specification,", () => {
  const lint = (file: string): Promise<unknown> => run(process.execPath, [DCLINT, "--max-warnings", "0", file]);

  it("finds nothing in compose.yml, and a key that Compose does not know", async () => {
    await lint(COMPOSE);
    const worse = join(folder.path, "compose.yml");
    writeFileSync(worse, readFileSync(COMPOSE, "utf8").replace("cap_drop:", "capdrop:"));
    await expect(lint(worse)).rejects.toMatchObject({ stdout: expect.stringContaining("invalid-schema") });
  });
});

interface Service {
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly read_only?: boolean;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

describe("compose.yml", () => {
  const { services, configs } = parse(readFileSync(COMPOSE, "utf8")) as {
    readonly services: Readonly<Record<string, Service>>;
    readonly configs: Readonly<Record<string, { readonly content: string }>>;
  };

  it("gives nobody rights, and publishes on this machine only", () => {
    expect(Object.keys(services)).toEqual(["bulkhead", "grafana", "prometheus"]);
    for (const [name, service] of Object.entries(services)) {
      expect(service.cap_drop, name).toEqual(["ALL"]);
      expect(service.security_opt, name).toEqual(["no-new-privileges:true"]);
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
    expect(services.bulkhead).toMatchObject({ read_only: true });
    expect(services.bulkhead).not.toHaveProperty("profiles");
  });

  it("mounts what is there", () => {
    const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.filter((volume) => volume.startsWith(".")));
    expect(mounted).toHaveLength(2);
    for (const volume of mounted) expect(readFileSync(join(ROOT, "deploy", volume.split(":")[0] ?? "")).length).toBeGreaterThan(0);
  });

  const promtool = programOf("promtool");
  it.skipIf(promtool === undefined)(
    `has a configuration of Prometheus that promtool takes${promtool === undefined ? " (skipped: prometheus is not installed)" : ""}`,
    async () => {
      writeFileSync(join(folder.path, "prometheus.yml"), (configs.prometheus?.content ?? "").replace("/run/secrets/", ""));
      writeFileSync(join(folder.path, "prometheus-token"), "bh_x");
      writeFileSync(join(folder.path, "alerts.yml"), read("docs/alerts.yml"));
      const { stdout } = await run(promtool ?? "", ["check", "config", join(folder.path, "prometheus.yml")]);
      expect(stdout).toContain("rules found");
    },
  );
});

/** The words of an instruction in its JSON form; that of a health check is indented. */
function wordsOf(instruction: RegExp): readonly string[] {
  const json = instruction.exec(readFileSync(DOCKERFILE, "utf8"))?.[1];
  return JSON.parse(json ?? "[]");
}

describe("what the image runs", () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill("SIGKILL"));

  it("serves with the image's configuration, is healthy, lets in only who has a token, and stops at SIGTERM", async () => {
    const port = String(await freePort());
    const etc = join(folder.path, "etc");
    mkdirSync(etc);
    const configuration = read("deploy/bulkhead.yaml").replace("/data", join(folder.path, "data")).replace("7420", port);
    writeFileSync(join(etc, "bulkhead.yaml"), configuration);
    expect(wordsOf(/^ENTRYPOINT (.*)$/m)).toEqual(["tini", "--", "bulkhead"]);
    const serving = spawn(process.execPath, [COMMAND, ...wordsOf(/^CMD (.*)$/m)], { cwd: etc, stdio: ["ignore", "ignore", "pipe"] });
    child = serving;
    const ended = new Promise<number | null>((resolve) => serving.once("exit", resolve));
    let said = "";
    serving.stderr.on("data", (piece) => {
      said += String(piece);
    });
    const [program, ...args] = wordsOf(/^ +CMD (.*)$/m);
    expect(program).toBe("node");
    const check = (): Promise<unknown> =>
      run(
        process.execPath,
        args.map((arg) => arg.replace("7420", port)),
      );
    await expect(check()).rejects.toMatchObject({ code: 1 });
    await eventually("listening", () => said.includes("Ctrl-C stops"));
    await check();

    const list = (headers: Record<string, string> = {}): Promise<Response> => fetch(`http://127.0.0.1:${port}/v1/plugins`, { headers });
    expect((await list()).status).toBe(401);
    // As by docker exec, which begins in the same folder.
    const { stdout } = await bulkhead(["token", "create", "ci", "--role", "operator"], { cwd: etc });
    expect((await list({ authorization: `Bearer ${stdout.trim()}` })).status).toBe(200);
    serving.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});

describe(".dockerignore", () => {
  const patterns = read(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const fits = (path: string, pattern: string): boolean => {
    const words = pattern.replace(/[.+]/g, "\\$&").replaceAll("**/", "\0").replaceAll("*", "[^/]*").replaceAll("\0", "(?:.*/)?");
    return new RegExp(`^${words}$`).test(path);
  };
  /** As Docker has it: the last pattern that fits a path, or a folder above it, decides. */
  const isSent = (path: string): boolean => {
    const parts = path.split("/");
    const above = parts.map((_part, i) => parts.slice(0, i + 1).join("/"));
    const last = patterns.findLast((pattern) => above.some((one) => fits(one, pattern.replace("!", ""))));
    return last === undefined || last.startsWith("!");
  };

  it("leaves all that npm packs, and what it is built from", async () => {
    const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
    const packed = (JSON.parse(stdout) as { readonly files: { readonly path: string }[] }[]).flatMap(({ files }) => files);
    const needed = [...packed.map(({ path }) => path).filter((path) => !path.startsWith("dist/")), "host/cli/main.ts", "package-lock.json"];
    expect(needed.length).toBeGreaterThan(100);
    expect(
      [...needed, ".npmrc", "tsconfig.json", "tsconfig.build.json", "scripts/bundle-cell.ts", "deploy/bulkhead.yaml"].filter(
        (path) => !isSent(path),
      ),
    ).toEqual([]);
  });

  it("sends nothing that is this machine's, nor what only tests need", () => {
    const files = [
      ".git/config",
      "node_modules/zod/index.js",
      "plugin-sdk/rust/target/x",
      "dist/index.js",
      "data/host.sqlite",
      "coverage/x",
      ".cache/x",
    ];
    expect([...files, "plugins/hello/hello.wasm", "test/e2e/auth.test.ts"].filter(isSent)).toEqual([]);
  });
});
