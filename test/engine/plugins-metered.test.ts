// Real plugins behave metered exactly as unmetered: the same turns, once with the module as compiled and once as admitted,
// give the same outputs, errors, blocks, events, logs, calls, storage and state.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import { FUEL_EXPORT, REFUEL_EXPORT, START_EXPORT } from "../../host/engine/meter/added-exports.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { buildPlugin } from "../../scripts/build-plugins.ts";
import { FakeHost, type FakeHostOptions, type TurnResult } from "../plugin-sdk/assemblyscript/fake-host.ts";
import { ownPlugin } from "../support/plugin-folders.ts";
import { wat } from "../support/wat.ts";
import { admitAll } from "./meter/metered.ts";

const FIXTURE = new URL("../plugin-sdk/assemblyscript/fixtures/everything", import.meta.url).pathname;
// Small enough that nearly every check refuels, so that whatever a refuel could disturb is disturbed.
const SLICE_FUEL = 40;

type Step = (host: FakeHost) => TurnResult;
const turn =
  (entryPoint: string, input: unknown = ""): Step =>
  (host) =>
    host.turn(entryPoint, input);
const deliver =
  (entryPoint: string, type: string, data: unknown, attributes: Readonly<Record<string, unknown>> = {}): Step =>
  (host) =>
    host.deliver(entryPoint, type, data, attributes);
const refused =
  (step: Step): Step =>
  (host) => {
    host.refuseNext = { code: "quota-exceeded", message: "voll 😀" };
    return step(host);
  };

const sample = { id: "ü😀", small: -128, big: -9_007_199_254_740_991, ratio: 0.1, list: [{ flag: true, tags: ["z"] }], map: { ü: -2 } };
const rule = { id: "r", trigger: "devices.*", condition: { field: "on", operator: "equals", value: true } };
const action = { service: "devices.turn-on", arguments: { id: "{{data.id}}", at: "{{type}}" } };

