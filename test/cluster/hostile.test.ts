// A host of the cluster that lies: what it says of plugins is held against what others know, and whatever else it sends is bounded before it is looked at.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame } from "../../host/cluster/frames.ts";
import { MemoryNetwork } from "../../host/drivers/peers/memory.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import type { Peers } from "../../host/seams.ts";
import { type HostInCluster, hostInCluster, knows, mayCall } from "../support/clusters.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

const RUN = "11111111-1111-1111-1111-111111111111";
const TRACE = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
const announcement = { plugins: ["honest"], services: [], hears: [] };

let network: MemoryNetwork;
let liar: Peers & AsyncDisposable;
let b: HostInCluster;
let ran: string[];
let said: object;

const ports = () => ({ clock: systemClock, log: memoryLog() });
let revision = 1;
let beating: NodeJS.Timeout;

beforeEach(async () => {
  network = new MemoryNetwork();
  liar = network.join("liar", ports());
  b = await hostInCluster(network.join("b", ports()), { callers: { honest: ["far.*"], absent: ["far.*"] } });
  ran = [];
  await b.add("far", {
    take(_input, { caller }) {
      ran.push(`${caller.kind} ${caller.name}`);
      return utf8("taken");
    },
  });
  said = announcement;
  liar.answer(async () => encodeFrame({ run: RUN, revision: 1 }, utf8(JSON.stringify(said))));
  revision = 1;
  beating = setInterval(() => liar.broadcast("beats", encodeFrame({ run: RUN, revision, load: 0, state: "here" })), 20);
  await eventually("b knows the liar", () => b.cluster.membership.members.get("liar")?.revision === 1 || undefined);
});
afterEach(async () => {
  clearInterval(beating);
  await b[Symbol.asyncDispose]();
  await liar[Symbol.asyncDispose]();
});

const honest = {
  ...{ kind: "call", run: RUN, revision: 1, id: "22222222-2222-2222-2222-222222222222", service: "far.take", traceparent: TRACE },
  ...{ caller: { kind: "plugin", name: "honest" }, remainingMs: 5_000, waiting: ["honest"], authorities: [] },
};
const ask = async (request: Uint8Array): Promise<{ ok: boolean; refused?: boolean; error?: { code: string; message: string } }> => {
  const { head } = decodeFrame(await liar.ask("b", request, new AbortController().signal));
  return head as never;
};

