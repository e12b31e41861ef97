// Kept events in the test kit: a durable subscription hears like any other, and takes batches and further attempts.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadPlugin } from "../../host/testing/index.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

// Logs its input, and answers "1".
const COUNTER = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (func (export "on_event") (result i32) (call $log (call $input)) (i32.const 0))
  (func (export "on_batch") (result i32) (local $one i64)
    (call $log (call $input))
    (local.set $one (call $alloc (i64.const 1)))
    (call $store (local.get $one) (i32.const 49))
    (call $output (local.get $one) (i64.const 1))
    (i32.const 0)))`;

describe("a plugin with durable subscriptions, under test", () => {
  let folder: TemporaryFolder;
  let path: string;
  beforeAll(async () => {
    folder = temporaryFolder();
    path = await writePlugin(folder.path, "counter", COUNTER, {
      api: "0.2",
      permissions: ["events.subscribe", "events.durable"].map((permission) => ({ permission, resource: "a.**", reason: "test" })),
      subscriptions: [
        { type: "a.one", entryPoint: "on_event", durable: true },
        { type: "a.many", entryPoint: "on_batch", durable: true, name: "many", batch: { max: 3 } },
      ],
    });
  });
  afterAll(() => folder.remove());

  const logged = (lines: readonly { readonly message: string }[]): unknown[] => lines.map(({ message }) => JSON.parse(message));

  it("hears what is published, a batch as a list of one", async () => {
    await using kit = await loadPlugin(path);
    expect(await kit.publish("a.one", 1)).toBe(1);
    expect(await kit.publish("a.many", 2)).toBe(1);
    expect(logged(kit.logged)).toMatchObject([{ type: "a.one", data: 1 }, [{ type: "a.many", data: 2 }]]);
  });

  it("takes what is delivered to it, with its attempt, and says how much it handled", async () => {
    await using kit = await loadPlugin(path);
    expect(await kit.deliver("a.one", [{ type: "a.one", data: 1, attempt: 3, replayed: true }])).toBe(1);
    expect(
      await kit.deliver("many", [
        { type: "a.many", data: 1 },
        { type: "a.many", data: 2, publisher: "other" },
      ]),
    ).toBe(1);
    expect(logged(kit.logged)).toMatchObject([
      { data: 1, attempt: 3, replayed: true },
      [{ data: 1 }, { data: 2, source: "/plugins/other" }],
    ]);
  });

  it("refuses what no subscription takes", async () => {
    await using kit = await loadPlugin(path);
    await expect(kit.deliver("none", [{ type: "a.one" }])).rejects.toMatchObject({ code: "invalid-message" });
    await expect(kit.deliver("a.one", [{ type: "a.one" }, { type: "a.one" }])).rejects.toMatchObject({
      code: "invalid-message",
      message: "a.one takes 1 to 1 events in a turn, not 2",
    });
  });
});
