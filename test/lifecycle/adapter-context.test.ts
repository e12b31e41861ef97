// The door for adapters: whatever they do is done for a principal, whose permissions are checked; and what they see of the host.

import { beforeEach, describe, expect, it } from "vitest";
import { Host } from "../../host/core/host.ts";
import type { Grant } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { KnownPrincipal } from "../../host/gate/known.ts";
import { parseManifest } from "../../host/manifest/manifest.ts";
import type { AdapterContext, Principal } from "../../host/seams.ts";
import { contributing, HERE, type TestContext, testContext } from "../support/adapter-context.ts";
import { settle } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, textOf, utf8 } from "../support/scripted-cell.ts";

const somebody = (name: string, ...grants: readonly Grant[]): Principal => new KnownPrincipal({ name, bounds: [grants] }, () => {});
const may = (permission: string, resource: string): Grant => ({ permission, resource });

describe("the context of an adapter", () => {
  let host: Host;
  let context: AdapterContext;
  let manifests: TestContext["manifests"];
  const operated: unknown[][] = [];
  const log = memoryLog();
  const script: Script = {
    who: (_input, { caller }) => utf8(`${caller.kind} ${caller.name} ${caller.principal}`),
    endless: (_input, { cancelled }) =>
      new Promise((_resolve, reject) => cancelled?.addEventListener("abort", () => reject(new Error("cancelled")), { once: true })),
  };

  beforeEach(async () => {
    operated.length = 0;
    host = new Host(hostPorts({ clock: systemClock, log }));
    const services = ["who", "endless"].map((entryPoint) => ({ name: `p.${entryPoint}`, entryPoint }));
    const subscriptions = [{ type: "lamps.*", entryPoint: "who" }];
    host.add(definition("p", script, { services, subscriptions }), scriptedCell({ p: script }));
    await host.start("p");
    const operations = { invoke: async (...asked: unknown[]) => operated.push(asked) };
    ({ context, manifests } = testContext(host, { log, adapter: "door", operations, parse: (_plugin, section) => section }));
  });

  it("is what HOUSE says, and no more: no Host, no store, no plugin", () => {
    expect(Object.keys(context).sort()).toEqual(
      [
        "authenticate",
        "blobs",
        "call",
        "catalog",
        "clock",
        "follow",
        "health",
        "issuers",
        "log",
        "logins",
        "observe",
        "openStream",
        "operate",
        "problems",
        "publish",
        "requireListenable",
        "telemetry",
        "tls",
        "within",
        "written",
      ].sort(),
    );
  });

  it("calls for who may: nobody, somebody else, the right one", async () => {
    const payload = new Uint8Array(0);
    for (const grants of [[], [may("services.call", "p.other")], [may("events.publish", "p.who")]])
      await expect(context.call(somebody("x", ...grants), { service: "p.who", payload })).rejects.toMatchObject({
        code: "permission-denied",
      });
    const allowed = somebody("x", may("services.call", "p.*"));
    // The plugin sees the door and who stands before it.
    expect(textOf(await context.call(allowed, { service: "p.who", payload }))).toBe("adapter door x");
    const denied = somebody("x", may("services.call", "p.*"), { ...may("services.call", "p.who"), effect: "deny" });
    await expect(context.call(denied, { service: "p.who", payload })).rejects.toMatchObject({ code: "permission-denied" });
  });

  it("counts work of a door as one of the principal's calls, and ends it for one who is revoked", async () => {
    const ada = new KnownPrincipal({ name: "ada", bounds: [[]] }, () => {});
    const running = Array.from({ length: 32 }, () => context.within(ada, () => new Promise<never>(() => {})));
    let begun = false;
    const work = async (): Promise<void> => {
      begun = true;
    };
    await expect(context.within(ada, work)).rejects.toMatchObject({ code: "rate-limited" });
    expect(begun).toBe(false);
    await context.within(somebody("bob"), work);
    expect(begun).toBe(true);
    const ended = Promise.allSettled(running);
    ada.end();
    expect((await ended).map(({ status }) => status)).toEqual(Array(32).fill("rejected"));
    await expect(context.within({ name: "ada", allows: () => true }, work)).rejects.toMatchObject({ code: "internal" });
  });

  it("ends the turn of a call that nobody waits for any more", async () => {
    const gone = new AbortController();
    const anonymous = await context.authenticate({ kind: "none", from: HERE });
    const called = context.call(anonymous, { service: "p.endless", payload: new Uint8Array(0), signal: gone.signal });
    await settle();
    gone.abort();
    await expect(called).rejects.toMatchObject({ code: "plugin-failed", message: expect.stringContaining("cancelled") });
  });

  it("is held to what a plugin declares of its events, within less time than its cell", async () => {
    const items = { not: { enum: Array.from({ length: 5_000 }, (_, i) => i) } };
    const events = { "lamps.on": { data: { required: ["id"], properties: { list: { items } } } } };
    const manifest = { name: "lamps", version: "1.0.0", api: "0.2", wasm: "lamps.wasm", events };
    manifests.set("lamps", parseManifest(JSON.stringify(manifest), "plugin.json"));
    const publisher = somebody("p", may("events.publish", "lamps.*"));
    const publish = (data: unknown, type = "lamps.on", contentType = "application/json"): Promise<string> =>
      context.publish(publisher, { type, contentType, data: utf8(JSON.stringify(data)) });
    expect(await publish({ id: 1 })).toMatch(/-\d+$/);
    expect(await publish(5, "lamps.off")).toMatch(/-\d+$/);
    await expect(publish({})).rejects.toMatchObject({ code: "invalid-message", message: "the data of lamps.on must have id" });
    await expect(publish({ id: 1 }, "lamps.on", "text/plain")).rejects.toMatchObject({ code: "invalid-message" });
    await expect(publish({ id: 1, list: Array(100).fill(-1) })).rejects.toMatchObject({
      code: "quota-exceeded",
      message: expect.stringContaining("more than 100000 steps"),
    });
    await expect(publish(Array(30_000).fill(1))).rejects.toMatchObject({ code: "quota-exceeded" });
    manifests.delete("lamps");
    expect(await publish({})).toMatch(/-\d+$/);
  });

  it("publishes and follows as far as each may", async () => {
    const heard: string[] = [];
    const listener = somebody("l", may("events.subscribe", "lamps.on"));
    const stop = context.follow(listener, "**", ({ type, source }) => void heard.push(`${type} ${source}`));
    const event = (type: string) => ({ type, contentType: "application/json", data: utf8("1") });
    const publisher = somebody("p", may("events.publish", "lamps.*"));
    await expect(context.publish(publisher, event("doors.open"))).rejects.toMatchObject({ code: "permission-denied" });
    expect(await context.publish(publisher, event("lamps.on"))).toMatch(/-1$/);
    await context.publish(publisher, event("lamps.off"));
    expect(heard).toEqual(["lamps.on /adapters/door"]);
    stop();
    await context.publish(publisher, event("lamps.on"));
    expect(heard).toHaveLength(1);
  });

  it("publishes nothing that is no event, whoever asks", async () => {
    const publisher = somebody("p", may("events.publish", "**"));
    for (const [type, contentType, data] of [
      ['lamps.on","x":"', "text/plain", "x"],
      ["lamps", "text/plain", "x"],
      ["lamps.on", 'text/"plain', "x"],
      ["lamps.on", `text/${"x".repeat(200)}`, "x"],
      ["lamps.on", "application/json", "{"],
      ["lamps.on", "application/json", `["${"x".repeat(200_000)}"`],
    ] as const)
      await expect(context.publish(publisher, { type, contentType, data: utf8(data) })).rejects.toMatchObject({ code: "invalid-message" });
  });

  it("counts streams that a door fills itself, until they or their principal end", async () => {
    const listener = new KnownPrincipal({ name: "l", bounds: [undefined] }, () => {});
    const ended: string[] = [];
    const open = (): (() => void) => context.openStream(listener, () => void ended.push(listener.name));
    const undo = Array.from({ length: 64 }, open);
    expect(open).toThrow(expect.objectContaining({ code: "rate-limited" }));
    undo[0]?.();
    undo[0]?.();
    context.follow(listener, "**", () => {});
    expect(open).toThrow(expect.objectContaining({ code: "rate-limited" }));
    listener.end();
    expect(ended).toHaveLength(63);
    expect(() => context.openStream({ name: "l", allows: () => true }, () => {})).toThrow(expect.objectContaining({ code: "internal" }));
  });

  it("ends a stream whose principal's time is up by now, once whoever opened it has it", async () => {
    const late = new KnownPrincipal({ name: "late", bounds: [undefined], expiresAt: Date.now() - 1 }, () => {});
    const ended = new Promise<void>((resolve) => {
      const undo = context.openStream(late, () => {
        undo();
        resolve();
      });
    });
    await ended;
  });

  it("logs a listener that fails, at once or later, and goes on", async () => {
    const late = memoryLog();
    const { context: mine } = testContext(host, { log: late, adapter: "door" });
    const anonymous = await mine.authenticate({ kind: "none", from: HERE });
    const stops = [
      mine.follow(anonymous, "**", (async () => Promise.reject(new Error("late"))) as () => void),
      mine.observe({ event: (async () => Promise.reject(new Error("later"))) as () => void }),
    ];
    await mine.publish(anonymous, { type: "a.b", contentType: "text/plain", data: utf8("") });
    await settle();
    expect(late.lines.map(({ cause }) => String(cause))).toEqual(["Error: late", "Error: later"]);
    for (const stop of stops) stop();
  });

  it("lets the operator operate and nobody else, whatever else he may", async () => {
    const anonymous = await context.authenticate({ kind: "none", from: HERE });
    for (const who of [anonymous, somebody("x", may("services.call", "**")), somebody("x", may("host.operate", "admin.list"))])
      await expect(context.operate(who, "grant", {})).rejects.toMatchObject({ code: "permission-denied" });
    const operator = await context.authenticate({ kind: "operator" });
    await context.operate(operator, "grant", { plugin: "p" });
    expect(operated).toEqual([["grant", { plugin: "p" }, expect.stringMatching(/^user:(?!user:)/)]]);
  });

  it("tells observers of calls, turns, events and states", async () => {
    const told: string[] = [];
    const stop = context.observe({
      call: ({ service, failure }) => void told.push(`call ${service} ${failure?.code ?? "ok"}`),
      turn: ({ entryPoint }) => void told.push(`turn ${entryPoint}`),
      event: ({ type }) => void told.push(`event ${type}`),
      state: ({ name, state }) => void told.push(`state ${name} ${state}`),
    });
    const anonymous = await context.authenticate({ kind: "none", from: HERE });
    await context.call(anonymous, { service: "p.who", payload: new Uint8Array(0) });
    await context.call(anonymous, { service: "p.none", payload: new Uint8Array(0) }).catch(() => {});
    await context.publish(anonymous, { type: "a.b", contentType: "text/plain", data: utf8("x") });
    await host.plugin("p")?.stop(0);
    stop();
    await host.start("p");
    expect(told).toEqual(["turn who", "call p.who ok", "call p.none no-such-service", "event a.b", "state p stopping", "state p stopped"]);
  });

  it("has a catalog of what there is, narrowed for somebody, that says when it changes", async () => {
    const { catalog } = context;
    let changes = 0;
    const stop = catalog.onChange(() => {
      changes += 1;
    });
    const before = catalog.version;
    manifests.set("p", contributing("p", { door: { wide: true } }));
    expect(changes).toBe(1);
    expect(catalog.version).toBeGreaterThan(before);
    expect(catalog.contributions("door")).toEqual([{ plugin: "p", section: { wide: true } }]);
    expect(catalog.contributions("window")).toEqual([]);
    expect(catalog.plugins).toEqual([expect.objectContaining({ name: "p", version: "1.0.0", state: "running", queued: 0 })]);
    expect(catalog.services.map(({ name, provider }) => [name, provider])).toEqual([
      ["p.who", "p"],
      ["p.endless", "p"],
    ]);
    expect(catalog.events).toEqual([{ type: "lamps.*", publishers: [], subscribers: ["p"], data: undefined }]);
    const narrow = catalog.for(somebody("x", may("services.call", "p.who")));
    expect(narrow.services.map(({ name }) => name)).toEqual(["p.who"]);
    expect(narrow.events).toEqual([]);
    await host.plugin("p")?.stop(0);
    expect(changes).toBe(3);
    stop();
    await host.start("p");
    expect(changes).toBe(3);
  });
});

