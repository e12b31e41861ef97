// What docs/cluster.md tells an operator to let each host do, on a server that holds hosts to it.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { natsOptions } from "../../host/drivers/nats/options.ts";
import { nats } from "../../host/drivers/peers/nats.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import type { Peers } from "../../host/seams.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { memoryLog } from "../support/memory-log.ts";
import { describeWithServer, programOf } from "../support/servers.ts";

const HOSTS = ["a", "b", "c"];
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (given: Uint8Array): string => new TextDecoder().decode(given);

describeWithServer("nats", "a host whose key is another's", () => {
  let folder: string;
  let server: ChildProcess;
  let port: number;
  const opened: AsyncDisposable[] = [];

  /** As the host `name` to itself, and with the key of `key` to the server. */
  async function peers(name: string, key: string = name): Promise<Peers> {
    const options = natsOptions.parse({ servers: [`nats://127.0.0.1:${port}`], keyFile: join(folder, key) });
    const made = await nats.open({ clock: systemClock, log: memoryLog(), dataDir: "", host: name }, options);
    opened.push(made);
    return made;
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "bulkhead-nats-"));
    port = await freePort();
    const users = HOSTS.map((host) => {
      const key = nkeys.createUser();
      writeFileSync(join(folder, host), text(key.getSeed()), { mode: 0o600 });
      const publish = [`bh.ask.*.${host}`, `bh.stop.*.${host}`, `bh.beats.${host}.>`, `bh.events.${host}.>`, "$JS.API.INFO"];
      const subscribe = [`bh.ask.${host}.*`, `bh.stop.${host}.*`, `bh.answers.${host}.>`, "bh.beats.>", "bh.events.>", "_INBOX.>"];
      const permissions = { publish, subscribe, allow_responses: { max: 1, expires: "60s" } };
      return { nkey: key.getPublicKey(), permissions };
    });
    const configuration = join(folder, "nats.conf");
    const accounts = { BH: { jetstream: "enabled", users } };
    writeFileSync(
      configuration,
      JSON.stringify({ listen: `127.0.0.1:${port}`, jetstream: { store_dir: join(folder, "js") }, accounts }).slice(1, -1),
    );
    server = spawn(programOf("nats-server") ?? "", ["-c", configuration], { stdio: "ignore" });
    await eventually("the server answers", () =>
      peers("a").then(
        () => true,
        () => undefined,
      ),
    );
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it("asks and tells nobody in its name, and hears nothing that is asked of it", async () => {
    const [a, b, c] = [await peers("a"), await peers("b"), await peers("c")];
    const asked: string[] = [];
    const heard: string[] = [];
    b.hear("events", (from, message) => heard.push(`${from} ${text(message)}`));
    b.answer(async (from, request) => {
      asked.push(`${from} ${text(request)}`);
      return bytes("answered");
    });
    const forged = await peers("a", "c");
    let stolen = 0;
    (await peers("b", "c")).answer(async () => {
      stolen += 1;
      return bytes("stolen");
    });
    const giveUp = new AbortController();
    const forging = forged.ask("b", bytes("as a"), giveUp.signal);
    forged.broadcast("events", bytes("as a"));
    expect(text(await eventually("b answers a", () => a.ask("b", bytes("itself"), giveUp.signal).catch(() => undefined)))).toBe("answered");
    c.broadcast("events", bytes("itself"));
    await eventually("b hears c", () => heard.length > 0 || undefined);
    giveUp.abort();
    await expect(forging).rejects.toMatchObject({ code: "deadline-exceeded" });
    expect(asked).toEqual(["a itself"]);
    expect(heard).toEqual(["c itself"]);
    expect(stolen).toBe(0);
  });
});
