// A component written for other hosts, which imports standard interfaces only: they are this plugin's storage, configuration, log, clock and http.fetch.

import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { componentize } from "componentize-qjs";
import { beforeAll, describe, expect, it } from "vitest";
import { HostError } from "../../../host/core/errors.ts";
import type { Cell } from "../../../host/core/ports/cell.ts";
import { startTrace } from "../../../host/core/trace.ts";
import type { PluginImage } from "../../../host/core/types.ts";
import type { WitFunction } from "../../../host/core/wit.ts";
import type { ComponentHost } from "../../../host/engine/component/component-host.ts";
import { Ledger } from "../../../host/engine/component/resources.ts";
import { wasiHttp } from "../../../host/engine/component/wasi-http.ts";
import { blockCodec, encodeArguments, encodeError } from "../../../host/engine/guest/blocks.ts";
import type { GuestControl } from "../../../host/engine/guest/control.ts";
import { createHost, parseConfiguration } from "../../../host/index.ts";
import { DEFAULT_LIMITS } from "../../../host/manifest/limits.ts";
import { CELL_KINDS, createCell, runTurn } from "../../support/cells.ts";
import { componentImage } from "../../support/components.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { memoryLog } from "../../support/memory-log.ts";
import { temporaryFolder, writePlugin } from "../../support/plugin-folders.ts";

const folder = new URL("./standard/", import.meta.url);
let image: PluginImage;
let guest: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  const { component } = await componentize({
    witPath: fileURLToPath(new URL("world.wit", folder)),
    jsSource: await readFile(new URL("guest.js", folder), "utf8"),
    sync: true,
  });
  guest = new Uint8Array(component);
  // StarlingMonkey takes a while on a busy machine, and this is not about time.
  image = await componentImage("standard", guest, { cpuMs: 20_000, deadlineMs: 60_000 }, { unit: "celsius" });
});

describe.each(CELL_KINDS)("the standard interfaces in a cell (%s)", (kind) => {
  const start = async () => {
    const log = memoryLog();
    const cell: Cell = createCell(kind, log);
    await cell.load(image);
    const run = async (what: string): Promise<unknown> => {
      const outcome = await runTurn(cell, "standard", "run", { input: what });
      return outcome.ok ? JSON.parse(new TextDecoder().decode(outcome.output)) : outcome.error;
    };
    return { log, run };
  };

  it("wasi:keyvalue is the plugin's storage", async () => {
    const { run } = await start();
    expect(await run("keyvalue")).toEqual({
      many: ["1", null, "2"],
      counts: ["5", "7"],
      keys: ["a", "b", "n"],
      cursor: null,
      left: [false, true],
    });
    expect(await run("noStore")).toBe("no-such-store");
  });

  it("wasi:keyvalue is the plugin's storage on the host's side too, with the same answers", async () => {
    const folderOfPlugin = temporaryFolder();
    const services = { "standard.run": { entryPoint: "run" } };
    const path = await writePlugin(folderOfPlugin.path, "standard", "(module)", { api: "0.2", services });
    writeFileSync(join(path, "plugin.wasm"), guest);
    const plugins = { standard: { path, isolation: kind } };
    const text = JSON.stringify({ adapters: { http: false }, drivers: { storage: "memory-remote" }, plugins });
    const configuration = parseConfiguration(text, join(folderOfPlugin.path, "bulkhead.json"));
    await using host = await createHost({ configuration, log: memoryLog() });
    const call = async (what: string): Promise<unknown> => {
      const from = { caller: { kind: "adapter", name: "test" }, traceparent: startTrace() } as const;
      const answer = await host.core.services.call({ service: "standard.run", payload: new TextEncoder().encode(what), ...from });
      return JSON.parse(new TextDecoder().decode(answer));
    };
    expect(await call("keyvalue")).toEqual({
      many: ["1", null, "2"],
      counts: ["5", "7"],
      keys: ["a", "b", "n"],
      cursor: null,
      left: [false, true],
    });
    expect(await call("noStore")).toBe("no-such-store");
    folderOfPlugin.remove();
  });

  it("wasi:config is its configuration and wasi:logging its log", async () => {
    const { log, run } = await start();
    expect(await run("config")).toEqual(["celsius", null, [["unit", "celsius"]]]);
    await run("logging");
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ["debug", "here: a trace line"],
      ["info", "here: a info line"],
      ["warning", "here: a warn line"],
      ["error", "here: a critical line"],
    ]);
  });

  it("wasi:clocks and wasi:random are the cell's, and waiting suspends the guest", async () => {
    const { run } = await start();
    expect(await run("clocks")).toEqual([true, true]);
    expect(await run("random")).toEqual([16, false]);
  });
});

// The classes that the glue calls, by the names it calls them. In hostile-http.test.ts a component does.
interface Value<T> {
  readonly tag: string;
  readonly val: T;
}
interface Fields {
  append(name: string, value: Uint8Array): Value<unknown>;
  entries(): readonly (readonly [string, Uint8Array])[];
}
interface Dropped {
  [Symbol.dispose](): void;
}
interface HttpTypes {
  readonly Fields: { new (): Fields; fromList(entries: readonly (readonly [string, Uint8Array])[]): Value<Fields> };
  readonly OutgoingRequest: new (
    headers: Fields,
  ) => Dropped & {
    body(): Value<Dropped & { write(): Value<{ write(bytes: Uint8Array): Value<unknown> }> }>;
    headers(): Fields;
    setMethod(method: { tag: string; val?: string }): void;
    setScheme(scheme: { tag: string }): void;
    setAuthority(authority: string): void;
    setPathWithQuery(path: string): void;
  };
  readonly OutgoingBody: { finish(body: unknown, trailers: unknown): Value<unknown> };
}
interface Response {
  status(): number;
  headers(): Fields;
  consume(): Value<{ stream(): Value<{ blockingRead(length: bigint): Value<Uint8Array> }> }>;
}
type Handle = (request: unknown) => Value<{ subscribe(): { block(): Promise<void> }; get(): Value<Value<Response>> | undefined }>;

