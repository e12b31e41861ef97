// Connections of the HTTP adapter and of the command's socket: idle ones make room for the next, those that are worked on stay, and some files are left.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { startHttpServer } from "../../host/adapters/http/server.ts";
import { affordableConnections, boundConnections } from "../../host/bounds/connections.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { testContext } from "../support/adapter-context.ts";
import { bulkhead, COMMAND } from "../support/command.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

interface Idle {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
}

async function idle(target: number | string): Promise<Idle> {
  const socket = typeof target === "number" ? connect(target, "127.0.0.1") : connect(target);
  socket.on("error", () => {}).resume();
  const closed = once(socket, "close");
  await once(socket, "connect");
  return { socket, closed };
}

const get = (port: number, path = "/"): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", path, agent: false }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });

describe("a server with a maximum of connections", () => {
  let server: Server;
  let port: number;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  let opened: Idle[];

  beforeEach(async () => {
    opened = [];
    handle = (_request, response) => response.end();
    server = createServer((request, response) => handle(request, response));
    boundConnections(server, 4);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    for (const { socket } of opened) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("ends the oldest idle one for the next", async () => {
    for (let i = 0; i < 4; i += 1) opened.push(await idle(port));
    expect(await get(port)).toBe(200);
    await opened[0]?.closed;
    expect(opened.slice(1).map(({ socket }) => socket.destroyed)).toEqual([false, false, false]);
  });

  it("ends none that is worked on, and refuses the next where all are", async () => {
    const waiting: ServerResponse[] = [];
    handle = (_request, response) => waiting.push(response);
    const answers = Array.from({ length: 3 }, () => get(port));
    while (waiting.length < 3) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 10; i += 1) opened.push(await idle(port));
    await Promise.all(opened.slice(0, 9).map(({ closed }) => closed));
    answers.push(get(port));
    while (waiting.length < 4) await new Promise((resolve) => setImmediate(resolve));
    await expect(get(port)).rejects.toThrow();
    for (const response of waiting) response.end();
    expect(await Promise.all(answers)).toEqual([200, 200, 200, 200]);
  });

  it("ends one that never finishes its request for the next", async () => {
    for (let i = 0; i < 4; i += 1) {
      const one = await idle(port);
      one.socket.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n1");
      opened.push(one);
    }
    handle = (_request, response) => response.end();
    expect(await get(port)).toBe(200);
    await opened[0]?.closed;
  });
});

describe("the HTTP adapter's connections", () => {
  it("end when no headers come, and say how long they are kept", async () => {
    const log = memoryLog();
    const host = new Host(hostPorts({ clock: systemClock, log }));
    const options = httpOptions.parse({ port: 0, headersMs: 100, keepAliveMs: 7_000 });
    const server = await startHttpServer(options, testContext(host, { log, adapter: "http" }).context);
    try {
      const response = await fetch(`${server.url}/healthz`);
      expect(response.headers.get("keep-alive")).toBe("timeout=7");
      await (await idle(Number(new URL(server.url).port))).closed;
    } finally {
      await server.close();
    }
  });

  it("are as many as are wanted, as far as the files of this process go", () => {
    expect(affordableConnections(2)).toBe(2);
    expect(affordableConnections(Number.MAX_SAFE_INTEGER)).toBeGreaterThan(2);
  });
});

describe.runIf(process.platform === "linux")("a host that may open few files", () => {
  let folder: TemporaryFolder;
  let host: ChildProcess;
  let opened: Idle[];

  beforeEach(() => {
    opened = [];
    folder = temporaryFolder();
  });
  afterEach(async () => {
    for (const { socket } of opened) socket.destroy();
    const ended = host.exitCode === null ? once(host, "exit") : undefined;
    host.kill("SIGTERM");
    await ended;
    folder.remove();
  });

  it("answers health checks and the command while more connections are opened than it may have files", async () => {
    const args = ["-c", 'ulimit -n 128; exec "$0" "$@"', process.execPath, COMMAND, "serve", "--port", "0", "--config", "c.json"];
    writeFileSync(join(folder.path, "c.json"), "{}");
    host = spawn("bash", args, { cwd: folder.path, stdio: ["ignore", "pipe", "pipe"] });
    const lines: string[] = [];
    host.stdout?.on("data", (text: Buffer) => lines.push(text.toString()));
    let port = 0;
    if (host.stderr === null) throw new Error("no standard error");
    for await (const line of createInterface({ input: host.stderr })) {
      port = Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0);
      if (port !== 0) break;
    }
    for (let i = 0; i < 200; i += 1) opened.push(await idle(port));
    for (let i = 0; i < 60; i += 1) opened.push(await idle(join(folder.path, "data", "control.sock")));
    expect(await get(port, "/healthz")).toBe(200);
    expect(await bulkhead(["permissions", "report", "--config", "c.json", "--json"], { cwd: folder.path })).toMatchObject({
      code: 0,
      stdout: "[]\n",
    });
    expect(lines.join("")).toMatch(/keeps \d+ connections, not 512/);
    expect(host.exitCode).toBeNull();
  });
});
