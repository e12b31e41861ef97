// `bulkhead cluster` as people run it: keys, what the servers let each host do, the streams; and two hosts that share a state then.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { bulkhead, type Ran } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";
import { describeWithServer, programOf } from "../support/servers.ts";

describeWithServer("nats", "bulkhead cluster", () => {
  let folder: TemporaryFolder;
  let server: ChildProcess | undefined;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    if (server !== undefined) {
      const ended = new Promise((resolve) => server?.once("exit", resolve));
      server.kill("SIGKILL");
      await ended;
    }
    server = undefined;
    folder.remove();
  });
  const run = (...args: string[]): Promise<Ran> => bulkhead(args, { cwd: folder.path });
  const written = (name: string, value: object): void => writeFileSync(join(folder.path, name), JSON.stringify(value));
  const nats = (port: number, keyFile: string) => ({ servers: [`nats://127.0.0.1:${port}`], keyFile: join(folder.path, keyFile) });

  it("makes keys, says what each host may, makes the streams; and hosts share their state", async () => {
    const port = await freePort();
    const users: object[] = [];
    for (const host of ["operator", "a", "b"]) {
      const made = await run("cluster", "key", `${host}.nk`);
      expect([made.code, made.stdout.trim()]).toEqual([0, expect.stringMatching(/^U[A-Z2-7]{55}$/)]);
      expect(statSync(join(folder.path, `${host}.nk`)).mode & 0o077).toBe(0);
      written("bulkhead.json", { cluster: { host, nats: nats(port, `${host}.nk`) } });
      if (host === "operator") users.push({ nkey: made.stdout.trim() });
      else users.push(JSON.parse((await run("cluster", "permissions", host, made.stdout.trim())).stdout));
    }
    const configuration = {
      listen: `127.0.0.1:${port}`,
      jetstream: { store_dir: join(folder.path, "js") },
      accounts: { BH: { jetstream: "enabled", users } },
    };
    writeFileSync(join(folder.path, "nats.conf"), JSON.stringify(configuration).slice(1, -1));
    server = spawn(programOf("nats-server") ?? "", ["-c", join(folder.path, "nats.conf")], { stdio: "ignore" });

    written("bulkhead.json", { cluster: { host: "operator", nats: nats(port, "operator.nk") } });
    const made = await eventually("the server answers", async () => {
      const ran = await run("cluster", "init");
      return ran.code === 0 ? ran : undefined;
    });
    expect(made.stderr).toBe("made: KV_bh-leases, KV_bh-state\n");
    expect((await run("cluster", "init")).stderr).toBe("all streams are there already\n");
    // A host makes none.
    written("bulkhead.json", { cluster: { host: "a", nats: { ...nats(port, "a.nk"), prefix: "other", timeoutMs: 1_000 } } });
    expect((await run("cluster", "init")).code).toBe(1);

    const hosts: RunningHost[] = [];
    try {
      for (const host of ["a", "b"]) {
        const home = join(folder.path, host);
        mkdirSync(home);
        const text = JSON.stringify({ adapters: { http: false }, cluster: { host, nats: nats(port, `${host}.nk`) } });
        hosts.push(await createHost({ configuration: parseConfiguration(text, join(home, "bulkhead.json")), log: memoryLog() }));
      }
      await hosts[0]?.core.state.set("lamp", utf8("on"), { owner: "p", expected: 0, ttlMs: undefined, maxBytes: 100, maxKeys: 10 });
      await eventually(
        "the other host has it",
        async () => textOf((await hosts[1]?.core.state.get("lamp"))?.value ?? utf8("")) === "on" || undefined,
      );
    } finally {
      for (const host of hosts) await host.stop();
    }
  });

  it("says what was written wrong, and leaves a key alone that is there", async () => {
    written("bulkhead.json", {});
    expect(await run("cluster", "init")).toMatchObject({ code: 2, stderr: expect.stringContaining('"cluster": {"host": "…", "nats"') });
    written("bulkhead.json", { cluster: { host: "a", nats: { servers: ["nats://192.0.2.1:4222"] } } });
    expect(await run("cluster", "init")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("in clear: write tls://192.0.2.1:4222"),
    });
    written("bulkhead.json", { cluster: { host: "a", nats: { server: "nats://127.0.0.1:4222" } } });
    expect(await run("cluster", "init")).toMatchObject({ code: 2, stderr: expect.stringContaining("did you mean servers?") });
    written("bulkhead.json", { cluster: { host: "a", nats: { servers: ["nats://127.0.0.1:4222"] } } });
    expect(await run("cluster", "permissions", "A", "U")).toMatchObject({ code: 2, stderr: expect.stringContaining("no name of a host") });
    expect(await run("cluster", "permissions", "a", "SU")).toMatchObject({ code: 2, stderr: expect.stringContaining("no public key") });
    expect(await run("cluster", "init", "--replicas", "2")).toMatchObject({ code: 2, stderr: expect.stringContaining("write 1, 3 or 5") });
    expect((await run("cluster", "key", "host.nk")).code).toBe(0);
    const before = readFileSync(join(folder.path, "host.nk"), "utf8");
    expect(await run("cluster", "key", "host.nk")).toMatchObject({ code: 1, stderr: expect.stringContaining("is there already") });
    expect(readFileSync(join(folder.path, "host.nk"), "utf8")).toBe(before);
    written("bulkhead.json", { cluster: { host: "a" } });
    expect(await run("config", "show")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("write the NATS servers that the hosts share"),
    });
  });
});