describe("wasi:http", () => {
  const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

  function start(answer: (name: string, args: readonly Uint8Array[]) => Promise<Uint8Array>) {
    const fate: HostError[] = [];
    const control: GuestControl = { doomed: false, doom: (error) => void fate.push(error), forfeit: () => {} };
    const environment = { plugin: "guest", limits: DEFAULT_LIMITS, askHost: answer, scope: { clock: fakeClock() } };
    const host = {
      environment,
      control,
      ledger: new Ledger("guest", control, DEFAULT_LIMITS.blockBytes),
      asker: () => (name: WitFunction, values: readonly unknown[]) => answer(name, encodeArguments(name, values)),
      count: () => {},
      wait: (waited: Promise<unknown>) => waited,
    };
    const interfaces = wasiHttp(host as unknown as ComponentHost);
    const types = interfaces["wasi:http/types"] as unknown as HttpTypes;
    return { fate, types, handle: interfaces["wasi:http/outgoing-handler"]?.handle as Handle };
  }

  function request({ Fields, OutgoingRequest }: HttpTypes) {
    const headers = new Fields();
    headers.append("X-Test", encode("yes"));
    const made = new OutgoingRequest(headers);
    made.setScheme({ tag: "HTTPS" });
    made.setAuthority("api.example.com");
    made.setPathWithQuery("/v1?q=1");
    return made;
  }

  it("is http.fetch: sent when the body is finished, answered whole", async () => {
    const asked: unknown[] = [];
    const { types, handle } = start(async (name, args) => {
      asked.push(
        name,
        ...blockCodec.decode(
          "http.fetch",
          args.map((arg) => new Uint8Array(arg)),
        ),
      );
      return blockCodec.encode("http.fetch", {
        status: 201,
        headers: [{ name: "Content-Type", value: "text/plain" }],
        body: encode("made"),
      });
    });
    const made = request(types);
    made.setMethod({ tag: "post" });
    const body = made.body().val;
    const future = handle(made).val;
    expect(future.get()).toBeUndefined();
    body.write().val.write(encode("hello"));
    expect(asked).toEqual([]);
    types.OutgoingBody.finish(body, undefined);
    await future.subscribe().block();
    const response = future.get()?.val.val;
    expect([response?.status(), response?.headers().entries()]).toEqual([201, [["content-type", encode("text/plain")]]]);
    expect(new TextDecoder().decode(response?.consume().val.stream().val.blockingRead(100n).val)).toBe("made");
    expect(asked).toEqual([
      "http.fetch",
      { method: "POST", url: "https://api.example.com/v1?q=1", headers: [{ name: "x-test", value: "yes" }] },
      encode("hello"),
    ]);
  });

  it.each([
    ["permission-denied", "HTTP-request-denied"],
    ["deadline-exceeded", "HTTP-response-timeout"],
    ["rate-limited", "connection-limit-reached"],
    ["http-failed", "internal-error"],
  ] as const)("answers %s as %s", async (code, tag) => {
    const { types, handle } = start(async () => encodeError(new HostError(code, "no")));
    const future = handle(request(types)).val;
    await future.subscribe().block();
    expect(future.get()?.val).toMatchObject({ tag: "err", val: { tag } });
  });

  it("refuses headers that are none and changes to a request's", () => {
    const { types } = start(async () => encodeError(new HostError("internal", "no")));
    expect(types.Fields.fromList([["a b", encode("x")]])).toMatchObject({ tag: "err", val: { tag: "invalid-syntax" } });
    expect(request(types).headers().append("x", encode("y"))).toMatchObject({ tag: "err", val: { tag: "immutable" } });
  });

  it("keeps nothing of what was dropped, though a child of it is still held", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    // A collection frees array buffers on another thread, which the next one waits for.
    const collect = (): void => [1, 2].forEach(() => void gc());
    const { types, fate } = start(async () => encodeError(new HostError("internal", "no")));
    const held: unknown[] = [];
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 100; i += 1) {
      const headers = new types.Fields();
      headers.append("x", new Uint8Array(1_000_000));
      const withHeaders = new types.OutgoingRequest(headers);
      held.push(withHeaders.body().val);
      withHeaders[Symbol.dispose]();
      const body = request(types).body().val;
      const stream = body.write().val;
      for (let j = 0; j < 16; j += 1) stream.write(new Uint8Array(65_536));
      body[Symbol.dispose]();
      expect(stream.write(new Uint8Array(1))).toMatchObject({ tag: "err" });
      held.push(stream);
    }
    // V8 frees the bytes of buffers beside the collection, a little later.
    const kept = (): number => {
      collect();
      return process.memoryUsage().arrayBuffers - before;
    };
    await expect.poll(kept, { timeout: 5_000 }).toBeLessThan(20_000_000);
    expect([held.length, fate]).toEqual([200, []]);
  });

  it("ends a guest whose body is larger than a payload", () => {
    const { types, fate } = start(async () => encodeError(new HostError("internal", "no")));
    const stream = request(types).body().val.write().val;
    expect(() => {
      for (let i = 0; i < 65; i += 1) stream.write(new Uint8Array(65_536));
    }).toThrow("ended by the host");
    expect(fate.map(({ code }) => code)).toEqual(["quota-exceeded"]);
  });
});
