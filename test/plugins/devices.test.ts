// The devices plugin's own logic, in real Wasm against the fake host.

import { beforeAll, describe, expect, it } from "vitest";
import { FakeHost } from "../plugin-sdk/assemblyscript/fake-host.ts";
import { loadPlugin } from "./load-plugin.ts";

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await loadPlugin("devices");
});

function hostWithLamp(): FakeHost {
  const host = new FakeHost(module, { nowMs: () => 1_000 });
  host.json("create", { id: "lamp-1", name: "Küche 💡" });
  return host;
}

const failure = (host: FakeHost, entryPoint: string, input: unknown): string | undefined => {
  const { trapped, error } = host.turn(entryPoint, input);
  expect(trapped).toBe(false);
  return error;
};

describe("devices", () => {
  it("creates a device, shows it and publishes it", () => {
    const host = hostWithLamp();
    const lamp = { id: "lamp-1", name: "Küche 💡", desired: {}, reported: {}, pending: {}, createdAtMs: 1_000, updatedAtMs: 1_000 };
    expect(host.json("get", { id: "lamp-1" })).toEqual(lamp);
    expect(host.published("devices.created")).toEqual([lamp]);
  });

  it("creates with a first desired state", () => {
    const host = new FakeHost(module);
    expect(host.json("create", { id: "a", desired: { on: false } })).toMatchObject({ desired: { on: false }, pending: { on: false } });
  });

  it("refuses a second device of the same id and leaves the first as it is", () => {
    const host = hostWithLamp();
    expect(failure(host, "create", { id: "lamp-1", name: "other" })).toBe("conflict: device lamp-1 exists already");
    expect(host.json("get", { id: "lamp-1" })).toMatchObject({ name: "Küche 💡" });
    expect(host.events).toHaveLength(1);
  });

  it.each(["", "a b", "a/b", "lämp", "../x", "💡", "a".repeat(65)])("refuses the id %j", (id) => {
    expect(failure(new FakeHost(module), "create", { id })).toContain("is no device id; write 1 to 64 letters, digits, _ or -");
  });

  it("refuses a name that is too long", () => {
    expect(failure(new FakeHost(module), "create", { id: "a", name: "x".repeat(201) })).toBe(
      "invalid-input: the name has 201 characters; the limit is 200",
    );
  });

  it.each(["get", "remove", "turn_on", "turn_off"])("%s names the device that is not there", (entryPoint) => {
    const host = new FakeHost(module);
    expect(failure(host, entryPoint, { id: "lamp-2" })).toBe("not-found: no device lamp-2");
    expect(host.events).toEqual([]);
  });

  it("desires what is asked for and keeps it pending until the device reports it", () => {
    const host = hostWithLamp();
    expect(host.json("turn_on", { id: "lamp-1" })).toMatchObject({ desired: { on: true }, reported: {}, pending: { on: true } });
    expect(host.json("report", { id: "lamp-1", state: { on: false } })).toMatchObject({ pending: { on: true } });
    expect(host.json("report", { id: "lamp-1", state: { on: true } })).toMatchObject({ reported: { on: true }, pending: {} });
    expect(host.json("turn_off", { id: "lamp-1" })).toMatchObject({
      desired: { on: false },
      reported: { on: true },
      pending: { on: false },
    });
  });

  it("publishes what each change touched, and nothing when nothing changed", () => {
    const host = hostWithLamp();
    host.json("turn_on", { id: "lamp-1" });
    host.json("turn_on", { id: "lamp-1" });
    host.json("report", { id: "lamp-1", state: { on: true, watts: 7.5 } });
    host.json("report", { id: "lamp-1", state: { watts: 7.5 } });
    expect(host.published("devices.state-changed")).toEqual([
      { id: "lamp-1", changed: { desired: { on: true }, reported: {} }, desired: { on: true }, reported: {}, pending: { on: true } },
      {
        id: "lamp-1",
        changed: { desired: {}, reported: { on: true, watts: 7.5 } },
        desired: { on: true },
        reported: { on: true, watts: 7.5 },
        pending: {},
      },
    ]);
  });

  it("keeps any JSON as a field, and takes a field out with null", () => {
    const host = hostWithLamp();
    const state = { color: { rgb: [1, 2, 3] }, label: "grün", level: 0.1 };
    expect(host.json("set_state", { id: "lamp-1", state })).toMatchObject({ desired: state });
    const after = host.json("set_state", { id: "lamp-1", state: { color: null, absent: null } });
    expect(after).toMatchObject({ desired: { label: "grün", level: 0.1 } });
    expect(host.published("devices.state-changed").at(-1)).toMatchObject({ changed: { desired: { color: null } } });
  });

  it("takes values that mean the same for no change", () => {
    const host = hostWithLamp();
    host.turn("set_state", '{"id":"lamp-1","state":{"a":1,"b":{"x":1,"y":2}}}');
    host.turn("set_state", '{"id":"lamp-1","state":{"a":1.0,"b":{"y":2,"x":1}}}');
    expect(host.published("devices.state-changed")).toHaveLength(1);
  });

  it("refuses too many fields and bad names without changing anything", () => {
    const host = hostWithLamp();
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, i]));
    expect(failure(host, "set_state", { id: "lamp-1", state: many })).toBe(
      "invalid-input: a device has at most 64 fields, this one would have 65",
    );
    expect(failure(host, "set_state", { id: "lamp-1", state: { ok: 1, "a.b": 1 } })).toContain('"a.b" is no field name');
    expect(host.json("get", { id: "lamp-1" })).toMatchObject({ desired: {} });
  });

  it("lists page by page in the order of ids", () => {
    const host = new FakeHost(module);
    for (const id of ["c", "a", "b"]) host.json("create", { id });
    expect(host.json("list", "")).toMatchObject({ devices: [{ id: "a" }, { id: "b" }, { id: "c" }], next: null });
    expect(host.json("list", { limit: 2 })).toMatchObject({ devices: [{ id: "a" }, { id: "b" }], next: "b" });
    expect(host.json("list", { limit: 2, after: "b" })).toMatchObject({ devices: [{ id: "c" }], next: null });
  });

  it("removes a device and publishes it", () => {
    const host = hostWithLamp();
    expect(host.turn("remove", { id: "lamp-1" })).toMatchObject({ ok: true, output: new Uint8Array(0) });
    expect(failure(host, "get", { id: "lamp-1" })).toBe("not-found: no device lamp-1");
    expect(host.published("devices.removed")).toEqual([{ id: "lamp-1" }]);
    expect(host.storage.size).toBe(0);
  });

  it("finds everything again in a new instance", () => {
    const host = hostWithLamp();
    host.json("turn_on", { id: "lamp-1" });
    const again = new FakeHost(module, { storage: host.storage });
    expect(again.json("get", { id: "lamp-1" })).toEqual(host.json("get", { id: "lamp-1" }));
  });

  it("keeps a state of a megabyte", () => {
    const host = hostWithLamp();
    const text = "ü".repeat(500_000);
    host.json("set_state", { id: "lamp-1", state: { text } });
    expect(host.json("get", { id: "lamp-1" })).toMatchObject({ desired: { text } });
    expect(host.memoryBytes()).toBeLessThanOrEqual(32 * 1024 * 1024);
  });

  it("hands on what the storage refuses, and says when only the event got lost", () => {
    const host = hostWithLamp();
    host.refuseNext = { code: "storage-failed", message: "disk is gone" };
    expect(failure(host, "turn_on", { id: "lamp-1" })).toBe("storage-failed: disk is gone");
    expect(host.published("devices.state-changed")).toEqual([]);
  });

  it("names the field that does not fit", () => {
    const host = hostWithLamp();
    expect(failure(host, "create", '{"id": 5}')).toContain("id must be a string, not a number");
    expect(failure(host, "set_state", { id: "lamp-1" })).toContain("state is missing");
    expect(failure(host, "set_state", { id: "lamp-1", state: [] })).toContain("state must be an object, not an array");
    expect(failure(host, "turn_on", "{")).toContain("ends too early");
  });
});
