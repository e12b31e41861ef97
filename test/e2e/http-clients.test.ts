// The documents of a running host in the hands of others' tools: a linter, a generator whose client compiles and works, and one that tries everything.

import { execFile } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { ROOT } from "../docs/markdown.ts";
import { CLIENTS, clientPackage, describeWithTool, SCHEMATHESIS } from "../support/client-tools.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const run = promisify(execFile);
const PLUGINS = ["automation", "devices", "hello", "logger"];

let folder: TemporaryFolder;
let host: RunningHost;
let url: string;

beforeAll(async () => {
  folder = temporaryFolder();
  const plugins = Object.fromEntries(PLUGINS.map((name) => [name, { path: ownPlugin(name), grants: "all" }]));
  const configuration = parseConfiguration(
    JSON.stringify({ adapters: { http: { port: 0 }, "control-socket": false }, plugins, dataDir: join(folder.path, "data") }),
    join(folder.path, "bulkhead.json"),
  );
  host = await createHost({ configuration, log: memoryLog() });
  url = host.url ?? "";
});
afterAll(async () => {
  await host.stop();
  folder.remove();
});

describe("services of the shipped plugins over HTTP", () => {
  it("take numbers of a query as numbers, and refuse with invalid-input what is none or too large", async () => {
    for (const path of ["/devices", "/v1/services/devices.list", "/logger/entries", "/v1/services/logger.query"]) {
      expect((await fetch(`${url}${path}?limit=2`)).status, path).toBe(200);
      for (const limit of ["abc", "0", "1.5", "100000", ""]) {
        const refused = await fetch(`${url}${path}?limit=${limit}`);
        expect(refused.status, `${path} ${limit}`).toBe(400);
        expect(await refused.json()).toMatchObject({ status: 400, error: { code: "refused", reason: "invalid-input" } });
      }
    }
  });
});

/** What uses the client: the compiler holds it to the types, and it prints what it was answered. */
const PROGRAM = `import createClient from "openapi-fetch";
import type { paths } from "./api.ts";

const client = createClient<paths>({ baseUrl: process.argv[2] ?? "" });
const create = { body: { id: "generated", name: "Lamp" }, params: { header: { "Idempotency-Key": "one" } } };
const made = await client.POST("/v1/services/devices.create", create);
const again = await client.POST("/v1/services/devices.create", create);
const id: string | undefined = made.data?.id;
const page = await client.GET("/v1/services/devices.list", { params: { query: { limit: 1 } } });
const next: string | null | undefined = page.data?.next;
const on = await client.POST("/devices/{id}/turn-on", { params: { path: { id: "generated" } } });
const missing = await client.GET("/devices/{id}", { params: { path: { id: "nobody" } } });
const reason: string | undefined = missing.error?.error.reason;
// @ts-expect-error A limit is a number.
const wrong = await client.GET("/v1/services/devices.list", { params: { query: { limit: "x" } } });
// @ts-expect-error A device has an id.
await client.POST("/v1/services/devices.create", { body: { name: "Lamp" } });
console.log(JSON.stringify({ id, replayed: again.response.headers.get("idempotency-replayed"), next, pending: on.data?.pending, reason, wrong: wrong.response.status }));
`;

