// Components whose binary says something that the host does not serve, or too much of it. All are refused before jco sees them, or any of it runs.

import { describe, expect, it } from "vitest";
import { HostError } from "../../../host/core/errors.ts";
import type { Limits } from "../../../host/core/types.ts";
import { admitComponent } from "../../../host/engine/component/admit-component.ts";
import { DEFAULT_LIMITS } from "../../../host/manifest/limits.ts";
import { admitted, componentOf, componentText } from "../../support/components.ts";

async function refusal(component: Uint8Array<ArrayBuffer>, limits: Partial<Limits> = {}): Promise<string> {
  const thrown = await admitted(component, limits).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "admission-refused" });
  return thrown instanceof HostError ? (thrown.detail ?? thrown.message) : "";
}

const ofText = async (text: string, limits: Partial<Limits> = {}): Promise<string> => refusal(await componentText(text), limits);

/** What can be entered, so that nothing else is wrong with it. */
const GO = `(core module $go (func (export "go"))) (core instance $goes (instantiate $go))
  (func (export "go") (canon lift (core func $goes "go")))`;

const importing = (name: string, items: string): string => `(component (import "${name}" (instance ${items})) ${GO})`;

describe("a component is refused when its copy of a standard interface", () => {
  it.each([
    [
      "takes a text for a number",
      "wasi:random/random@0.2.0",
      '(export "get-random-bytes" (func (param "len" string) (result (list u8))))',
      "its get-random-bytes is (string) -> list<u8>, and the host's is (u64) -> list<u8>",
    ],
    [
      "takes a text for an exit code",
      "wasi:cli/exit@0.2.3",
      '(export "exit-with-code" (func (param "status-code" string)))',
      "its exit-with-code is (string), and the host's is (u8)",
    ],
    [
      "names a part of the host's own",
      "wasi:http/types@0.2.0",
      '(export "fields" (type $f (sub resource))) (export "[method]fields.holds" (func (param "self" (borrow $f)) (param "bytes" f64)))',
      "it has [method]fields.holds, which the host's has not",
    ],
    [
      "names what every function has",
      "wasi:http/types@0.2.0",
      '(export "fields" (type $f (sub resource))) (export "[static]fields.constructor" (func (param "code" string) (result (own $f))))',
      "it has [static]fields.constructor, which the host's has not",
    ],
    ["answers something else", "wasi:clocks/monotonic-clock@0.2.0", '(export "now" (func (result string)))', "its now is () -> string"],
    [
      "has other cases",
      "wasi:logging/logging",
      '(type $l (enum "trace" "loud")) (export "level" (type $level (eq $l))) (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))',
      "its log is (enum{trace,loud},string,string)",
    ],
    [
      "has a resource of its own",
      "wasi:io/streams@0.2.0",
      '(export "pollable" (type $p (sub resource))) (export "output-stream" (type $o (sub resource))) (export "[method]output-stream.subscribe" (func (param "self" (borrow $o)) (result (own $p))))',
      "it has a resource pollable of its own",
    ],
    [
      "gives away what the host's lends",
      "wasi:io/poll@0.2.0",
      '(export "pollable" (type $p (sub resource))) (export "[method]pollable.block" (func (param "self" (own $p))))',
      "its [method]pollable.block is (own<pollable>)",
    ],
    [
      "is of another draft",
      "wasi:keyvalue/atomics@0.2.0-draft2",
      '(export "bucket" (type $b (sub resource)))',
      "it has a resource bucket of its own",
    ],
  ])("%s", async (_what, name, items, reason) => {
    expect(await ofText(importing(name, items))).toContain(`import ${name}: ${reason}`);
  });

  it("is of our own world and of another shape", async () => {
    const items = '(export "write" (func (param "level" (list string)) (param "message" string)))';
    expect(await ofText(importing("bulkhead:plugin/log@0.1.0", items))).toContain(
      "its write is (list<string>,string), and the host's is (enum{debug,",
    );
  });

  it("passes off a resource of the guest's as the host's", async () => {
    // The nested component gives its own resource the name of the host's, and exports it.
    const text = `(component
      (component $c (type $own (resource (rep i32))) (export "pollable" (type $own)))
      (instance $i (instantiate $c))
      (alias export $i "pollable" (type $p))
      (import "wasi:clocks/monotonic-clock@0.2.0" (instance
        (alias outer 1 $p (type $q)) (export "pollable" (type (eq $q))) (export "subscribe-duration" (func (param "when" u64) (result (own $q))))))
      ${GO})`;
    expect(await ofText(text)).toMatch(/its subscribe-duration is \(u64\) -> own<#\d+>/);
  });

  it("is right, and the component inside of it that gets it has another", async () => {
    const face = (takes: string): string =>
      `(import "wasi:random/random@0.2.0" (instance $r (export "get-random-bytes" (func (param "len" ${takes}) (result (list u8))))))`;
    const text = `(component ${face("u64")}
      (component $c ${face("string")} (core module $m (memory (export "m") 1) (func (export "f") (param i32 i32 i32 i32) (result i32) unreachable))
        (core instance $i (instantiate $m)) (alias core export $i "m" (core memory $mem)) (alias core export $i "f" (core func $f))
        (core func (canon lower (func $r "get-random-bytes") (memory $mem) (realloc $f))))
      (instance (instantiate $c (with "wasi:random/random@0.2.0" (instance $r)))) ${GO})`;
    expect(await ofText(text)).toMatch(/jco \(@bytecodealliance\/jco-transpile \d+\.\d+\.\d+\) does not take it: /);
  });

  it("is no interface", async () => {
    expect(await ofText(`(component (import "log" (func)) ${GO})`)).toContain("import log: the host has no such interface");
    expect(await ofText(`(component (import "wasi:random/random@0.2.0" (func)) ${GO})`)).toContain("it is no interface");
    expect(await ofText(`(component (import "thing" (type (sub resource))) ${GO})`)).toContain(
      "import thing: the host has no such interface",
    );
  });
});

describe("a component is refused when an entry", () => {
  const WIT = (error: string): string => `package a:b; world w { export api; }
    interface api { resource thing; variant many { a(string), b } record pair { a: string } go: func() -> result<string, ${error}>; }`;
  const CORE = `(module
    (import "[export]a:b/api" "[resource-new]thing" (func $new (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "a:b/api#[dtor]thing") (param i32) unreachable)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "a:b/api#go") (result i32)
      (i32.store8 (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (call $new (i32.const 7))) (i32.const 16)))`;

  it.each(["thing", "list<thing>", "many", "pair", "list<list<u64>>", "u32"])(
    "fails with %s, and is told what an error can be",
    async (error) => {
      expect(await refusal(await componentOf(CORE, WIT(error), "w"))).toMatch(
        /its export go fails with .*; an entry's error can only be a string, or nothing/,
      );
    },
  );

  it("has the name of what a promise has, which JavaScript would call", async () => {
    expect(await ofText(`(component ${GO.replace('(export "go") (canon', '(export "then") (canon')})`)).toContain(
      "its export then would be taken",
    );
  });

  it("is ours in another shape", async () => {
    const wit = `package bulkhead:plugin@0.1.0; interface entry-points { handle: func(entry-point: string, input: list<u8>) -> result<list<u8>, u32>; }
      world plugin { export entry-points; }`;
    const core = `(module (memory (export "memory") 1) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "bulkhead:plugin/entry-points@0.1.0#handle") (param i32 i32 i32 i32) (result i32) (i32.const 16)))`;
    expect(await refusal(await componentOf(core, wit))).toContain(
      "its handle is (string,list<u8>) -> result<list<u8>,u32>, and the host enters (string,list<u8>) -> result<list<u8>,string>",
    );
  });
});

describe("a component is refused when it exports something by a name of the glue's", () => {
  const exporting = (name: string): string => `(component
    (type $t (resource (rep i32))) (core func $new (canon resource.new $t)) (core func $drop (canon resource.drop $t))
    (core instance $h (export "n" (func $new)) (export "d" (func $drop)))
    (core module $m (import "" "n" (func (param i32) (result i32))) (import "" "d" (func (param i32))) (func (export "f")))
    (core instance $i (instantiate $m (with "" (instance $h))))
    (func (export "${name}") (canon lift (core func $i "f"))))`;

  it.each([
    ["rsc-table-remove", "it exports something that is rscTableRemove in its glue"],
    ["rsc-table-create-own", "rscTableCreateOwn"],
    ["create-new-current-task", "createNewCurrentTask"],
    ["get-or-create-async-state", "getOrCreateAsyncState"],
    ["get-core-module", "getCoreModule"],
    ["module0", "module0"],
    ["undefined", "undefined"],
    ["is-finite", "isFinite"],
    ["arguments", "arguments"],
    ["trampoline1", "it exports something that is trampoline1 in its glue"],
    ["exports0", "jco made glue of it that is no JavaScript; rename what it exports"],
    ["handle-table0", "jco made glue of it that is no JavaScript"],
  ])("%s", async (name, reason) => {
    expect(await ofText(exporting(name))).toContain(reason);
  });

  it.each(["go", "handle", "get", "delete", "eval", "promise", "data-view", "imports", "constructor", "to-string"])(
    "but not for %s",
    async (name) => {
      await expect(admitted(await componentText(exporting(name)))).resolves.toBeDefined();
    },
  );

  it.each([
    ["resource promise { size: func() -> u32; }", "[method]promise.size", "Promise"],
    ["resource async-task { size: func() -> u32; }", "[method]async-task.size", "AsyncTask"],
    ["resource thing { size: func() -> u32; } rsc-table-remove: func(thing: own<thing>) -> u32;", "rsc-table-remove", "rscTableRemove"],
  ])("also in an interface with %s", async (wit, func, name) => {
    const world = `package a:b; world w { export api; export go: func(); } interface api { ${wit} }`;
    const others = func.startsWith("[") ? "" : '(func (export "a:b/api#[method]thing.size") (param i32) (result i32) unreachable)';
    const core = `(module (func (export "go")) (func (export "a:b/api#${func}") (param i32) (result i32) unreachable) ${others})`;
    expect(await refusal(await componentOf(core, world, "w"))).toContain(`it exports something that is ${name} in its glue`);
  });
});

describe("a component is refused when it uses", () => {
  it.each([
    ["a canonical function of the async ABI", "(core func (canon task.return))", "canonical function 0x9"],
    ["back-pressure", "(core func (canon backpressure.inc))", "canonical function 0x24"],
    ["a place in the host for each task", "(core func (canon context.get i32 0))", "canonical function 0xa"],
    ["a set of things to wait for", "(core func (canon waitable-set.new))", "canonical function 0x1f"],
    ["a stream", "(type (stream u8))", "an unknown type 0x66"],
    ["a future", "(type (future string))", "an unknown type 0x65"],
    ["an error context", "(type (list error-context))", "an unknown type"],
    ["a canonical function on streams", "(type $s (stream u8)) (core func (canon stream.new $s))", "an unknown type 0x66"],
    ["an asynchronous function", '(type (func async (param "a" string)))', "an unknown type 0x43"],
    [
      "texts of another encoding",
      '(core module $m (memory (export "m") 1) (func (export "f") (param i32 i32 i32 i32) (result i32) unreachable) (func (export "t") (param i32 i32))) (core instance $i (instantiate $m)) (func (param "a" string) (canon lift (core func $i "t") string-encoding=utf16 (memory (core memory $i "m")) (realloc (core func $i "f"))))',
      "canonical option 0x1",
    ],
    [
      "an asynchronous lifting",
      '(core module $m (memory (export "m") 1) (func (export "t"))) (core instance $i (instantiate $m)) (func (canon lift (core func $i "t") async))',
      "canonical option 0x6",
    ],
    ["a type of components", "(type (component))", "an unknown type 0x41"],
    ["another component that it is given", '(import "c" (component))', "an unknown type 0x41"],
    ["a core module that it is given", '(import "m" (core module))', "a section 3, which is not allowed"],
    [
      "a type that doubles with every level",
      `(type $t0 (tuple u64 u64)) ${Array.from({ length: 30 }, (_, i) => `(type $t${i + 1} (tuple $t${i} $t${i}))`).join("")}`,
      "the limit is 16384 characters",
    ],
  ])("%s", async (_what, part, reason) => {
    expect(await ofText(`(component ${part} ${GO})`)).toContain(reason);
  });

  it("anything of it in a component inside of it", async () => {
    expect(await ofText(`(component (component (component (core func (canon task.cancel)))) ${GO})`)).toContain("canonical function 0x5");
  });
});

it("is refused when it has two thousand faults, of which a hundred are told", async () => {
  const functions = Array.from({ length: 2_000 }, (_, i) => `(export "f${i}" (func))`).join(" ");
  const told = (await ofText(importing("wasi:random/random@0.2.0", functions))).split("\n");
  expect([told.length, told.at(-1)]).toEqual([101, "and 1900 more"]);
  const releases = Array.from({ length: 300 }, (_, i) => `(import "wasi:random/random@0.2.${i}" (instance))`).join(" ");
  expect(await ofText(`(component ${releases} ${GO})`)).toContain("it imports 300 interfaces and types; the limit is 256");
});

it("is refused when its types are too large in all", async () => {
  const wide = `(type $w (record ${Array.from({ length: 500 }, (_, i) => `(field "field-${i}" u64)`).join(" ")}))`;
  const text = `(component ${wide} ${"(type (tuple $w))".repeat(1_000)} ${GO})`;
  expect(await ofText(text)).toContain("its types are too large: the limit is 4194304 characters of text in all");
});

describe("a component is refused when it instantiates", () => {
  const times = (count: number, text: (i: number) => string): string => Array.from({ length: count }, (_, i) => text(i)).join("\n");

  it("65 core modules", async () => {
    expect(await ofText(`(component (core module $m) ${times(64, () => "(core instance (instantiate $m))")} ${GO})`)).toContain(
      "more than 64 times",
    );
    const fits = await admitted(
      await componentText(`(component (core module $m) ${times(63, () => "(core instance (instantiate $m))")} ${GO})`),
    );
    expect(fits.entryPoints).toEqual(["go"]);
  });

  it("components that instantiate components, doubled with every level", async () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `(component $c${i + 1} (alias outer 1 $c${i} (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))`,
    );
    expect(await ofText(`(component (component $c0 (core module $m) (core instance (instantiate $m))) ${levels.join(" ")} ${GO})`)).toMatch(
      /more than 64 times/,
    );
  });

  it("components without a core module, 65 of them", async () => {
    expect(await ofText(`(component (component $c) ${times(64, () => "(instance (instantiate $c))")} ${GO})`)).toContain(
      "components more than 64 times",
    );
  });

  it("one module so often that its memories are too many", async () => {
    const text = `(component (core module $m (memory 16)) ${times(40, () => "(core instance (instantiate $m))")} ${GO})`;
    expect(await ofText(text, { memoryBytes: 8 * 1024 * 1024 })).toContain(
      "begin above the limit of 8388608 bytes in all (limits.memoryMiB)",
    );
  });

  it.each([
    ["exports", `(func $f) ${times(400, (i) => `(export "e${i}" (func $f))`)}`],
    ["globals", times(400, () => "(global i32 (i32.const 0))")],
  ])("one module so often that it has too much of %s in all", async (limit, content) => {
    const text = `(component (core module $m ${content}) ${times(30, () => "(core instance (instantiate $m))")} ${GO})`;
    expect(await ofText(text)).toContain(
      `30 instances of component.core.wasm, with those before, are above the limit of 10000 in all (admission.${limit})`,
    );
  });

  it("one module so often that its tables are too large", async () => {
    const text = `(component (core module $m (table 60000 funcref)) ${times(2, () => "(core instance (instantiate $m))")} ${GO})`;
    expect(await ofText(text)).toContain("begin above the limit of 100000 elements in all (limits.tableElements)");
    await expect(admitted(await componentText(text), { tableElements: 120_000 })).resolves.toBeDefined();
  });
});

