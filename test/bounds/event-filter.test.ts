import { describe, expect, it } from "vitest";
import { compileFilter, eventFilterSchema } from "../../host/bounds/event-filter.ts";
import { utf8 } from "../support/scripted-cell.ts";

const event = (data: unknown, contentType = "application/json") => ({
  id: "1",
  source: "/plugins/sensors",
  type: "sensors.measured",
  time: "2026-01-01T00:00:00.000Z",
  traceparent: "",
  contentType,
  data: utf8(JSON.stringify(data)),
});

describe("the filter of a subscription", () => {
  it.each([
    ["a value in the data", { "data.unit": "celsius" }, true],
    ["another value", { "data.unit": "kelvin" }, false],
    ["one of several values", { "data.unit": ["kelvin", "celsius"] }, true],
    ["a nested value", { "data.at.floor": 2 }, true],
    ["an element of a list", { "data.tags.1": "b" }, true],
    ["a number written as text", { "data.at.floor": "2" }, false],
    ["null", { "data.none": null }, true],
    ["an absent path", { "data.at.room.door": "x" }, false],
    ["the source", { source: "/plugins/sensors" }, true],
    ["another source", { source: "/plugins/other" }, false],
    ["all of several conditions", { source: "/plugins/sensors", "data.unit": "celsius" }, true],
    ["one of several conditions", { source: "/plugins/other", "data.unit": "celsius" }, false],
    ["what only a prototype has", { "data.constructor.name": "Object" }, false],
    ["no condition", {}, true],
  ])("looks at %s", (_what, filter, expected) => {
    const data = { unit: "celsius", at: { floor: 2 }, tags: ["a", "b"], none: null };
    expect(compileFilter(eventFilterSchema.parse(filter))(event(data))).toBe(expected);
  });

  it("finds nothing in data that is not JSON", () => {
    expect(compileFilter({ "data.unit": "celsius" })(event({ unit: "celsius" }, "text/plain"))).toBe(false);
    expect(compileFilter({ source: "/plugins/sensors" })(event("", "text/plain"))).toBe(true);
  });

  it.each([
    ["a path that begins elsewhere", { unit: "celsius" }],
    ["data as a whole", { data: "x" }],
    ["an empty segment", { "data..x": 1 }],
    ["a path of nine segments", { "data.a.b.c.d.e.f.g.h.i": 1 }],
    ["an object as value", { "data.unit": {} }],
    ["no value", { "data.unit": [] }],
    ["more than 16 conditions", Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`data.k${i}`, 1]))],
  ])("refuses %s", (_what, filter) => {
    expect(eventFilterSchema.safeParse(filter).success).toBe(false);
  });
});