describeWithTool(CLIENTS, "a client of its OpenAPI document", () => {
  it("is generated, compiles and works", async () => {
    const { default: openapiTS, astToString } = clientPackage("openapi-typescript") as {
      default(document: string): Promise<unknown>;
      astToString(ast: unknown): string;
    };
    const document = await (await fetch(`${url}/v1/openapi.json`)).text();
    writeFileSync(join(folder.path, "api.ts"), astToString(await openapiTS(document)));
    writeFileSync(join(folder.path, "program.ts"), PROGRAM);
    writeFileSync(join(folder.path, "package.json"), '{"type":"module"}');
    symlinkSync(CLIENTS, join(folder.path, "node_modules"));
    const options = [
      "--strict",
      "--noEmit",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--allowImportingTsExtensions",
      "--skipLibCheck",
    ];
    const types = ["--typeRoots", join(ROOT, "node_modules", "@types"), "--types", "node"];
    const tsc = join(ROOT, "node_modules", ".bin", "tsc");
    await run(tsc, [...options, ...types, "program.ts"], { cwd: folder.path }).catch((failed: { readonly stdout: string }) => {
      throw new Error(failed.stdout);
    });
    const { stdout } = await run(process.execPath, ["program.ts", url], { cwd: folder.path });
    expect(JSON.parse(stdout)).toEqual({
      id: "generated",
      replayed: "true",
      next: "generated",
      pending: { on: true },
      reason: "not-found",
      wrong: 400,
    });
  });

  it("finds nothing wrong with it by the rules that redocly recommends", async () => {
    const { lintFromString, createConfig } = clientPackage("@redocly/openapi-core") as {
      lintFromString(given: {
        readonly source: string;
        readonly config: unknown;
      }): Promise<readonly { readonly message: string; readonly severity: string }[]>;
      createConfig(config: object): Promise<unknown>;
    };
    const config = await createConfig({ extends: ["recommended"] });
    const lint = async (source: string) =>
      (await lintFromString({ source, config })).map(({ severity, message }) => `${severity}: ${message}`);
    const document = await (await fetch(`${url}/v1/openapi.json`)).text();
    expect(await lint(document)).toEqual([]);
    expect(await lint(document.replaceAll('"operationId"', '"x-operation"'))).not.toEqual([]);
  });
});

const CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"];

/** That an answer takes longer than Deadline-Ms, which it tries with 1, is nobody's failure. */
const CONFIGURATION = '[checks]\nnot_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "504"]\n';

/** What schemathesis says of a document and the one who serves it. */
async function tried(document: string, examples: number): Promise<{ readonly said: string; readonly code: number }> {
  const configuration = join(folder.path, "schemathesis.toml");
  writeFileSync(configuration, CONFIGURATION);
  const options = [
    "--checks",
    CHECKS.join(","),
    "--phases",
    "coverage,fuzzing",
    "--max-examples",
    String(examples),
    "--seed",
    "1",
    "--no-color",
  ];
  try {
    const { stdout } = await run(SCHEMATHESIS, ["--config-file", configuration, "run", document, ...options], {
      cwd: folder.path,
      maxBuffer: 64 * 1_024 * 1_024,
    });
    return { said: stdout, code: 0 };
  } catch (failed) {
    const { stdout, code } = failed as { readonly stdout: string; readonly code: number };
    return { said: stdout, code };
  }
}

describeWithTool(SCHEMATHESIS, "schemathesis", () => {
  it("finds no answer that the document does not declare, and no failure of the host", async () => {
    const { said, code } = await tried(`${url}/v1/openapi.json`, 10);
    expect(code, said.slice(-8_000)).toBe(0);
    expect(said).toMatch(/Tested: 3\d/);
    expect(Number(/(\d+) generated/.exec(said)?.[1])).toBeGreaterThan(300);
  });

  it("would find one", async () => {
    const operation = { responses: { "200": { description: "all is well" } } };
    const document = { openapi: "3.1.1", info: { title: "x", version: "1" }, paths: { "/broken": { get: operation } } };
    const broken = createServer(({ url: path }, response) => {
      response.writeHead(path === "/openapi.json" ? 200 : 500, { "content-type": "application/json" });
      response.end(path === "/openapi.json" ? JSON.stringify(document) : "{}");
    });
    await new Promise<void>((resolve) => broken.listen(0, "127.0.0.1", resolve));
    const { said, code } = await tried(`http://127.0.0.1:${(broken.address() as AddressInfo).port}/openapi.json`, 1);
    broken.close();
    expect(code).not.toBe(0);
    expect(said).toContain("500");
  });
});
