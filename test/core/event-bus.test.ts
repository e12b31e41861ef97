import { describe, expect, it } from "vitest";
import { encodeEvent } from "../../host/core/cloud-event.ts";
import { EventBus } from "../../host/core/event-bus.ts";
import type { CloudEvent } from "../../host/core/types.ts";
import { utf8 } from "../support/scripted-cell.ts";

const event = (type: string, data = "{}"): CloudEvent => ({
  id: "1",
  source: "/plugins/p",
  type,
  time: "2026-01-01T00:00:00.000Z",
  traceparent: "00-11111111111111111111111111111111-1111111111111111-01",
  contentType: "application/json",
  data: utf8(data),
});

describe("event bus", () => {
  it("hands an event to every matching subscriber in the order of publishing", () => {
    const bus = new EventBus(() => expect.unreachable());
    const seen: string[] = [];
    bus.subscribe("a.*", ({ type }) => seen.push(`one ${type}`));
    bus.subscribe("**", ({ type }) => seen.push(`all ${type}`));
    for (const type of ["a.x", "b.x", "a.y"]) bus.publish(event(type));
    expect(seen).toEqual(["one a.x", "all a.x", "all b.x", "one a.y", "all a.y"]);
  });

  it("stops delivering once unsubscribed, also for types it has seen", () => {
    const bus = new EventBus(() => {});
    const seen: string[] = [];
    const unsubscribe = bus.subscribe("a.x", ({ type }) => seen.push(type));
    bus.publish(event("a.x"));
    unsubscribe();
    bus.publish(event("a.x"));
    expect(seen).toEqual(["a.x"]);
  });

  it("disturbs nobody when a subscriber fails", () => {
    const failures: unknown[] = [];
    const bus = new EventBus((failure) => failures.push(failure));
    const seen: string[] = [];
    bus.subscribe("a.x", () => {
      throw new Error("bad");
    });
    bus.subscribe("a.x", ({ type }) => seen.push(type));
    bus.publish(event("a.x"));
    expect(seen).toEqual(["a.x"]);
    expect(failures).toHaveLength(1);
  });

  it("keeps matching when guests publish more types than it caches", () => {
    const bus = new EventBus(() => {});
    let count = 0;
    bus.subscribe("a.*", () => {
      count += 1;
    });
    for (let i = 0; i < 2_500; i += 1) bus.publish(event(`a.t${i}`));
    bus.publish(event("a.t0"));
    expect(count).toBe(2_501);
  });

  it("encodes JSON data as data and other bytes as base64", () => {
    expect(JSON.parse(encodeEvent(event("a.x", '{"on":true}')))).toMatchObject({
      specversion: "1.0",
      type: "a.x",
      data: { on: true },
    });
    const binary = {
      ...event("a.x"),
      contentType: "application/octet-stream",
      data: Uint8Array.from({ length: 20_000 }, (_, i) => i & 255),
    };
    const decoded = JSON.parse(encodeEvent(binary)) as { data_base64: string };
    expect(Buffer.from(decoded.data_base64, "base64")).toEqual(Buffer.from(binary.data));
    expect(encodeEvent(binary)).toBe(encodeEvent(binary));
  });
});
