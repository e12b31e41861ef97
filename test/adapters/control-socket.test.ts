// The socket of the command: only its user can open it, it hands on what is asked, and nothing that comes through it ends the host.

import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LiveDoor } from "../../host/adapters/control-socket/live.ts";
import { type ControlSocket, listenForControl } from "../../host/adapters/control-socket/server.ts";
import { RecentLines } from "../../host/bounds/recent-lines.ts";
import { openControl } from "../../host/cli/control.ts";
import { HostError } from "../../host/core/errors.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const recent = new RecentLines(systemClock);
const NO_DOOR: LiveDoor = {
  principal: { name: "user:test", allows: () => true },
  context: {
    call: async () => Promise.reject(new HostError("no-such-service", "nobody provides it")),
    follow: () => () => {},
    operate: async () => ({ lines: [], missed: 0, next: 0 }),
    openStream: () => () => {},
    written: recent,
  },
};

describe("the control socket", () => {
  let folder: TemporaryFolder;
  let socket: ControlSocket;
  let path: string;
  const asked: [string, unknown][] = [];

  const post = (operation: string, body: string): Promise<{ status: number | undefined; body: Record<string, Record<string, unknown>> }> =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const options = { socketPath: path, path: `/${operation}`, method: "POST", headers, agent: false };
      const sent = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) }));
      });
      sent.on("error", reject);
      sent.end(body);
    });

  beforeEach(async () => {
    folder = temporaryFolder();
    path = join(folder.path, "control.sock");
    // Of a host that died.
    writeFileSync(path, "");
    socket = await listenForControl(path, {
      async invoke(operation, input) {
        asked.push([operation, input]);
        if (operation === "refuse") throw new HostError("conflict", "not so", { detail: "because" });
        if (operation === "fail") throw new Error("the path /etc/secret");
        return operation === "nothing" ? undefined : { done: true };
      },
      door: NO_DOOR,
      upgrade: async (_request, upgraded) => void upgraded.destroy(),
    });
  });
  afterEach(async () => {
    asked.length = 0;
    await socket.close();
    folder.remove();
  });

  it("can be opened by its user alone", () => {
    expect(statSync(path).isSocket()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("tells a follower of the log that reads too slowly how many lines it missed, and holds few of them", async () => {
    const response = await new Promise<IncomingMessage>((resolve) =>
      request({ socketPath: path, path: "/logs", agent: false }, resolve).end(),
    );
    // Nobody reads, until far more has been written than any buffer between us takes.
    for (let i = 0; i < 4_000; i += 1) recent.write({ level: "info", plugin: "p", message: `${i} ${"x".repeat(8_000)}` });
    const read: string[] = [];
    let text = "";
    for await (const piece of response.setEncoding("utf8")) {
      const lines = (text + String(piece)).split("\n");
      text = lines.pop() ?? "";
      read.push(...lines);
      if (read.some((line) => line.includes('"last"'))) break;
      // What comes after a gap says so first.
      if (response.readableLength === 0) recent.write({ level: "info", plugin: "p", message: "last" });
    }
    const told = read.map((line) => JSON.parse(line) as { readonly seq?: number; readonly gap?: number });
    const shown = told.flatMap(({ seq }) => seq ?? []);
    const missed = told.reduce((sum, { gap = 0 }) => sum + gap, 0);
    expect(missed).toBeGreaterThan(2_000);
    expect(shown.length + missed).toBe(shown.at(-1));
  });

  it("hands on operations, answers and refusals, and no word of what broke", async () => {
    expect(await post("list", '{"a":1}')).toMatchObject({ status: 200, body: { result: { done: true } } });
    expect(await post("nothing", "{}")).toMatchObject({ body: { result: null } });
    expect(await post("refuse", "{}")).toMatchObject({
      status: 422,
      body: { error: { code: "conflict", message: "not so", detail: "because" } },
    });
    const failed = await post("fail", "{}");
    expect(failed.body.error?.code).toBe("internal");
    expect(JSON.stringify(failed.body)).not.toContain("/etc/secret");
    expect(asked[0]).toEqual(["list", { a: 1 }]);
  });

  it("refuses what is no JSON, pollutes a prototype or is too large, and goes on", async () => {
    const tooLarge = JSON.stringify("x".repeat(2 * 1024 * 1024));
    for (const [body, code] of [
      ["{", "invalid-message"],
      ['{"__proto__":{"a":1}}', "invalid-message"],
      [tooLarge, "quota-exceeded"],
    ] as const)
      expect(await post("list", body), body.slice(0, 20)).toMatchObject({ status: 422, body: { error: { code } } });
    expect(await post("../list", "{}")).toMatchObject({
      status: 422,
      body: { error: { message: expect.stringContaining("is no operation") } },
    });
    expect(asked).toEqual([]);
    expect((await post("list", "{}")).status).toBe(200);
  });

  it("is not taken for absent by a command when it cannot be reached", async () => {
    const configuration = parseConfiguration("{}", join(folder.path, "bulkhead.json"));
    const stuck = createServer((connection) => connection.destroy());
    const data = join(folder.path, "data");
    mkdirSync(data, { mode: 0o700 });
    await new Promise<void>((listening) => stuck.listen(join(data, "control.sock"), listening));
    await expect(openControl(configuration)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("cannot be reached ("),
    });
    await new Promise((closed) => stuck.close(closed));
    const control = await openControl(configuration);
    expect(control.isLive).toBe(false);
    await control[Symbol.asyncDispose]();
  });

  it("refuses a path that no system takes, naming the remedy", async () => {
    const long = join(folder.path, "x".repeat(120), "control.sock");
    await expect(listenForControl(long, { invoke: async () => null, door: NO_DOOR, upgrade: async () => {} })).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("shorter data folder"),
    });
  });
});