describe("a host that lies", () => {
  it("is answered as long as it does not", async () => {
    expect(await ask(encodeFrame(honest))).toMatchObject({ ok: true });
    expect(ran).toEqual(["plugin honest"]);
  });

  it.each([
    [
      "that a plugin calls which it has not announced",
      { caller: { kind: "plugin", name: "absent" }, waiting: ["absent"] },
      "permission-denied",
    ],
    [
      "that a plugin calls which nobody knows here",
      { caller: { kind: "plugin", name: "stranger" }, waiting: ["stranger"] },
      "permission-denied",
    ],
    ["that one plugin calls and another waits", { waiting: ["far", "other"] }, "invalid-message"],
    ["that it calls for a plugin whose grants are not known here", { authorities: ["stranger"] }, "permission-denied"],
    ["that somebody wants what is not provided", { service: "far.none" }, "no-such-service"],
    ["that its plugin waits for the one that it calls", { waiting: ["far", "honest"] }, "call-loop"],
    [
      "that more wait than the provider lets wait",
      { waiting: [...Array.from({ length: 40 }, (_, i) => `p${i}`), "honest"] },
      "quota-exceeded",
    ],
    ["that more wait than anybody reads", { waiting: [...Array.from({ length: 257 }, () => "p"), "honest"] }, "invalid-message"],
    ["names that are none", { caller: { kind: "plugin", name: "../honest" } }, "permission-denied"],
    ["names that do not show", { caller: { kind: "adapter", name: "ht\u202etp" }, waiting: [] }, "invalid-message"],
    [
      "a principal of a megabyte",
      { caller: { kind: "adapter", name: "http", principal: "x".repeat(60_000) }, waiting: [] },
      "invalid-message",
    ],
    ["a time that is none", { remainingMs: -1 }, "invalid-message"],
    ["a time without end", { remainingMs: 1e300 }, "invalid-message"],
    ["a trace that is none", { traceparent: '","x":"' }, "invalid-message"],
    ["a kind of caller that there is not", { caller: { kind: "root", name: "honest" } }, "invalid-message"],
    ["a message of another form", { format: 2 }, "invalid-message"],
    ["more values than anybody parses", { more: Array.from({ length: 2_000 }, () => 1) }, "invalid-message"],
    ["what nests deeper than anybody parses", { more: [[[[[[1]]]]]] }, "invalid-message"],
  ])("is refused when it says %s, and no turn begins", async (_what, lie, code) => {
    const answer = await ask(encodeFrame({ ...honest, ...lie }));
    expect(answer).toMatchObject({ ok: false, error: { code } });
    expect(ran).toEqual([]);
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["three bytes", new Uint8Array(3)],
    ["a length above its own", Uint8Array.of(0, 0, 255, 255, 1)],
    ["a length above the limit", Uint8Array.of(127, 255, 255, 255, ...new Uint8Array(100))],
    ["a head that is no JSON", Uint8Array.of(0, 0, 0, 2, 123, 123)],
    ["a head that is no UTF-8", Uint8Array.of(0, 0, 0, 3, 34, 255, 34)],
    ["a head that is a number", Uint8Array.of(0, 0, 0, 1, 49)],
  ])("is refused %s", async (_what, garbage) => {
    expect(await ask(garbage)).toMatchObject({ ok: false, refused: true, error: { code: "invalid-message" } });
  });

  it("is not known when it never said who it is, nor when it says of itself what is none", async () => {
    const stranger = network.join("stranger", ports());
    const asking = async () => decodeFrame(await stranger.ask("b", encodeFrame(honest), new AbortController().signal)).head;
    expect(await asking()).toMatchObject({ ok: false, error: { code: "permission-denied" } });
    stranger.answer(async () => encodeFrame({ run: RUN, revision: 1 }, utf8("{".repeat(1_000))));
    expect(await asking()).toMatchObject({ ok: false, error: { code: "permission-denied" } });
    expect(ran).toEqual([]);
    await stranger[Symbol.asyncDispose]();
  });

  it("makes others ask it what it provides once a beat, however it lies about that", async () => {
    let asked = 0;
    liar.answer(async () => {
      asked += 1;
      return encodeFrame({ run: RUN, revision: 1 }, utf8(JSON.stringify(said)));
    });
    const before = systemClock.monotonicMs();
    for (let i = 0; i < 200; i += 1) await ask(encodeFrame({ ...honest, revision: 1_000 + i }));
    // By the clock of this test, so that a busy machine has more beats.
    expect(asked).toBeLessThanOrEqual(2 + (systemClock.monotonicMs() - before) / 50);
  });

  it.each([
    ["a service below another's name", { services: [{ ...service("far.take"), provider: "honest" }] }],
    ["a name of a service that is none", { services: [service("no name")] }],
    ["a name that the host uses itself", { services: [service("host.stop")] }],
    ["more plugins than anybody reads", { plugins: Array.from({ length: 2_001 }, (_, i) => `p${i}`) }],
    ["a pattern that is none", { hears: ["**.**"] }],
    ["a schema that nests without end", { services: [{ ...service("liar.x"), input: JSON.parse("[".repeat(300) + "]".repeat(300)) }] }],
  ])("is known for what it was when it announces %s", async (_what, lie) => {
    said = { ...announcement, plugins: ["honest"], ...lie };
    liar.answer(async () => encodeFrame({ run: RUN, revision: 2 }, utf8(JSON.stringify(said))));
    revision = 2;
    await eventually("b says so", () => b.log.lines.find(({ message }) => message.includes("liar does not say what it provides")));
    expect(b.cluster.services).toEqual([]);
    expect(b.cluster.membership.members.get("liar")?.revision).toBe(1);
  });

  it("takes no service from a host that provides it", async () => {
    said = { ...announcement, services: [service("far.take")] };
    liar.answer(async () => encodeFrame({ run: RUN, revision: 2 }, utf8(JSON.stringify(said))));
    revision = 2;
    await knows(b, "far.take");
    expect(await b.call("far.take")).toBe("taken");
  });

  it.each([
    ["garbage", async () => new Uint8Array(9), "host-lost"],
    [
      "an error of a code that there is not",
      async () => answer({ ok: false, refused: false, error: { code: "root", message: "x" } }),
      "plugin-failed",
    ],
    ["an error without words", async () => answer({ ok: false, refused: false, error: { code: "conflict" } }), "host-lost"],
    [
      "a refusal with a reason that waits for ever",
      async () => answer({ ok: false, refused: false, error: { code: "refused", message: "x", retryAfterMs: 1e12 } }),
      "host-lost",
    ],
  ])("harms nobody who asks it and is answered %s", async (_what, give, code) => {
    said = { ...announcement, services: [service("honest.give")] };
    liar.answer(async (_from, request) =>
      decodeFrame(request).head !== undefined && JSON.stringify(decodeFrame(request).head).includes("describe")
        ? encodeFrame({ run: RUN, revision: 2 }, utf8(JSON.stringify(said)))
        : give(),
    );
    revision = 2;
    await knows(b, "honest.give");
    await expect(b.call("honest.give")).rejects.toMatchObject({ code });
  });

  it("has no more calls under way than one host may, and others have theirs", async () => {
    const held = Promise.withResolvers<undefined>();
    const limits = { ...(b.core.plugin("far")?.limits ?? expect.unreachable()), mailboxLength: 5_000, mailboxBytes: 1e9 };
    await b.add("slow", { hold: () => held.promise }, { limits });
    const calling = (i: number) =>
      ask(
        encodeFrame({
          ...honest,
          service: "slow.hold",
          id: RUN.slice(4) + String(i).padStart(4, "0"),
          caller: { kind: "adapter", name: "http" },
          waiting: [],
        }),
      );
    const all = Array.from({ length: 1_024 }, (_, i) => calling(i));
    await eventually("all are taken", () => b.core.plugin("slow")?.queued === 1_024 || undefined);
    expect(await calling(1_024)).toMatchObject({ ok: false, refused: true, error: { code: "queue-full" } });
    held.resolve(undefined);
    for (const one of await Promise.all(all)) expect(one).toMatchObject({ ok: true });
    expect(await calling(0)).toMatchObject({ ok: true });
  });

  it("lets a plugin of its own do no more than it may, with a send as with a call", async () => {
    expect(await ask(encodeFrame({ ...honest, waiting: [] }))).toMatchObject({ ok: true });
    b.core.plugin("far")?.permissions.replaceGrants([]);
    const other = { caller: { kind: "plugin", name: "absent" }, waiting: [] };
    expect(await ask(encodeFrame({ ...honest, ...other }))).toMatchObject({ ok: false, error: { code: "permission-denied" } });
  });
});

