// The automation plugin's own logic, in real Wasm against the fake host.

import { beforeAll, describe, expect, it } from "vitest";
import { FakeHost } from "../plugin-sdk/assemblyscript/fake-host.ts";
import { loadPlugin } from "./load-plugin.ts";

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await loadPlugin("automation");
});

interface Scene {
  readonly host: FakeHost;
  readonly calls: [service: string, payload: unknown, deadlineMs: number | null][];
}

function scene(rules: readonly object[] = [], storage?: Map<string, Uint8Array>): Scene {
  const calls: Scene["calls"] = [];
  const host = new FakeHost(module, {
    ...(storage ? { storage } : {}),
    call: (service, payload, deadlineMs) => {
      calls.push([service, JSON.parse(new TextDecoder().decode(payload)), deadlineMs]);
      if (service.startsWith("broken.")) throw { code: "plugin-failed", message: "kaputt", detail: null };
      return new Uint8Array(0);
    },
  });
  for (const rule of rules) host.json("add", rule);
  return { host, calls };
}

const rule = (id: string, rest: object = {}): object => ({ id, trigger: "devices.**", action: { service: `target.${id}` }, ...rest });
const when = (field: string, operator: string, value?: unknown): object => ({ condition: { field, operator, value } });

function fired(rest: object, data: unknown, type = "devices.state-changed"): boolean {
  const { host, calls } = scene([rule("r", rest)]);
  expect(host.deliver("on_event", type, data)).toMatchObject({ ok: true });
  return calls.length === 1;
}

