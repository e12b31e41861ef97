// The template, in real Wasm against the fake host: what it shows must be right.

import { beforeAll, describe, expect, it } from "vitest";
import { FakeHost } from "../plugin-sdk/assemblyscript/fake-host.ts";
import { loadPlugin } from "./load-plugin.ts";

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await loadPlugin("hello");
});

describe("hello", () => {
  it("greets by name", () => {
    expect(new FakeHost(module).json("greet", { name: "Zoë 😀" })).toEqual({ message: "Hello, Zoë 😀!" });
  });

  it.each([
    [{ name: " " }, "invalid-input: name is empty"],
    [{}, "invalid-input: input is not the JSON that this service expects (Greet): name is missing"],
  ])("refuses %j", (input, error) => {
    expect(new FakeHost(module).turn("greet", input)).toMatchObject({ ok: false, trapped: false, error });
  });

  it("greets a new device in the log", () => {
    const host = new FakeHost(module);
    host.deliver("on_device_created", "devices.created", { id: "lamp-1", name: "Küche", desired: {} }, { source: "/plugins/devices" });
    expect(host.logs).toEqual([{ level: "info", message: "Hello, Küche, says /plugins/devices!" }]);
  });
});
