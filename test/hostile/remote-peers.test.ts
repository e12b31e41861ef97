// Peers that lie, flood, hang or say nothing, as remote plugins of a host in which another plugin goes on.

import { randomBytes } from "node:crypto";
import { connect as connectSocket, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { type HelloParts, helloOf, RawPeer } from "../remote/raw-peer.ts";
import { RemoteWorld, type WorldOptions } from "../remote/world.ts";
import { eventually } from "../support/eventually.ts";

const KIB = 1_024;
const MIB = KIB * KIB;
const text = (value: string): Uint8Array => Buffer.from(value);
const cleanup: Disposable[] = [];
const worlds: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of cleanup.splice(0)) one[Symbol.dispose]();
  for (const one of worlds.splice(0)) await one[Symbol.asyncDispose]();
});

async function world(options: WorldOptions = {}): Promise<RemoteWorld> {
  const made = await RemoteWorld.start({
    ...options,
    manifest: { services: { "meter.read": { entryPoint: "read" } }, ...options.manifest },
  });
  worlds.push(made);
  return made;
}

function peerOf({ address, token }: RemoteWorld, options: { token?: string } = {}): RawPeer {
  const peer = new RawPeer(address, { token, ...options });
  cleanup.push(peer);
  return peer;
}

async function welcomed(host: RemoteWorld): Promise<RawPeer> {
  const peer = peerOf(host);
  peer.say(helloOf(host.manifest));
  await peer.next("welcome");
  await host.running();
  return peer;
}

/** A peer in a turn that a call of the service has begun. */
async function entered(host: RemoteWorld): Promise<{ peer: RawPeer; turnId: number; called: Promise<unknown> }> {
  const peer = await welcomed(host);
  const called = host.call("meter.read").catch((error: unknown) => error);
  const { turnId } = await peer.next("turn");
  return { peer, turnId, called };
}

it("lets nobody in who shows no token, or one that is none, and hears nothing of him", async () => {
  const host = await world();
  for (const token of ["", "bh_x", `bhr_${"a".repeat(12)}_${"b".repeat(43)}`, "x".repeat(4_000)]) {
    const peer = peerOf(host, { token });
    peer.say(helloOf(host.manifest));
    expect(await peer.end()).toContain("permission-denied: show a token (bulkhead remote token create <plugin>)");
  }
  expect(host.log.lines.filter(({ message }) => message.includes("a peer was refused"))).toEqual([]);
});

it.each<readonly [string, HelloParts, string]>([
  ["another name", { plugin: "devices" }, "permission-denied: it says that it is devices, and has shown to be meter"],
  [
    "a name that is a terminal's command",
    { plugin: "\u001b[2J" },
    "permission-denied: it says that it is \\u{1b}[2J, and has shown to be meter",
  ],
  [
    "another manifest",
    { manifestSha256: randomBytes(32) },
    "admission-refused: it has another plugin.json than the one that was installed",
  ],
  ["no manifest", { manifestSha256: new Uint8Array(0) }, "admission-refused: it has another plugin.json"],
  ["another version", { version: "6.6.6" }, "admission-refused: it says that it is meter 6.6.6; 1.0.0 is installed"],
  ["another api", { api: "9.9" }, 'incompatible-api: it speaks api "9.9", and the manifest of meter says "0.2"'],
  ["none of its entry points", { entryPoints: ["write"] }, "admission-refused: it does not offer the entry point read"],
])("refuses a Hello with %s, and says so to the peer and to the log", async (_name, parts, said) => {
  const host = await world();
  const peer = peerOf(host);
  peer.say(helloOf(host.manifest, parts));
  const end = await peer.end();
  expect(end).toContain(said);
  expect(host.log.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining(said.slice(said.indexOf(": ") + 2)));
  expect(host.state).toBe("failed");
});

it("ends a stream that does not begin with Hello, is no message, is too long, or has too many fields, before it is parsed", async () => {
  const host = await world();
  const pong = { case: "pong", value: { $typeName: "bulkhead.remote.v1.Pong", nonce: 1 } } as const;
  for (const [bytes, said] of [
    [Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f), "invalid-message: it sent no message of the protocol"],
    [new Uint8Array(65 * KIB), "quota-exceeded: it sent a message of 66560 bytes; the limit is 65536"],
    // A Hello of 3,000 entry points without a letter.
    [Uint8Array.of(0x0a, 0xf0, 0x2e, ...Array.from({ length: 3_000 }, () => [0x22, 0x00]).flat()), "with more than 2048 fields"],
  ] as const) {
    const peer = peerOf(host);
    peer.sayBytes(bytes);
    expect(await peer.end()).toContain(said);
  }
  const peer = peerOf(host);
  peer.say(pong);
  expect(await peer.end()).toContain("invalid-message: it did not say Hello first");
});

