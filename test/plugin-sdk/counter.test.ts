// The one scenario that every SDK implements, plugins/counter, in every kind of cell, and with its storage on either side: what can be seen of it is the same,
// byte for byte.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoredKey, StoredValue } from "../../host/admin/stored-data.ts";
import { openControl } from "../../host/cli/control.ts";
import { findToolchain, LANGUAGES, type Language } from "../../host/cli/toolchains/languages.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { ExtensionPoint } from "../../host/core/types.ts";
import { type Configuration, createHost, HostError, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { CELL_KINDS, type CellKind } from "../support/cells.ts";
import { describeWithTool, GRPC_PYTHON } from "../support/client-tools.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { describeWithServer } from "../support/servers.ts";
import { SERVER_OF, STORE_KINDS, type StoreKind, TestStores } from "../support/stores.ts";
import { describeWith } from "../support/toolchains.ts";

const BUILD_TIMEOUT_MS = 600_000;
const MIB = 1_048_576;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const GREETER = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (func (export "greet") (result i32) (local $n i64) (local $at i64) (local $i i64)
    (local.set $n (call $length))
    (local.set $at (call $alloc (i64.add (local.get $n) (i64.const 1))))
    (loop $next (if (i64.lt_u (local.get $i) (local.get $n)) (then
      (call $store (i64.add (local.get $at) (local.get $i)) (call $load (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next))))
    (call $store (i64.add (local.get $at) (local.get $n)) (i32.const 33))
    (call $output (local.get $at) (i64.add (local.get $n) (i64.const 1)))
    (i32.const 0)))`;

const REMOTE_PYTHON = fileURLToPath(new URL("../../plugin-sdk/remote-python/src", import.meta.url));

interface RemoteCounter {
  /** Of its folder. */
  readonly name: string;
  /** A program without which it does not run. */
  readonly tool?: string;
  readonly crashesAt: RegExp;
  dial(scene: Scene, folder: string): Promise<() => void>;
}

/** Runs it with the address of the scene's host and a token in its environment; answers how to end it. */
async function run({ host, configuration }: Scene, command: string, args: readonly string[]): Promise<() => void> {
  await using control = await openControl(configuration);
  const { token } = await control.invoke<{ token: string }>("create-remote-token", { plugin: "counter" });
  const address = new URL(host.addresses.get("remotePlugins") ?? "").host;
  const env = { ...process.env, BULKHEAD_REMOTE: address, BULKHEAD_REMOTE_TOKEN: token, PYTHONPATH: REMOTE_PYTHON };
  const child = spawn(command, args, { env, stdio: "ignore" });
  return () => child.kill();
}

const REMOTE_COUNTERS: readonly RemoteCounter[] = [
  {
    name: "remote-node",
    crashesAt: /crashed on purpose.*remote-node\/counter\.ts:\d+/,
    dial: (scene, folder) => run(scene, process.execPath, [join(folder, "counter.ts")]),
  },
  {
    name: "remote-python",
    tool: GRPC_PYTHON,
    crashesAt: /crashed on purpose.*counter\.py:\d+/,
    dial: (scene, folder) => run(scene, GRPC_PYTHON, [join(folder, "counter.py")]),
  },
];

/** Where the function `crash` is, as a message of each language names it. */
const CRASHES_AT: Readonly<Record<Language, RegExp>> = {
  assemblyscript: /crashed on purpose.*assembly\/index\.ts:\d+/,
  rust: /crashed on purpose.*src\/lib\.rs:\d+/,
  go: /crashed on purpose.*counter\.go:\d+/,
  c: /crashed on purpose.*counter\.c:\d+/,
  zig: /crashed on purpose.*counter\.zig:\d+/,
  typescript: /crashed on purpose.*src\/index\.ts:\d+/,
  python: /crashed on purpose.*counter\.py:\d+/,
};

const GRANTS = [
  { permission: "events.subscribe", resource: "sensors.measured" },
  { permission: "services.call", resource: "greeter.greet" },
  { permission: "extensions.answer", resource: "lab.greeting" },
  { permission: "extensions.ask", resource: "lab.greeting" },
];

/** Whatever is said is fine. */
const LAB: ExtensionPoint = { name: "lab.greeting", owner: "lab", checkInput() {}, checkAnswer() {} };

const MEASURED = [
  { sensor: "attic", value: 21.5, unit: "celsius" },
  { sensor: "garage", value: 70, unit: "fahrenheit" },
  { sensor: "Küche 🌍", value: -4, unit: "celsius" },
];

const DENIAL = "counter has no permission services.call for vault.open; \"bulkhead grant counter services.call 'vault.open'\" allows it";

interface Row {
  readonly key: string;
  readonly value: string;
  readonly expires_at: number | null;
}

/** Where its storage is. */
interface Keeping {
  /** The configuration's `drivers.storage`, as it is when the host starts. */
  section(dataDir: string): Promise<object | string>;
  /** What stands there, in the order of the keys. */
  rows(scene: Pick<Scene, "configuration">): Promise<readonly Row[]>;
}

const IN_CELL: Keeping = {
  section: async () => "sqlite",
  async rows({ configuration: { dataDir } }) {
    const database = new Database(join(dataDir, "storage", "counter.sqlite"), { readonly: true });
    const rows = database.prepare<[], Row>("SELECT key, CAST(value AS TEXT) AS value, expires_at FROM entries ORDER BY key").all();
    database.close();
    return rows;
  },
};

function inStore(kind: StoreKind): Keeping & AsyncDisposable {
  const stores = new TestStores(kind);
  return {
    section: (dataDir) => stores.section(dataDir),
    // By the host itself, since not every store lets another look.
    async rows({ configuration }) {
      await using control = await openControl(configuration);
      const asked = { plugin: "counter" };
      const { keys } = await control.invoke<{ readonly keys: readonly StoredKey[] }>("storage-keys", asked);
      const rows: Row[] = [];
      for (const { key } of keys) {
        const { value, expiresAt = null } = await control.invoke<StoredValue>("storage-get", { ...asked, key });
        rows.push({ key, value: Buffer.from(value, "base64").toString("utf8"), expires_at: expiresAt });
      }
      return rows;
    },
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  };
}

interface Scene {
  readonly host: RunningHost;
  readonly log: ReturnType<typeof memoryLog>;
  readonly published: string[];
  readonly configuration: Configuration;
  answer(service: string, payload: Uint8Array): Promise<Uint8Array>;
  call(service: string, payload?: string): Promise<string>;
  /** What plugins answer to the lab's own question. */
  ask(input: string): Promise<string[]>;
  measure(data: object): void;
}

async function stage(parent: string, folder: string, isolation: Told["isolation"], storage: object | string): Promise<Scene> {
  const log = memoryLog();
  const answering = (priority: number): object => ({
    api: "0.2",
    extends: { [LAB.name]: { entryPoint: "greet", priority } },
    permissions: [{ permission: "extensions.answer", resource: LAB.name, reason: "to greet" }],
  });
  const greets = { ...answering(-5), services: { "greeter.greet": { entryPoint: "greet" } } };
  const plugins = {
    greeter: { path: await writePlugin(parent, "greeter", GREETER, greets), isolation: "inline", grants: "all" },
    usher: { path: await writePlugin(parent, "usher", GREETER, answering(20)), isolation: "inline", grants: "all" },
    counter: { path: folder, isolation, grants: GRANTS, config: { unit: "celsius" } },
  };
  const text = JSON.stringify({ dataDir: "data", adapters: { http: false }, drivers: { storage }, remotePlugins: { port: 0 }, plugins });
  const configuration = parseConfiguration(text, join(parent, "bulkhead.json"));
  const host = await createHost({ configuration, log });
  host.core.extensions.declare(LAB);
  const answer = (service: string, payload: Uint8Array): Promise<Uint8Array> =>
    host.core.services.call({ service, payload, caller: { kind: "adapter", name: "test" }, traceparent: startTrace() });
  const published: string[] = [];
  host.core.events.subscribe("counter.*", ({ type, contentType, source, data }) =>
    published.push(`${type} ${contentType} ${source} ${decoder.decode(data)}`),
  );
  return {
    host,
    log,
    published,
    configuration,
    answer,
    call: async (service, payload = "") => decoder.decode(await answer(service, encoder.encode(payload))),
    async ask(input) {
      const caller = { kind: "host", name: LAB.owner } as const;
      const asked = host.core.extensions.ask({ point: LAB.name, input: encoder.encode(input), caller, traceparent: startTrace() });
      const outcomes = await Promise.all(asked.map(async ({ plugin, outcome }) => [plugin, await outcome] as const));
      return outcomes.map(([plugin, outcome]) => `${plugin}: ${outcome.ok ? decoder.decode(outcome.output) : outcome.error.code}`);
    },
    measure(data) {
      const event = { type: "sensors.measured", contentType: "application/json", source: "/test", traceparent: startTrace() };
      host.core.events.publish(host.core.stamp({ ...event, data: encoder.encode(JSON.stringify(data)) }));
    },
  };
}

it("has one manifest, a copy of it beside each module", () => {
  const manifest = readFileSync(ownPlugin(join("counter", "plugin.json")), "utf8");
  for (const language of LANGUAGES)
    expect(readFileSync(ownPlugin(join("counter", language, "plugin.json")), "utf8"), language).toBe(manifest);
  for (const { name } of REMOTE_COUNTERS)
    expect(
      readFileSync(ownPlugin(join("counter", name, "plugin.json")), "utf8").replace('"remote": {}', '"wasm": "counter.wasm"'),
      name,
    ).toBe(manifest);
});

interface Told {
  readonly folder: string;
  readonly isolation: CellKind | "remote";
  readonly keeping: Keeping;
  readonly crashesAt: RegExp;
  /** Begins what runs elsewhere; returns its end. */
  readonly dial?: (scene: Scene) => Promise<() => void>;
}

/** What can be seen of a counter, whoever wrote it and wherever it runs. */
function tells({ folder, isolation, keeping, crashesAt, dial }: Told): void {
  let parent: TemporaryFolder;
  let scene: Scene;
  let undial: (() => void) | undefined;
  beforeAll(async () => {
    parent = temporaryFolder();
    scene = await stage(parent.path, folder, isolation, await keeping.section(join(parent.path, "data")));
    undial = await dial?.(scene);
    await eventually("it runs", () => scene.host.core.plugin("counter")?.state === "running" || undefined);
  }, BUILD_TIMEOUT_MS);
  afterAll(async () => {
    undial?.();
    await scene?.host.stop();
    parent.remove();
  });
  const logged = (): string[] =>
    scene.log.lines.filter(({ plugin }) => plugin === "counter").map(({ level, message }) => `${level} ${message}`);

  it("starts, and says so", () => {
    expect(scene.host.core.plugin("counter")).toMatchObject({ state: "running" });
    expect(logged()).toEqual(["debug counter loaded"]);
  });

  it("counts the events that its filter lets through, stores, publishes and asks another plugin", async () => {
    expect(await scene.call("counter.read")).toBe('{"count":0,"last":null}');
    for (const data of MEASURED) scene.measure(data);
    await eventually("both were counted", () => logged().length === 3 || undefined, 10_000);
    expect(await scene.call("counter.read")).toBe('{"count":2,"last":{"sensor":"Küche 🌍","value":-4}}');
    expect(scene.published).toEqual([
      'counter.counted application/json /plugins/counter {"count":1,"sensor":"attic"}',
      'counter.counted application/json /plugins/counter {"count":2,"sensor":"Küche 🌍"}',
    ]);
    expect(logged().slice(1)).toEqual(["info greeter said: attic!", "info greeter said: Küche 🌍!"]);
  });

  it("keeps its changes, one of them for a minute", async () => {
    const rows = await keeping.rows(scene);
    expect(rows).toEqual([
      { key: "count", value: "2", expires_at: null },
      { key: "last", value: '{"sensor":"Küche 🌍","value":-4}', expires_at: expect.any(Number) },
    ]);
    const leftMs = Number(rows[1]?.expires_at) - Date.now();
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(60_000);
  });

  it("reads its configuration, time, randomness and who calls", async () => {
    const expected = '{"unit":"celsius","now":true,"monotonic":true,"random":true,"caller":"adapter:test"}';
    expect(await scene.call("counter.environment")).toBe(expected);
  });

  it("answers a point in its place, and hears what others answer, whatever their language", async () => {
    expect(await scene.ask("Zoë")).toEqual(["usher: Zoë!", "counter: Grüße, Zoë 🌍 — 你好", "greeter: Zoë!"]);
    expect(await scene.call("counter.survey", "Zoë 🌍")).toBe("usher: Zoë 🌍!\ngreeter: Zoë 🌍!");
    scene.host.core.plugin("usher")?.permissions.replaceGrants([]);
    expect(await scene.call("counter.survey", "")).toBe("greeter: !");
    scene.host.core.plugin("greeter")?.permissions.replaceGrants([]);
    expect(await scene.call("counter.survey", "")).toBe("");
  });

  it("takes refusals as values", async () => {
    expect(await scene.call("counter.denied")).toBe('["permission-denied","permission-denied"]');
    expect(logged().at(-1)).toBe(`warning ${DENIAL}`);
  });

  it("answers payloads that are empty, not ASCII, no text, and of a mebibyte", async () => {
    expect(await scene.call("counter.greet", "Zoë")).toBe("Grüße, Zoë 🌍 — 你好");
    const noise = new Uint8Array(MIB);
    for (let i = 0; i < MIB; i += 65_536) crypto.getRandomValues(noise.subarray(i, i + 65_536));
    for (const payload of [new Uint8Array(0), Uint8Array.of(0, 0xff, 0xfe, 0), noise]) {
      expect(Buffer.compare(await scene.answer("counter.echo", payload), payload)).toBe(0);
    }
  });

  it("fails with its own message", async () => {
    const failure = await scene.call("counter.fail", "wozu? 🤷").catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "plugin-failed", message: "failed on purpose: wozu? 🤷" });
  });

  it("names file and line when it crashes, and goes on with what it stored", async () => {
    const crash = await scene.call("counter.crash").catch((error: unknown) => error);
    expect(crash).toBeInstanceOf(HostError);
    expect(crash).toMatchObject({ code: "plugin-failed", message: expect.stringMatching(crashesAt) });
    expect(await scene.call("counter.read")).toBe('{"count":2,"last":{"sensor":"Küche 🌍","value":-4}}');
  });
}

for (const language of LANGUAGES) {
  await describeWith(language, `counter in ${language}`, () => {
    const folder = ownPlugin(join("counter", language));

    beforeAll(async () => {
      const build = await findToolchain(language, folder);
      const { ok, output } = await build(folder, join(folder, "counter.wasm"));
      if (!ok) throw new Error(output);
    }, BUILD_TIMEOUT_MS);

    const crashesAt = CRASHES_AT[language];
    describe.each(CELL_KINDS)("in a cell (%s)", (isolation) => tells({ folder, isolation, keeping: IN_CELL, crashesAt }));

    for (const kind of STORE_KINDS)
      describeWithServer(SERVER_OF[kind], `with its storage in ${kind}`, () => {
        const keeping = inStore(kind);
        afterAll(() => keeping[Symbol.asyncDispose]());
        tells({ folder, isolation: "process", keeping, crashesAt });
      });
  });
}

for (const { name, tool = process.execPath, crashesAt, dial } of REMOTE_COUNTERS)
  describeWithTool(tool, `counter in ${name}`, () => {
    const folder = ownPlugin(join("counter", name));
    tells({ folder, isolation: "remote", keeping: IN_CELL, crashesAt, dial: (scene) => dial(scene, folder) });
  });