describe("guards and observers", () => {
  it("refuse a call and an event, and stop nobody when they fail themselves", async () => {
    const log = memoryLog();
    const script: Script = { run: () => utf8("done") };
    const refuse = (): never => {
      throw Object.assign(new Error("closed"), {});
    };
    const guards = [
      { call: async ({ service }: { readonly service: string }) => (service === "p.no" ? refuse() : undefined) },
      { publish: ({ type }: { readonly type: string }) => (type === "p.no" ? Promise.reject(new Error("closed")) : undefined) },
    ];
    const host = new Host(hostPorts({ clock: systemClock, log, guards }));
    const services = ["p.yes", "p.no"].map((name) => ({ name, entryPoint: "run" }));
    host.add(definition("p", script, { services }), scriptedCell({ p: script }));
    await host.start("p");
    const call = (service: string) =>
      host.services.call({ service, payload: new Uint8Array(0), caller: { kind: "adapter", name: "t" }, traceparent: "t" });
    expect(textOf(await call("p.yes"))).toBe("done");
    await expect(call("p.no")).rejects.toMatchObject({ code: "internal" });
    const event = (type: string) => ({ type, contentType: "text/plain", source: "/t", traceparent: "t", data: utf8("") });
    const by = { kind: "adapter", name: "t" } as const;
    await expect(host.publish(event("p.no"), by)).rejects.toThrow("closed");
    expect(await host.publish(event("p.yes"), by)).toMatchObject({ type: "p.yes" });
  });
});