it("has one session of a plugin: a second is refused, unless the first has missed its beats", async () => {
  const host = await world();
  const first = await welcomed(host);
  const second = peerOf(host);
  second.say(helloOf(host.manifest));
  expect(await second.end()).toContain("conflict: meter has a session already");
  first.isSilent = true;
  await eventually("another takes its place", async () => {
    const other = peerOf(host);
    other.say(helloOf(host.manifest));
    await eventually("it is told", () => other.status ?? (other.heard.length > 0 || undefined));
    return other.heard.length > 0 || undefined;
  });
  expect(await first.end()).toMatch(/it was silent, and another took its place|it did not answer/);
  await host.running();
});

it("ends a session that ends turns twice, speaks of others, asks after the end or says what nobody asked", async () => {
  const host = await world();
  for (const [misbehave, said] of [
    [(peer: RawPeer, turn: number) => void [peer.endTurn(turn, "1"), peer.endTurn(turn, "2")], "it spoke of turn"],
    [(peer: RawPeer, turn: number) => peer.endTurn(turn + 7), "it spoke of turn"],
    [(peer: RawPeer, turn: number) => void [peer.endTurn(turn, "1"), peer.ask(turn, 1, "clock.now")], "it spoke of turn"],
    [(peer: RawPeer) => peer.say(helloOf(host.manifest)), "it sent hello in a session"],
    [
      (peer: RawPeer) => peer.say({ case: "pong", value: { $typeName: "bulkhead.remote.v1.Pong", nonce: 1 } }),
      "it sent a Pong that nobody asked for",
    ],
    [(peer: RawPeer) => peer.sayBytes(new Uint8Array(0)), "it sent nothing in a session"],
  ] as const) {
    const { peer, turnId, called } = await entered(host);
    misbehave(peer, turnId);
    expect(await peer.end()).toContain(said);
    await called;
    peer[Symbol.dispose]();
    await eventually("it waits", () => host.state === "failed" || undefined);
  }
});

it("takes no message larger than the payload, and no output beyond it", async () => {
  const host = await world({ settings: { limits: { payloadMiB: 1, hostCalls: 100 } } });
  const large = await entered(host);
  large.peer.endTurn(large.turnId, new Uint8Array(MIB + 1));
  expect(await large.called).toMatchObject({ code: "quota-exceeded", message: expect.stringContaining("limits.payloadMiB") });
  const again = host.call("meter.read").catch((error: unknown) => error);
  await large.peer.next("turn");
  large.peer.endTurn(2, new Uint8Array(MIB + 65 * KIB));
  expect(await large.peer.end()).toContain("quota-exceeded: it sent a message of");
  expect(await again).toMatchObject({ code: "plugin-failed" });
});

it("ends a turn that calls the host too often, and cuts a peer that goes on", async () => {
  const host = await world({ settings: { limits: { hostCalls: 20 } } });
  const { peer, turnId, called } = await entered(host);
  for (let i = 1; i <= 21; i += 1) {
    peer.ask(turnId, i, "storage.get", [text("k")]);
    if (i <= 20) await peer.next("hostCallEnded");
  }
  expect(await called).toMatchObject({ code: "quota-exceeded", message: expect.stringContaining("more than 20 times") });
  await peer.next("cancel");
  for (let i = 0; i < 40; i += 1) peer.ask(turnId, 100 + i, "storage.get", [text("k")]);
  expect(await peer.end()).toContain("it called the host more than 20 times in a turn");
});

it("answers what is no host function, has too many arguments or is malformed with an error, or ends the session", async () => {
  const host = await world();
  const { peer, turnId, called } = await entered(host);
  for (const [name, args] of [
    ["no.such", []],
    ["__proto__", []],
    ["storage.get", []],
    ["storage.get", [Uint8Array.of(0xff, 0xfe)]],
    ["random.bytes", [text("1e9")]],
    ["services.call", [text("vault.open"), text("")]],
  ] as const) {
    peer.ask(turnId, 1, name, [...args]);
    const { block } = await peer.next("hostCallEnded");
    expect(block[0], name).toBe(1);
  }
  peer.ask(
    turnId,
    2,
    "storage.get",
    Array.from({ length: 1_000 }, () => new Uint8Array(0)),
  );
  expect(await peer.end()).toContain("invalid-message: it sent no message of the protocol, or one with more than 32 fields");
  await called;
});

it("keeps the limit of the log, over sessions", async () => {
  const host = await world({ settings: { limits: { logMiBPerMinute: 0.01 } } });
  const line = text("x".repeat(2 * KIB));
  for (let session = 0; session < 3; session += 1) {
    const { peer, turnId, called } = await entered(host);
    for (let i = 0; i < 20; i += 1) {
      peer.ask(turnId, i, "log.write", [text('"info"'), line]);
      await peer.next("hostCallEnded");
    }
    peer.endTurn(turnId);
    await called;
    peer[Symbol.dispose]();
    await eventually("it is gone", () => host.state === "failed" || undefined);
  }
  const bytes = host.log.lines.filter(({ plugin }) => plugin === "meter").reduce((sum, { message }) => sum + message.length, 0);
  expect(bytes).toBeLessThan(0.02 * MIB);
});