const SEQUENCES: Readonly<Record<string, readonly Step[]>> = {
  hello: [
    turn("greet", { name: "Zoë 😀" }),
    turn("greet", { name: " " }),
    turn("greet", "{"),
    deliver("on_device_created", "devices.created", { id: "a", name: "Küche", desired: {} }),
  ],
  devices: [
    turn("create", { id: "lamp-1", name: "Küche 💡", desired: { on: false } }),
    turn("create", { id: "lamp-1" }),
    turn("create", { id: "../x" }),
    refused(turn("create", { id: "full" })),
    turn("turn_on", { id: "lamp-1" }),
    turn("report", { id: "lamp-1", state: { on: true, watts: 7.5, label: null } }),
    turn("set_state", { id: "lamp-1", state: { color: { rgb: [1, 2, 3] }, on: null } }),
    turn("turn_off", { id: "absent" }),
    ...Array.from({ length: 30 }, (_, i) => turn("create", { id: `d-${i}` })),
    turn("list", { limit: "7", after: "d-3" }),
    turn("get", { id: "lamp-1" }),
    turn("remove", { id: "lamp-1" }),
    turn("list"),
  ],
  automation: [
    turn("add", { ...rule, action }),
    turn("add", { ...rule, action }),
    turn("add", { id: "broken", trigger: "**", action: { service: "broken.call" } }),
    turn("add", { id: "bad", trigger: "devices.", action }),
    deliver("on_event", "devices.state-changed", { id: "lamp-1", on: true }),
    deliver("on_event", "devices.state-changed", { id: "lamp-1", on: false }),
    deliver("on_event", "other.thing", [1, 2]),
    turn("enable", { id: "broken", enabled: false }),
    turn("add", { id: "hourly", schedule: { every: "1h" }, action }),
    turn("add", { id: "never", schedule: { every: "soon" }, action }),
    turn("on_due", { name: "hourly", due: "2026-01-01T00:00:00.000Z", late: 3 }),
    turn("on_due", { name: "gone", due: "2026-01-01T00:00:00.000Z", late: 3 }),
    turn("list"),
    turn("remove", { id: "r" }),
    deliver("on_event", "devices.state-changed", { on: true }, { traceparent: "" }),
    turn("list"),
  ],
  logger: [
    turn("log_entry", { level: "WARNING", message: "Tür offen 🚪", fields: { id: "d-1", n: 1.5 } }),
    turn("log_entry", { level: "DEBUG", message: "leise" }),
    turn("log_entry", { level: "LOUD", message: "x" }),
    ...Array.from({ length: 50 }, (_, i) => turn("log_entry", { level: "ERROR", message: `${i} `.repeat(i) })),
    turn("query", { contains: "4", limit: "5" }),
    turn("query", { level: "WARNING", source: "nobody" }),
  ],
  everything: [
    turn("on_start"),
    turn(
      "echo_raw",
      Uint8Array.from({ length: 70_000 }, (_, i) => i),
    ),
    turn("echo_text", "a\u0000b 日本語 😀".repeat(500)),
    turn("echo_text", Uint8Array.of(0xff, 0xc3, 0x28, 0xf0, 0x9f)),
    turn("echo_json", sample),
    turn("echo_json", '{"id":"x","count":1.5}'),
    turn("echo_any", '{"b":1.10,"a":[12345678901234567890, {} ]}'),
    turn("echo_numbers", [0.1, 1e21, 5e-324, 1 / 3, -0.000123]),
    turn("echo_string", '"\\ud800x\\ud83d\\ude00"'),
    ...["characters", "echo_string"].map((name) => turn(name, JSON.stringify("ä\n".repeat(3_000)))),
    ...["lone_surrogates", "lone_surrogates_json", "no_answer", "failing", "failing_raw", "failing_start", "caller", "principal"].map(
      (name) => turn(name),
    ),
    turn("equal", [
      { a: 1, b: [2] },
      { b: [2.0], a: 1 },
    ]),
    turn("at", { paths: ["x.y", "z"], x: { y: [1] } }),
    deliver("on_typed", "devices.created", sample),
    deliver("on_raw", "devices.created", undefined, { data_base64: "AAEC/w==", datacontenttype: "image/png" }),
    turn("logs", "Ü\u001b"),
    turn("publish", sample),
    turn("publish_bytes", Uint8Array.of(1, 2, 3)),
    refused(turn("publish", sample)),
    ...["call", "call_raw", "send", "send_raw"].map((name) => turn(name, { id: "other" })),
    turn("call_and_tell"),
    ...["ask_point", "ask_raw"].map((name) => turn(name, { id: "other" })),
    turn("store", { key: "k/1", value: "grün" }),
    turn("store", { key: "k/2", value: "" }),
    turn("absent", { key: "none" }),
    turn("stored_json", { key: "json/k/1" }),
    turn("keys", { after: "k/1", limit: 10 }),
    turn("share", { key: "s.a", value: "x" }),
    turn("ask", "https://api.example.com/"),
    turn("configured", "greeting"),
    turn("configured", "constructor"),
    refused(turn("refused")),
    refused(turn("hand_on")),
    turn("litter", 300),
    ...["abort_throw", "abort_map", "abort_value"].map((name) => turn(name)),
    turn("abort_bounds", [1]),
    turn("abort_null", { id: "x" }),
  ],
};

// Clock and chance differ between any two runs; they have to succeed alike and no more.
const UNREPEATABLE = [turn("times"), turn("dice", 16)];

