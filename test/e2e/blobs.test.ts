// A CSV of 5 MB on its whole way: in by a request, read in pieces by a plugin that has less memory than it is long, out again by an answer and by requests of
// the plugin's own. In a process cell as in one on the host's thread.

import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { type Step, scribe } from "../support/blobs.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const ROWS = 160_000;
const CSV = Buffer.from(Array.from({ length: ROWS }, (_, row) => `${row},device-${row % 97},${row * 3}.5,2026-11-29\n`).join(""));
const MEMORY_MIB = 4;
const sumOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe.each(["inline", "process"])(
  "a CSV that is larger than any payload and than the memory of its plugin, in a cell of kind %s",
  (isolation) => {
    let folder: TemporaryFolder;
    let host: RunningHost;
    let elsewhere: Server;
    let held: Buffer;
    beforeEach(async () => {
      folder = temporaryFolder();
      held = Buffer.alloc(0);
      elsewhere = createServer(async (request, response) => {
        const body = await buffer(request);
        if (request.method === "PUT") held = body;
        response.writeHead(200, { "content-type": "text/csv" }).end(request.method === "GET" ? held : "");
      });
      await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
      const ownPort = await freePort();
      const permissions = [
        { permission: "http.fetch", resource: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}` },
        { permission: "http.fetch", resource: `http://127.0.0.1:${ownPort}` },
        { permission: "http.private", resource: "127.0.0.0/8" },
      ];
      const routes = [
        { method: "POST", path: "/scribe/upload", service: "scribe.upload", request: "blob" },
        { method: "GET", path: "/scribe/file", service: "scribe.serve", request: "raw" },
      ];
      await scribe(folder.path, "scribe", {
        services: Object.fromEntries(["run", "upload", "serve"].map((name) => [`scribe.${name}`, { entryPoint: name }])),
        permissions: permissions.map((permission) => ({ ...permission, reason: "To bring the report there and back." })),
        contributes: { http: { routes } },
      });
      const plugins = { scribe: { path: "scribe", isolation, grants: permissions, limits: { memoryMiB: MEMORY_MIB } } };
      const text = JSON.stringify({ adapters: { http: { port: ownPort } }, plugins });
      host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
    });
    afterEach(async () => {
      await host.stop();
      elsewhere.closeAllConnections();
      elsewhere.close();
      folder.remove();
    });
    const run = (...steps: readonly Step[]): Promise<string[]> => host.call<string[]>("scribe.run", steps);
    const download = async (blob: string): Promise<Response> =>
      fetch(`${host.url}/scribe/file?${encodeURIComponent(JSON.stringify({ blob }))}`);

    it("comes in by HTTP, is counted, and goes out by HTTP, by a request and back into another blob", async () => {
      expect(CSV.length).toBeGreaterThan(5_000_000);
      expect(CSV.length).toBeGreaterThan(MEMORY_MIB * 1_048_576);
      const answer = await fetch(`${host.url}/scribe/upload?lines-keep`, {
        method: "POST",
        headers: { "content-type": "text/csv" },
        body: CSV,
      });
      expect([answer.status, await answer.text()]).toEqual([200, `${ROWS} lines of ${CSV.length} bytes, text/csv`]);
      await eventually("its name is the plugin's", async () => (await run({ op: "scan" }))[0] === "kept" || undefined);

      const back = await download("kept");
      expect([back.status, back.headers.get("content-type")]).toEqual([200, "text/csv"]);
      expect(sumOf(await back.bytes())).toBe(sumOf(CSV));

      const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/report.csv`;
      expect(await run({ op: "fetch", method: "PUT", url, from: "kept" })).toEqual(["200, 0 bytes, none stored"]);
      expect(sumOf(held)).toBe(sumOf(CSV));
      expect(await run({ op: "fetch", url, into: "again" })).toEqual([`200, 0 bytes, ${CSV.length} stored`]);
      expect(sumOf(await (await download("again")).bytes())).toBe(sumOf(CSV));

      // By the host's own door it would come in as somebody else, whatever it was granted.
      expect(await run({ op: "fetch", url: `${host.url}/v1/plugins` })).toEqual([expect.stringContaining("permission-denied")]);
    });
  },
);
