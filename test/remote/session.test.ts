// The limits of a session that its other side cannot be made to reach in time: by the machine of messages alone.

import { create, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { type ConnectRequest, ConnectRequestSchema } from "../../host/remote/remote_pb.ts";
import { Session } from "../../host/remote/session.ts";
import { fakeClock } from "../support/fake-clock.ts";

const MIB = 1_024 * 1_024;

function inTurn(payloadBytes = MIB): {
  session: Session;
  closed: (HostError | undefined)[];
  say(message: ConnectRequest["message"]): void;
} {
  const closed: (HostError | undefined)[] = [];
  const session = new Session({
    clock: fakeClock(),
    admit: () => ({ payloadBytes, hostCalls: 1_000 }),
    send() {},
    close: (error) => void closed.push(error),
  });
  const say = (message: ConnectRequest["message"]): void =>
    session.receive(toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { message })));
  const hello = { plugin: "p", version: "1.0.0", api: "0.2", entryPoints: [], manifestSha256: new Uint8Array(0) };
  say({ case: "hello", value: { $typeName: "bulkhead.remote.v1.Hello", ...hello } });
  session.begin({ entryPoint: "read", input: new Uint8Array(0), traceparent: "", remainingMs: 1_000 });
  return { session, closed, say };
}

const call = (callId: number, args: Uint8Array[] = [], turnId = 1): ConnectRequest["message"] => ({
  case: "hostCall",
  value: { $typeName: "bulkhead.remote.v1.HostCall", turnId, callId, function: "services.call", args },
});

it("has sixteen calls of a turn under way, and ends at the next", async () => {
  const { session, closed, say } = inTurn();
  for (let i = 0; i < 16; i += 1) say(call(i));
  expect(closed).toEqual([]);
  const step = await session.next();
  if (step.kind === "call") session.answer(step.call, new Uint8Array(1));
  say(call(16));
  expect(closed).toEqual([]);
  say(call(17));
  expect(closed).toMatchObject([{ code: "rate-limited", message: expect.stringContaining("more than 16 calls of the host under way") }]);
});

it("takes the late answer of a turn that was cancelled for no other turn's", async () => {
  const { session, closed, say } = inTurn();
  say(call(1));
  const step = await session.next();
  session.cancel("deadline-exceeded");
  say({
    case: "turnEnded",
    value: { $typeName: "bulkhead.remote.v1.TurnEnded", turnId: 1, result: { case: "output", value: new Uint8Array(0) } },
  });
  await session.free();
  session.begin({ entryPoint: "read", input: new Uint8Array(0), traceparent: "", remainingMs: 1_000 });
  if (step.kind === "call") for (let i = 0; i < 20; i += 1) session.answer(step.call, new Uint8Array(1));
  for (let i = 0; i < 16; i += 1) say(call(i, [], 2));
  expect(closed).toEqual([]);
  say(call(16, [], 2));
  expect(closed).toMatchObject([{ code: "rate-limited" }]);
});

it("does nothing more that a peer has asked for whose session is over, and keeps how its turn ended", async () => {
  const ended: ConnectRequest["message"] = {
    case: "turnEnded",
    value: { $typeName: "bulkhead.remote.v1.TurnEnded", turnId: 1, result: { case: "output", value: new Uint8Array(0) } },
  };
  const asking = inTurn();
  asking.say(call(1));
  asking.session.cut(new HostError("permission-denied", "its token is revoked"));
  expect(await asking.session.next()).toMatchObject({ kind: "lost" });
  const done = inTurn();
  done.say(ended);
  done.session.cut(new HostError("permission-denied", "its token is revoked"));
  expect(await done.session.next()).toMatchObject({ kind: "ended" });
});

it("has the arguments of a payload under way, and ends beyond", () => {
  const { closed, say } = inTurn();
  say(call(1, [new Uint8Array(MIB / 2)]));
  say(call(2, [new Uint8Array(MIB / 2)]));
  expect(closed).toEqual([]);
  say(call(3, [new Uint8Array(MIB / 4)]));
  expect(closed).toMatchObject([{ code: "quota-exceeded", message: expect.stringContaining("its calls under way have") }]);
});

it("keeps 32 MiB that a peer has not read, and ends beyond", async () => {
  const { session, closed, say } = inTurn();
  const block = new Uint8Array(4 * MIB);
  for (let i = 0; i < 7; i += 1) {
    say(call(i));
    const step = await session.next();
    if (step.kind === "call") session.answer(step.call, block);
  }
  session.taken(4 * MIB);
  expect(closed).toEqual([]);
  for (let i = 7; i < 9; i += 1) {
    say(call(i));
    const step = await session.next();
    if (step.kind === "call") session.answer(step.call, block);
  }
  expect(closed).toMatchObject([
    { code: "quota-exceeded", message: expect.stringMatching(/it has not read \d+ bytes; the limit is 33554432/) },
  ]);
});

it("tells whoever waits for a turn that the session is over, and says nothing more", async () => {
  const { session, closed } = inTurn();
  const next = session.next();
  session.gone("its connection broke");
  expect(await next).toEqual({ kind: "lost", why: "its connection broke" });
  session.cut(new Error("late") as HostError);
  session.drain("later");
  expect(closed).toEqual([]);
});