const modules = new Map<string, { original: Uint8Array<ArrayBuffer>; admitted: Uint8Array<ArrayBuffer> }>();
let folder: string;
let trampoline: WebAssembly.Module;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bulkhead-metered-"));
  trampoline = new WebAssembly.Module(await wat('(module (import "h" "r" (func $r)) (export "r" (func $r)))'));
  for (const name of Object.keys(SEQUENCES)) {
    const { file } =
      name === "everything" ? await buildPlugin(FIXTURE, { outFile: join(folder, "everything.wasm") }) : await buildPlugin(ownPlugin(name));
    const original = new Uint8Array(await readFile(file));
    modules.set(name, { original, admitted: admitPlugin(original, DEFAULT_LIMITS).module });
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Metering {
  readonly prepare: (exports: WebAssembly.Exports) => void;
  readonly resume: (exports: WebAssembly.Exports) => void;
  refuels: number;
}

/**
 * Gives an admitted instance a slice whenever it runs dry, and runs the start function that admission took out. The refuel
 * with the number `refusedRefuel` is refused.
 */
function metering(refusedRefuel: number = Number.POSITIVE_INFINITY): Metering {
  const meter: Metering = {
    refuels: 0,
    resume(exports) {
      const fuel = exports[FUEL_EXPORT] as WebAssembly.Global<number>;
      const refuel = (): void => {
        meter.refuels += 1;
        if (meter.refuels !== refusedRefuel) fuel.value = SLICE_FUEL;
      };
      (exports[REFUEL_EXPORT] as WebAssembly.Global).value = new WebAssembly.Instance(trampoline, { h: { r: refuel } }).exports.r;
      fuel.value = SLICE_FUEL;
    },
    prepare(exports) {
      meter.resume(exports);
      const start = exports[START_EXPORT];
      if (typeof start === "function") start();
    },
  };
  return meter;
}

/** Everything that can be seen of a plugin from outside, turn by turn. */
function transcript(bytes: Uint8Array<ArrayBuffer>, steps: readonly Step[], options: FakeHostOptions = {}, sleeps = false): unknown[] {
  const module = new WebAssembly.Module(bytes);
  const calls: unknown[] = [];
  const fresh = (storage?: Map<string, Uint8Array>): FakeHost =>
    new FakeHost(module, {
      config: { greeting: "grüezi" },
      nowMs: () => 1_767_323_045_678,
      call(service, payload, deadlineMs) {
        calls.push({ service, payload: payload.slice(), deadlineMs });
        if (service.startsWith("broken.")) throw { code: "plugin-failed", message: "kaputt", detail: null };
        return payload;
      },
      send(service, payload, sendOptions) {
        calls.push({ service, payload: payload.slice(), sendOptions });
        return "given";
      },
      ...options,
      ...(storage ? { storage } : {}),
    });
  let host = fresh();
  return steps.map((step) => {
    if (sleeps) host.sleep();
    const result = step(host);
    const { logs, events, blocks, storage, state } = host;
    const seen = structuredClone({ result, logs, events, blocks, calls, storage, state, memoryBytes: host.memoryBytes() });
    // As a cell does: what has trapped is thrown away.
    if (result.trapped) host = fresh(host.storage);
    return seen;
  });
}

const modulesOf = (name: string): { original: Uint8Array<ArrayBuffer>; admitted: Uint8Array<ArrayBuffer> } => {
  const found = modules.get(name);
  if (found === undefined) throw new Error(`no module ${name}`);
  return found;
};

describe.each(Object.entries(SEQUENCES))("%s, metered", (name, steps) => {
  it("does in every turn what it does unmetered, though it refuels all the time", () => {
    const { original, admitted } = modulesOf(name);
    const meter = metering();
    const unmetered = transcript(original, steps);
    const metered = transcript(admitted, steps, meter);
    for (const [i, seen] of metered.entries()) expect(seen, `turn ${i + 1}`).toEqual(unmetered[i]);
    expect(metered).toHaveLength(steps.length);
    expect(meter.refuels).toBeGreaterThan(100 * steps.length);
  });

  it("does in every turn what it does unmetered, though it sleeps before each", () => {
    const { original } = modulesOf(name);
    const { bytes, report } = admitAll(original, {}, true);
    expect(report.cannotKeep).toBeUndefined();
    const asleep = transcript(bytes, steps, metering(), true);
    const unmetered = transcript(original, steps);
    for (const [i, seen] of asleep.entries()) expect(seen, `turn ${i + 1}`).toEqual(unmetered[i]);
  });

  it("is told from one in which a single refuel of one turn goes wrong", () => {
    const { original, admitted } = modulesOf(name);
    const meter = metering();
    const unmetered = transcript(original, steps);
    transcript(admitted, steps, meter);
    expect(transcript(admitted, steps, metering(Math.floor(meter.refuels / 2)))).not.toEqual(unmetered);
  });
});

it("gives clock and chance to a metered plugin as to any other", () => {
  const { original, admitted } = modulesOf("everything");
  const succeeded = (seen: unknown[]): unknown[] => seen.map((each) => (each as { result: TurnResult }).result.ok);
  expect(succeeded(transcript(admitted, UNREPEATABLE, metering()))).toEqual(succeeded(transcript(original, UNREPEATABLE)));
});

it("covers every entry point of every plugin", () => {
  const called = new Set<string>();
  const spy = {
    turn: (entryPoint: string) => called.add(entryPoint),
    deliver: (entryPoint: string) => called.add(entryPoint),
  } as unknown as FakeHost;
  for (const [name, { original }] of modules) {
    called.clear();
    for (const step of [...(SEQUENCES[name] ?? []), ...(name === "everything" ? UNREPEATABLE : [])]) step(spy);
    const exported = admitPlugin(original, DEFAULT_LIMITS).entryPoints.filter((entryPoint) => entryPoint !== "_initialize");
    expect([...called].sort(), name).toEqual([...exported].sort());
  }
});
