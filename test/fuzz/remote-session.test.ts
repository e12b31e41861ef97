// Whatever a peer says, in whatever order: its session goes on or ends with a code, nothing is thrown, and the host keeps within its bounds.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HOST_ERROR_CODES, type HostError } from "../../host/core/errors.ts";
import { fieldsIn } from "../../host/remote/field-count.ts";
import { type ConnectRequest, ConnectRequestSchema, ConnectResponseSchema } from "../../host/remote/remote_pb.ts";
import { Session } from "../../host/remote/session.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { check } from "./runs.ts";

type Said = ConnectRequest["message"];

/** A session, and what the host's side of it has done. */
function opened(): { session: Session; sent: Uint8Array[]; closed: (HostError | undefined)[]; clock: ReturnType<typeof fakeClock> } {
  const sent: Uint8Array[] = [];
  const closed: (HostError | undefined)[] = [];
  const clock = fakeClock();
  const session = new Session({
    clock,
    admit: () => ({ payloadBytes: 4_096, hostCalls: 8 }),
    send: (message) => void sent.push(message),
    close: (error) => void closed.push(error),
  });
  return { session, sent, closed, clock };
}

const encode = (message: Said): Uint8Array => toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { message }));
const HELLO: Said = {
  case: "hello",
  value: {
    $typeName: "bulkhead.remote.v1.Hello",
    plugin: "p",
    version: "1",
    api: "0.2",
    entryPoints: [],
    manifestSha256: new Uint8Array(0),
  },
};

const small = fc.nat(4);
const result = fc.oneof(
  fc.record({ case: fc.constantFrom("output", "failure", "crash"), value: fc.uint8Array({ maxLength: 64 }) }),
  fc.constant({ case: undefined }),
);
const said: fc.Arbitrary<Said> = fc.oneof(
  fc.constant(HELLO),
  fc.record({
    case: fc.constant("turnEnded" as const),
    value: fc.record({ turnId: small, result }),
  }),
  fc.record({
    case: fc.constant("hostCall" as const),
    value: fc.record({
      ...{ turnId: small, callId: small, function: fc.constantFrom("storage.get", "no.such", "") },
      args: fc.array(fc.uint8Array({ maxLength: 2_048 }), { maxLength: 40 }),
    }),
  }),
  fc.record({ case: fc.constant("pong" as const), value: fc.record({ nonce: small }) }),
) as fc.Arbitrary<Said>;

type Deed = { readonly say: Said } | { readonly bytes: Uint8Array } | { readonly host: "begin" | "cancel" | "pong" | "wait" };
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ say: said }) },
  { weight: 1, arbitrary: fc.record({ bytes: fc.uint8Array({ maxLength: 64 }) }) },
  { weight: 5, arbitrary: fc.record({ host: fc.constantFrom("begin", "cancel", "pong", "wait") }) },
);

/** The answer to the last beat that the host has asked for. */
function pongTo(sent: readonly Uint8Array[]): Uint8Array | undefined {
  const last = sent.map((bytes) => fromBinary(ConnectResponseSchema, bytes).message).findLast((message) => message.case === "ping");
  return last && encode({ case: "pong", value: { $typeName: "bulkhead.remote.v1.Pong", nonce: last.value.nonce } });
}

describe("the session of a remote plugin", () => {
  it("takes any bytes as its first message, and throws nothing", async () => {
    await check(fc.uint8Array({ maxLength: 256 }), 5_000, (bytes) => {
      const { session, closed } = opened();
      session.receive(bytes);
      expect(session.isOver).toBe(closed.length === 1);
      for (const error of closed) expect(HOST_ERROR_CODES).toContain(error?.code);
    });
  });

  it("counts the fields of any bytes, never more than it may", async () => {
    await check(fc.uint8Array({ maxLength: 256 }), 5_000, (bytes) => {
      const count = fieldsIn(bytes, 8);
      expect(count <= 8 || count === Number.POSITIVE_INFINITY).toBe(true);
    });
  });

  it("counts at least the arguments that a message has", async () => {
    const call = fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 30 });
    await check(call, 1_000, (args) => {
      const value = { $typeName: "bulkhead.remote.v1.HostCall" as const, turnId: 1, callId: 2, function: "f", args };
      expect(fieldsIn(encode({ case: "hostCall", value }), 64)).toBe(args.length + 4);
    });
  });

  it("follows whatever a peer says, in whatever order, or ends once and with a code", async () => {
    await check(fc.array(deed, { maxLength: 40 }), 3_000, async (deeds) => {
      const { session, sent, closed, clock } = opened();
      session.receive(encode(HELLO));
      let began = 0;
      let ended = 0;
      let isFree = true;
      for (const one of deeds) {
        if ("say" in one) session.receive(encode(one.say));
        else if ("bytes" in one) session.receive(one.bytes);
        else if (one.host === "cancel") session.cancel("deadline-exceeded");
        else if (one.host === "wait") await clock.advance(100);
        else if (one.host === "pong") session.receive(pongTo(sent) ?? new Uint8Array(0));
        else if (isFree && !session.isOver) {
          began += 1;
          isFree = false;
          session.begin({ entryPoint: "read", input: new Uint8Array(0), traceparent: "", remainingMs: 10 });
          void (async () => {
            for (;;) {
              const step = await session.next();
              if (step.kind !== "call") break;
              session.answer(step.call, new Uint8Array(1));
            }
          })();
          void session.free().then(() => {
            ended += 1;
            isFree = true;
          });
        }
      }
      session.gone("the test is over");
      await clock.advance(0);
      expect(closed.length).toBeLessThanOrEqual(1);
      for (const error of closed) expect(HOST_ERROR_CODES).toContain(error?.code);
      // Whoever waits for a turn hears how it ended.
      expect(ended).toBe(began);
      // What it is answered is never more than what it asks, beside beats and turns.
      expect(sent.length).toBeLessThanOrEqual(2 * deeds.length + began + 20);
    });
  });
});