function service(name: string): object {
  return {
    ...{ name, provider: name.split(".")[0], isRunning: true, deadlineMs: 1_000, callDepth: 16, errors: {}, rates: {} },
    ...{ readOnly: false, idempotent: false, deprecated: false, public: true },
  };
}

const answer = (rest: object): Uint8Array => encodeFrame({ tookMs: 0, ...rest });

describe("events of other hosts", () => {
  const heard: string[] = [];
  const event = {
    ...{ id: "1-1", source: "/plugins/honest", type: "honest.done", time: "2026-01-01T00:00:00.000Z", traceparent: TRACE },
    contentType: "application/json",
  };
  const send = (rest: object, data = "{}"): void => liar.broadcast("events", encodeFrame({ ...event, ...rest }, utf8(data)));

  beforeEach(() => {
    heard.length = 0;
    b.core.events.subscribe("**", ({ type, data }) => heard.push(`${type} ${textOf(data)}`));
  });

  it.each([
    ["of a plugin that it does not run", { source: "/plugins/absent", type: "absent.done" }, "{}"],
    ["under another's name, which nobody here grants", { type: "far.done" }, "{}"],
    ["of the host itself", { source: "/host/observer", type: "host.turn" }, "{}"],
    ["that is no JSON and says that it is", {}, "{"],
    ["that would be two attributes", { id: '1","source":"/plugins/far' }, "{}"],
    ["of no time", { time: "now" }, "{}"],
    ["of no media type", { contentType: "x\r\ny" }, "{}"],
  ])("are dropped %s, and that is told once", async (_what, lie, data) => {
    send(lie, data);
    send(lie, data);
    send({ type: "honest.last" });
    await eventually("the last is heard", () => heard.includes("honest.last {}") || undefined);
    expect(heard).toEqual(["honest.last {}"]);
    expect(b.log.lines.filter(({ message }) => message.includes("an event of the host liar is dropped"))).toHaveLength(1);
  });

  it("go under another's name where this host grants it", async () => {
    const grants = [{ permission: "events.publish", resource: "far.*" }];
    await b.add("honest", {}, { ...mayCall(), permissions: grants.map((one) => ({ ...one, reason: "test" })), grants });
    send({ type: "far.done" });
    await eventually("it is heard", () => heard.includes("far.done {}") || undefined);
  });
});
