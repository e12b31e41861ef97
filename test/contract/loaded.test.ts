// Nothing is loaded unless it is configured: what a host reads of its packages, and which file of host/ may read which optional one.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GRAPHQL_PACKAGE } from "../../host/adapters/gateway/graphql/package.ts";
import { MCP_PACKAGE } from "../../host/adapters/gateway/mcp/package.ts";
import { ADAPTERS } from "../../host/adapters/index.ts";
import { CAPABILITIES } from "../../host/capabilities/index.ts";
import { LEASE_DRIVERS, LOG_DRIVERS, PEERS_DRIVERS, STATE_DRIVERS, STORAGE_DRIVERS_OF_HOST } from "../../host/drivers/index.ts";
import { CYCLONEDX_PACKAGE } from "../../host/install/sbom/cyclonedx.ts";
import { ROOT, read } from "../docs/markdown.ts";
import { COMMAND } from "../support/command.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

/** In the host's own thread: tells at the end which packages were loaded, whoever asked for them. */
const TELLS = `
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
const packages = new Set();
registerHooks({
  load(url, context, next) {
    const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(url) ?? [];
    if (name !== undefined) packages.add(name);
    return next(url, context);
  },
});
process.on("exit", () => writeFileSync(process.env.LOADED, JSON.stringify([...packages])));
`;

describe("a host", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  /** The packages that a host with a plugin loads until it is stopped. */
  const loadedWith = async (configuration: object): Promise<string[]> => {
    const tells = join(folder.path, "tells.mjs");
    const loaded = join(folder.path, "loaded.json");
    writeFileSync(tells, TELLS);
    const plugins = { hello: { path: ownPlugin("hello"), isolation: "inline" } };
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify({ plugins, ...configuration }));
    const env = { ...process.env, LOADED: loaded };
    const host = spawn(process.execPath, ["--import", tells, COMMAND, "serve"], {
      cwd: folder.path,
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    const isUp = new Promise<void>((resolve, reject) => {
      host.stderr.on("data", (chunk: Buffer) => {
        said += chunk;
        if (said.includes("Ctrl-C stops")) resolve();
      });
      host.once("exit", () => reject(new Error(said)));
    });
    const ended = new Promise((resolve) => host.once("exit", resolve));
    await isUp.finally(() => host.kill("SIGTERM"));
    await ended;
    expect(said).toContain("hello 0.1.0: running");
    return JSON.parse(readFileSync(loaded, "utf8"));
  };

  it("without HTTP loads neither a server nor a client for it, nor any optional package", async () => {
    const loaded = await loadedWith({ adapters: { http: false }, capabilities: { http: false } });
    const optional = Object.keys(JSON.parse(read("package.json")).peerDependencies);
    expect(loaded.filter((name) => ["fastify", "undici", ...optional].includes(name))).toEqual([]);
    expect(loaded).toContain("better-sqlite3");
  });

  it("with both loads both", async () => {
    const loaded = await loadedWith({ adapters: { http: { port: 0 } } });
    expect(loaded).toEqual(expect.arrayContaining(["fastify", "undici"]));
  });
});

describe("optional packages", () => {
  const host = join(ROOT, "host");
  const sources = readdirSync(host, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  // What is generated imports what its generator says.
  const written = sources.filter((file) => !file.endsWith("_pb.ts"));
  const importersOf = (name: string): string[] =>
    written.filter((file) =>
      new RegExp(`(?:from|import|require)\\s*\\(?\\s*["'\`]${name}["'\`/]`).test(readFileSync(join(host, file), "utf8")),
    );

  it("that are peers are imported in one file each", () => {
    const { peerDependencies } = JSON.parse(read("package.json"));
    expect(Object.fromEntries(Object.keys(peerDependencies).map((name) => [name, importersOf(name)]))).toEqual({
      "@bufbuild/protobuf": ["adapters/gateway/grpc/packages.ts"],
      "@grpc/grpc-js": ["adapters/gateway/grpc/packages.ts"],
      "@grpc/reflection": ["adapters/grpc/server.ts"],
      "grpc-health-check": ["adapters/gateway/grpc/packages.ts"],
      "@bytecodealliance/jco-transpile": ["cell/admission/transpiler.ts"],
      // The transpiler wants it to be there, and gets our own instead.
      "@bytecodealliance/preview2-shim": [],
      "@cyclonedx/cyclonedx-library": ["install/sbom/cyclonedx.ts"],
      "@extism/extism": ["engine/extism.ts"],
      "@opentelemetry/api": ["adapters/opentelemetry/packages.ts"],
      "@opentelemetry/exporter-logs-otlp-proto": ["adapters/opentelemetry/packages.ts"],
      "@opentelemetry/exporter-metrics-otlp-proto": ["adapters/opentelemetry/packages.ts"],
      "@opentelemetry/exporter-trace-otlp-proto": ["adapters/opentelemetry/packages.ts"],
      "@opentelemetry/resources": ["adapters/opentelemetry/packages.ts"],
      "@opentelemetry/sdk-metrics": ["adapters/opentelemetry/packages.ts"],
      "@modelcontextprotocol/server": ["adapters/gateway/mcp/package.ts"],
      graphql: ["adapters/gateway/graphql/package.ts"],
      ioredis: ["drivers/storage-redis/connection.ts"],
      mongodb: ["drivers/storage-mongodb/connection.ts"],
      "@nats-io/jetstream": ["drivers/nats/connection.ts"],
      "@nats-io/transport-node": ["drivers/nats/connection.ts"],
      "openid-client": ["gate/issuer-client.ts"],
      pg: ["drivers/storage-postgres/connection.ts"],
      // Its module is read; nothing of it is imported.
      "quickjs-wasi": [],
      // Its files are served.
      "swagger-ui-dist": [],
    });
  });

  it("that no row of a table names say the range of package.json", () => {
    const { peerDependencies } = JSON.parse(read("package.json"));
    for (const { name, range } of [CYCLONEDX_PACKAGE, GRAPHQL_PACKAGE, MCP_PACKAGE]) expect(peerDependencies[name]).toBe(range);
  });

  it("that a row of a table names are imported in one file each, and are optional peers", async () => {
    const { peerDependencies } = JSON.parse(read("package.json"));
    const loaders = [...Object.values(ADAPTERS), ...Object.values(CAPABILITIES)].map((row) => row.load);
    const tables = [LOG_DRIVERS, STATE_DRIVERS, LEASE_DRIVERS, PEERS_DRIVERS, STORAGE_DRIVERS_OF_HOST];
    const drivers = tables.flatMap((table): (typeof loaders)[number][] => Object.values(table));
    const rows = await Promise.all([...loaders, ...drivers].map((load) => load()));
    for (const { name, packages = {} } of rows)
      for (const [one, range] of Object.entries(packages)) {
        expect(importersOf(one), `${one} of ${name}`).toHaveLength(1);
        expect(peerDependencies[one], `${one} of ${name}`).toBe(range);
      }
    expect(rows.length).toBeGreaterThan(3);
  });
});