it("cuts a peer that reads nothing of what it asks for", async () => {
  const host = await world({ settings: { limits: { cpuMs: 60_000, deadlineMs: 60_000 } } });
  const { peer, turnId, called } = await entered(host);
  peer.ask(turnId, 0, "storage.set", [text("k"), new Uint8Array(MIB)]);
  await peer.next("hostCallEnded");
  peer.stream.pause();
  for (let i = 1; i < 400; i += 1) {
    peer.ask(turnId, i, "storage.get", [text("k")]);
    // Sixteen at a time would end the session for another reason.
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (host.state !== "running") break;
  }
  expect(await called).toMatchObject({
    code: "plugin-failed",
    message: expect.stringMatching(/has not read \d+ bytes|did not answer for/),
  });
});

it("cuts a peer that answers no beat, and one that does not end a turn that was cancelled", async () => {
  const host = await world({ settings: { limits: { deadlineMs: 300 } } });
  const busy = await entered(host);
  expect(await busy.called).toMatchObject({ code: "deadline-exceeded" });
  expect((await busy.peer.next("cancel")).turnId).toBe(busy.turnId);
  expect(await busy.peer.end()).toContain("it did not end a turn within 2000 ms that was cancelled");
  await eventually("it waits", () => host.state === "failed" || undefined);
  const mute = await welcomed(host);
  mute.isSilent = true;
  expect(await mute.end()).toContain("it did not answer for 2000 ms");
});

it("goes on with a peer that ends a cancelled turn late, and drops what it says then", async () => {
  const host = await world({ settings: { limits: { deadlineMs: 300 } } });
  const { peer, turnId, called } = await entered(host);
  expect(await called).toMatchObject({ code: "deadline-exceeded" });
  peer.ask(turnId, 5, "storage.set", [text("k"), text("late")]);
  expect((await peer.next("hostCallEnded")).block[0]).toBe(1);
  peer.endTurn(turnId, "late");
  const next = host.call("meter.read");
  const turn = await peer.next("turn");
  peer.ask(turn.turnId, 6, "storage.get", [text("k")]);
  expect([...(await peer.next("hostCallEnded")).block]).toEqual([0, 0]);
  peer.endTurn(turn.turnId, "in time");
  expect(await next).toBe("in time");
});

it("keeps so many connections of an address on which nobody is known, and lets a plugin that is known go on", async () => {
  const host = await world();
  const known = host.connect({ services: { read: () => "here" } });
  await known.connected;
  await host.running();
  const { hostname, port } = new URL(host.url);
  const sockets: Socket[] = [];
  const ended = new Set<Socket>();
  for (let i = 0; i < 40; i += 1) {
    const socket = connectSocket(Number(port), hostname);
    socket.on("error", () => {});
    socket.resume();
    socket.on("close", () => ended.add(socket));
    sockets.push(socket);
  }
  cleanup.push({
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  });
  await eventually("those beyond 32 are ended", () => ended.size >= 8 || undefined);
  expect(ended.size).toBe(8);
  expect(await host.call("meter.read")).toBe("here");
  // Half-open ones that never say Hello go by themselves.
  await eventually("all are ended", () => ended.size === 40 || undefined, 20_000);
  expect(await host.call("meter.read")).toBe("here");
});

it("ends the session of a token that is revoked, and lets it in no more", async () => {
  const host = await world();
  const peer = await welcomed(host);
  await host.operate("revoke-remote-token", { plugin: "meter" });
  expect(await peer.end()).toContain("permission-denied: its token was revoked");
  const again = peerOf(host);
  again.say(helloOf(host.manifest));
  expect(await again.end()).toContain("permission-denied: show a token");
});

it("does not let plugins reach the door by http.fetch", async () => {
  const host = await world({
    manifest: { permissions: [{ permission: "http.fetch", resource: "http://127.0.0.1:*/**", reason: "to try" }] },
  });
  const { peer, turnId, called } = await entered(host);
  peer.ask(turnId, 1, "http.fetch", [text(JSON.stringify({ method: "GET", url: `${host.url}/`, headers: [] })), text("")]);
  const { block } = await peer.next("hostCallEnded");
  expect(Buffer.from(block).toString()).toContain("permission-denied");
  peer.endTurn(turnId);
  await called;
});

it("hears 120 Hellos for a plugin in a minute", async () => {
  const host = await world();
  const hello = async (): Promise<string> => {
    using peer = peerOf(host);
    peer.say(helloOf(host.manifest, { version: "6.6.6" }));
    return await peer.end();
  };
  for (let i = 0; i < 120; i += 1) expect(await hello()).toContain("it says that it is meter 6.6.6");
  expect(await hello()).toContain("rate-limited: somebody has connected for meter 120 times in a minute");
});

it("takes no message beyond remotePlugins.maxMessageMiB, whatever the payload may be", async () => {
  const host = await world({
    settings: { limits: { payloadMiB: 64 } },
    configuration: { remotePlugins: { port: 0, maxMessageMiB: 1 } },
  });
  const { peer, turnId, called } = await entered(host);
  peer.endTurn(turnId, new Uint8Array(2 * MIB));
  expect(await called).toMatchObject({ code: "plugin-failed" });
  await peer.end();
});