describe("automation", () => {
  it("keeps rules and lists them in the order of their ids", () => {
    const { host } = scene([rule("b"), rule("a", { enabled: false })]);
    expect(host.json("list")).toMatchObject({
      rules: [
        { id: "a", enabled: false },
        { id: "b", enabled: true },
      ],
    });
  });

  it("finds its rules again in a new instance", () => {
    const first = scene([rule("r")]);
    const second = scene([], first.host.storage);
    second.host.deliver("on_event", "devices.created", {});
    expect(second.calls).toEqual([["target.r", {}, 1_000]]);
  });

  it.each([
    [rule("r"), "conflict: rule r exists already"],
    [rule("ü"), '"ü" is no rule id; write 1 to 64 letters, digits, _ or -'],
    [rule("x", { trigger: "Devices.*" }), '"Devices.*" is no pattern of event types'],
    [rule("x", { trigger: "**.x" }), '"**.x" is no pattern of event types'],
    [rule("x", { action: { service: "log" } }), '"log" is no service; write such as logger.log'],
    [rule("x", { action: {} }), "action.service is missing"],
    [rule("x", when("a", "like", 1)), '"like" is no operator; write equals, not-equals, greater, less, exists'],
    [rule("x", when("a", "greater", "1")), "condition.value must be a number for greater"],
    [rule("x", when("a", "equals")), "condition.value is missing, which equals compares with"],
    [rule("x", when("", "exists")), "invalid-input: condition.field is empty"],
  ])("refuses %j", (bad, message) => {
    const { host } = scene([rule("r")]);
    const { ok, trapped, error } = host.turn("add", bad);
    expect({ ok, trapped }).toEqual({ ok: false, trapped: false });
    expect(error).toContain(message);
    expect(host.storage.size).toBe(1);
  });

  it.each([
    ["devices.state-changed", true],
    ["devices.*", true],
    ["*.state-changed", true],
    ["devices.**", true],
    ["**", true],
    ["devices", false],
    ["devices.state-changed.*", false],
    ["devices.state-changed.**", false],
    ["*", false],
    ["device.*", false],
  ])("the trigger %s on devices.state-changed: %s", (trigger, expected) => {
    expect(fired({ trigger }, {})).toBe(expected);
  });

  it.each([
    [when("on", "equals", true), true],
    [when("on", "equals", "true"), false],
    [when("on", "not-equals", false), true],
    [when("deep.list.1", "equals", { x: 1 }), true],
    [when("level", "greater", 20.5), true],
    [when("level", "greater", 21), false],
    [when("level", "less", 22), true],
    [when("name", "greater", 1), false],
    [when("name", "equals", "Küche"), true],
    [when("name", "exists"), true],
    [when("absent", "exists"), false],
    [when("absent", "not-equals", 1), false],
    [{}, true],
  ])("meets %j: %s", (rest, expected) => {
    expect(fired(rest, { on: true, level: 21, name: "Küche", deep: { list: [0, { x: 1.0 }] } })).toBe(expected);
  });

  it("fills the arguments from the event", () => {
    const template = {
      whole: "{{data}}",
      number: "{{ data.level }}",
      text: "{{data.id}} is {{data.level}} – {{type}} {{source}}",
      nested: [{ id: "{{data.id}}" }, 1, null],
      open: "{{data.id",
    };
    const { host, calls } = scene([rule("r", { action: { service: "target.x", arguments: template } })]);
    host.deliver("on_event", "devices.created", { id: "lämp", level: 1.5 });
    expect(calls[0]?.[1]).toEqual({
      whole: { id: "lämp", level: 1.5 },
      number: 1.5,
      text: "lämp is 1.5 – devices.created /plugins/other",
      nested: [{ id: "lämp" }, 1, null],
      open: "{{data.id",
    });
  });

  it("sends to the service of an action that is not waited for", () => {
    const sent: unknown[] = [];
    const host = new FakeHost(module, {
      send(service, payload, options) {
        if (service === "gone.away") throw { code: "no-such-service", message: "nobody", detail: null };
        sent.push([service, JSON.parse(new TextDecoder().decode(payload)), options]);
        return "id";
      },
    });
    host.json("add", rule("a", { action: { service: "gone.away", wait: false } }));
    host.json("add", rule("b", { action: { service: "target.b", wait: false, arguments: ["{{data.id}}"] } }));
    host.deliver("on_event", "devices.created", { id: 7 });
    expect(sent).toEqual([["target.b", [7], { durable: false, id: null }]]);
    expect(host.logs).toEqual([{ level: "warning", message: "rule a on devices.created: gone.away failed with no-such-service: nobody" }]);
  });

  it("logs a failing action and goes on with the other rules", () => {
    const { host, calls } = scene([
      rule("a", { action: { service: "broken.service" } }),
      rule("b", { action: { service: "target.b", arguments: "{{data.nothing}}" } }),
      rule("c"),
    ]);
    expect(host.deliver("on_event", "devices.created", {})).toMatchObject({ ok: true });
    expect(calls.map(([service]) => service)).toEqual(["broken.service", "target.c"]);
    expect(host.logs).toEqual([
      { level: "warning", message: "rule a on devices.created: broken.service failed with plugin-failed: kaputt" },
      { level: "warning", message: "rule b on devices.created: target.b failed with plugin-failed: the event has no data.nothing" },
    ]);
  });

  it("fires no rule that is switched off, and again once it is on", () => {
    const { host, calls } = scene([rule("r")]);
    expect(host.json("enable", { id: "r", enabled: false })).toMatchObject({ enabled: false });
    host.deliver("on_event", "devices.created", {});
    expect(calls).toEqual([]);
    host.json("enable", { id: "r", enabled: true });
    host.deliver("on_event", "devices.created", {});
    expect(calls).toHaveLength(1);
  });

  it("forgets a removed rule and names one that is not there", () => {
    const { host, calls } = scene([rule("r")]);
    host.json("remove", { id: "r" });
    host.deliver("on_event", "devices.created", {});
    expect(calls).toEqual([]);
    expect(host.turn("remove", { id: "r" }).error).toBe("not-found: no rule r");
    expect(host.turn("enable", { id: "r", enabled: true }).error).toBe("not-found: no rule r");
  });

  it("hears events whose data is not JSON", () => {
    const { host, calls } = scene([rule("a", when("x", "exists")), rule("b")]);
    host.deliver("on_event", "devices.pictured", undefined, { data_base64: "AAEC", datacontenttype: "image/png" });
    expect(calls.map(([service]) => service)).toEqual(["target.b"]);
  });

  it("stops a rule that goes round in circles within one trace", () => {
    const { host, calls } = scene([rule("r")]);
    for (let i = 0; i < 105; i++) host.deliver("on_event", "devices.created", {});
    expect(calls).toHaveLength(100);
    expect(host.logs[0]?.message).toBe("rule r on devices.created: target.r failed with call-loop: it fires in circles");
    host.deliver("on_event", "devices.created", {}, { traceparent: "00-11111111111111111111111111111111-b7ad6b7169203331-01" });
    expect(calls).toHaveLength(101);
  });
});
