// The log of a plugin's storage, from its manifest to its answer: who asks for one has each commit with the trace of the turn that made it.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTrace, traceIdOf } from "../../host/core/trace.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { CELL_KINDS } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const CHANGES = '[{"key":"a","value":"MQ=="},{"key":"b","value":null}]';
const KEEPER = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/user" "storage_commit" (func $commit (param i64 i64) (result i64)))
  (import "extism:host/user" "storage_changes" (func $changes (param i64 i64) (result i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "[]") (data (i32.const 8) "0") (data (i32.const 16) "100") (data (i32.const 32) ${JSON.stringify(CHANGES)})
  (func $text (param $at i32) (param $n i32) (result i64) (local $h i64)
    (local.set $h (call $alloc (i64.extend_i32_u (local.get $n))))
    (call $store (local.get $at) (local.get $h) (local.get $n)) (local.get $h))
  (func $give (param $h i64) (call $output_set (local.get $h) (call $length (local.get $h))))
  (func (export "commit") (result i32) (call $give (call $commit (call $text (i32.const 0) (i32.const 2)) (call $text (i32.const 32) (i32.const ${CHANGES.length})))) (i32.const 0))
  (func (export "log") (result i32) (call $give (call $changes (call $text (i32.const 8) (i32.const 1)) (call $text (i32.const 16) (i32.const 3)))) (i32.const 0)))`;

let folder: TemporaryFolder;
let host: RunningHost | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await host?.stop();
  host = undefined;
  folder.remove();
});

describe.each(CELL_KINDS)("the log of a storage in %s cells", (isolation) => {
  it.each(["sqlite", "memory"])("is kept for whom plugin.json asks for one, and for nobody else (%s)", async (driver) => {
    const services = (name: string): object => ({ [`${name}.commit`]: { entryPoint: "commit" }, [`${name}.log`]: { entryPoint: "log" } });
    const asking = { api: "0.2", services: services("keeper"), storage: { log: true } };
    const plugins = {
      keeper: { path: await writePlugin(folder.path, "keeper", KEEPER, asking), isolation },
      other: { path: await writePlugin(folder.path, "other", KEEPER, { api: "0.2", services: services("other") }), isolation },
    };
    const text = JSON.stringify({ dataDir: "data", adapters: { http: false }, drivers: { storage: driver }, plugins });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
    const call = async (service: string, traceparent = startTrace()): Promise<string> => {
      const asked = { service, payload: new Uint8Array(0), caller: { kind: "adapter", name: "test" } as const, traceparent };
      return new TextDecoder().decode(await host?.core.services.call(asked));
    };
    const traces = [startTrace(), startTrace()];
    const versions: unknown[] = [];
    for (const trace of traces) versions.push(JSON.parse((await call("keeper.commit", trace)).slice(1)).version);
    const trace = traces.map(traceIdOf);
    const row = (i: number, key: string, removed: boolean): object => ({
      seq: versions[i],
      key,
      removed,
      time: expect.any(Number),
      trace: trace[i],
    });
    const logged = await call("keeper.log");
    expect(logged[0]).toBe("\0");
    expect(JSON.parse(logged.slice(1))).toEqual([row(0, "a", false), row(0, "b", true), row(1, "a", false), row(1, "b", true)]);
    await call("other.commit");
    expect(await call("other.log")).toContain(
      'other keeps no log of its storage; write \\"storage\\": { \\"log\\": true } in its plugin.json',
    );
  });
});