describe("a component that jco fails over", () => {
  it.each<[string, () => never]>([
    [
      "an exception",
      () => {
        throw new TypeError("Cannot read properties of undefined");
      },
    ],
    [
      "a trap",
      () => {
        throw new WebAssembly.RuntimeError("unreachable");
      },
    ],
    [
      "nothing at all",
      () => {
        throw undefined;
      },
    ],
  ])("is refused, with jco and its version named: %s", async (_, transpile) => {
    const component = await componentText(`(component ${GO})`);
    const failing = async () => ({ version: "9.9.9", transpile });
    await expect(admitComponent(component, DEFAULT_LIMITS, failing)).rejects.toMatchObject({
      code: "admission-refused",
      detail: expect.stringMatching(/^jco \(@bytecodealliance\/jco-transpile 9\.9\.9\) does not take it: /),
    });
  });
});

describe("a component that is cut off, or has a byte changed", () => {
  it("is refused, or admitted, and nothing else comes of it", async () => {
    const whole = await componentText(importing("wasi:random/random@0.2.0", '(export "get-random-u64" (func (result u64)))'));
    for (let at = 8; at < whole.length; at += 1) {
      const changed = whole.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x5a;
      for (const bytes of [whole.slice(0, at), changed]) {
        const code = await admitted(bytes).then(
          () => "admission-refused",
          (thrown: unknown) => (thrown instanceof HostError ? thrown.code : String(thrown)),
        );
        expect(code).toBe("admission-refused");
      }
    }
  });
});
