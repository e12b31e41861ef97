// What `bulkhead cluster permissions` tells an operator to let each host do, on a server that holds hosts to it.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { nats as natsLeases } from "../../host/drivers/leases/nats.ts";
import { type Nats, newKey, openNats } from "../../host/drivers/nats/connection.ts";
import { inboxOf, type NatsOptions, natsOptions } from "../../host/drivers/nats/options.ts";
import { permissionsOf } from "../../host/drivers/nats/permissions.ts";
import { nats } from "../../host/drivers/peers/nats.ts";
import { nats as natsState } from "../../host/drivers/state/nats.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import type { Peers } from "../../host/seams.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { memoryLog } from "../support/memory-log.ts";
import { initialized } from "../support/nats.ts";
import { describeWithServer, programOf } from "../support/servers.ts";

const HOSTS = ["a", "b", "c"];
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (given: Uint8Array): string => new TextDecoder().decode(given);

describeWithServer("nats", "a host whose key is another's", () => {
  let folder: string;
  let server: ChildProcess;
  let port: number;
  const opened: AsyncDisposable[] = [];
  const keys = new Map<string, string>();
  const optionsOf = (key: string): NatsOptions =>
    natsOptions.parse({ servers: [`nats://127.0.0.1:${port}`], keyFile: join(folder, key), timeoutMs: 1_000 });

  /** As the host `name` to itself, and with the key of `key` to the server. */
  async function peers(name: string, key: string = name): Promise<Peers> {
    const made = await nats.open({ clock: systemClock, log: memoryLog(), dataDir: "", host: name }, optionsOf(key));
    opened.push(made);
    return made;
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "bulkhead-nats-"));
    port = await freePort();
    const users = [...HOSTS, "operator"].map((host) => {
      const { seed, publicKey } = newKey();
      writeFileSync(join(folder, host), seed, { mode: 0o600 });
      keys.set(host, publicKey);
      return { nkey: publicKey, ...(host === "operator" ? {} : { permissions: permissionsOf("bh", host, inboxOf(publicKey)) }) };
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

  it("has another one say nothing where it names no place of its own for the answer", async () => {
    const [b, raw] = [await peers("b"), await openNats(optionsOf("a"), memoryLog())];
    opened.push(raw);
    const asked: string[] = [];
    b.answer(async (from, request) => {
      asked.push(`${from} ${text(request)}`);
      return bytes("answered");
    });
    for (const reply of ["bh.events.b.x", "bh.beats.b.x", "bh.ask.c.b", "bh.answers.b.x.1", "bh.answers.c.x.1", "bh.answers.a.x.1"])
      raw.connection.publish("bh.ask.b.a", bytes(reply), { reply });
    await eventually("the last is answered", () => asked.length > 0 || undefined);
    expect(asked).toEqual(["a bh.answers.a.x.1"]);
  });

  it("shares state and leases, makes and ends no stream, and hears no answer that is another's", async () => {
    await initialized(optionsOf("operator"));
    const opening = { clock: systemClock, log: memoryLog(), dataDir: "/" };
    const state = await Promise.all(["a", "b"].map((host) => natsState.open(opening, { ...optionsOf(host), maxMiB: 1, maxKeys: 10 })));
    const leases = await natsLeases.open(opening, { ...optionsOf("a"), ttlMs: 10_000 });
    opened.push(...state, leases);
    const write = { owner: "p", expected: 0, ttlMs: undefined, maxBytes: 100, maxKeys: 10 };
    expect(await state[0]?.set("lamp", bytes("on"), write)).toBeGreaterThan(0);
    expect(await state[1]?.set("lamp", bytes("off"), write)).toBeUndefined();
    expect(text((await state[1]?.get("lamp"))?.value ?? bytes(""))).toBe("on");
    const held = Promise.withResolvers<number>();
    opened.push(leases.contend("work", async ({ epoch }) => held.resolve(epoch)));
    expect(await held.promise).toBeGreaterThan(0);

    const a: Nats = await openNats(optionsOf("a"), memoryLog());
    opened.push(a);
    await expect(a.manager.streams.delete("KV_bh-state")).rejects.toThrow(/ermission|timeout/);
    await expect(a.manager.streams.add({ name: "mine", subjects: ["bh.ask.>"] })).rejects.toThrow(/ermission|timeout/);
    await expect(a.manager.streams.purge("KV_bh-state")).rejects.toThrow(/ermission|timeout/);
    const heard: string[] = [];
    const told = Promise.withResolvers<void>();
    for (const subject of [`${inboxOf(keys.get("b") ?? "")}.>`, "_INBOX.>", "bh.answers.b.>", ">"])
      a.connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) heard.push(message.subject);
          told.resolve();
        },
      });
    await told.promise;
    await state[1]?.set("lamp", bytes("off"), { ...write, expected: undefined });
    await a.connection.flush();
    expect(heard).toEqual([]);
    expect(text((await state[0]?.get("lamp"))?.value ?? bytes(""))).not.toBe("");
  });
});
