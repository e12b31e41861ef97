// A host function that is added to wit/ is there for authors without a line by hand: it is generated, compiled and called here, in an
// interface of its own and in one of which a part is written by hand.

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatedFiles, readReleases } from "../../../plugin-sdk/codegen/build.ts";
import { readWit } from "../../../plugin-sdk/codegen/reader.ts";
import { buildPlugin } from "../../../scripts/build-plugins.ts";
import { FakeHost } from "./fake-host.ts";

const WIT = new URL("../../../wit/", import.meta.url);
const SDK = "plugin-sdk/assemblyscript/";

const VAULT = `
/// Locks and what opens them.
interface key-vault {
  use types.{error};
  enum mood { calm, wild-eyed }
  record lock { key-name: string, mood: mood, salt: option<list<u8>>, uses: list<u32>, most: option<u64>, parts: list<option<string>> }
  open-all: func(locks: list<lock>, owner: option<string>) -> result<option<lock>, error>;
  count: func() -> u64;
  seal: func(salt: option<list<u8>>, new: mood) -> result<_, error>;
  guess: func(text: string, at-most: option<u32>) -> result<list<option<list<u8>>>, error>;
  most: func() -> result<option<u32>, error>;
  delete: func(key: list<u8>) -> result<option<string>, error>;
}`;

const PLUGIN = `import { Json, Nothing, Some, done, keyVault, lifecycle, ok, service, storage } from "@bulkhead/assemblyscript";

export function open_all(): i32 {
  return service<keyVault.Lock[], keyVault.Lock | null>((locks) => {
    locks.push(new keyVault.Lock("front", keyVault.Mood.wildEyed, Uint8Array.wrap(String.UTF8.encode("é")), [1, 2], new Some<u64>(u64.MAX_VALUE), ["a", null]));
    return keyVault.openAll(locks);
  });
}

export function guess(): i32 {
  return service<Json, Array<Uint8Array | null>>((most) => keyVault.guess("?", most.as<Some<u32> | null>().value));
}

export function counted(): i32 {
  return service<Nothing, u64[]>((_) => {
    const most = keyVault.most().value;
    return ok<u64[]>([keyVault.count(), most === null ? 0 : most.value]);
  });
}

export function emptied(): i32 {
  return service<Nothing, string | null>((_) => {
    const sealed = keyVault.seal(null, keyVault.Mood.calm);
    if (!sealed.isOk) return sealed.failure<string | null>();
    keyVault.seal(new Uint8Array(2), "wild-eyed");
    return keyVault.remove(Uint8Array.wrap(String.UTF8.encode("k")));
  });
}

export function swap(): i32 {
  return service<Nothing, Array<string>>((_) => {
    const before = storage.swap("k", new Uint8Array(0)).value;
    return ok<string[]>([before, storage.getText("k").value!]);
  });
}
`;

let folder: string;
let wasm: string;

async function contract() {
  const names = (await readdir(WIT)).filter((name) => name.endsWith(".wit"));
  const texts = new Map(await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, WIT), "utf8")] as const)));
  const edited = (name: string, before: string, after: string) => {
    const text = texts.get(name) ?? "";
    expect(text).toContain(before);
    texts.set(name, text.replace(before, after));
  };
  edited("plugin.wit", "import storage;", "import storage;\n    import key-vault;");
  edited("host.wit", "interface storage {", "interface storage {\n    swap: func(key: string, value: list<u8>) -> result<string, error>;");
  return readWit(texts.set("vault.wit", `package bulkhead:plugin@0.2.0;\n${VAULT}`));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bulkhead-functions-"));
  await cp(new URL(`../../../${SDK}`, import.meta.url).pathname, join(folder, "sdk"), { recursive: true });
  for (const [path, text] of await generatedFiles(await contract(), await readReleases())) {
    if (path.startsWith(SDK)) await writeFile(join(folder, "sdk", path.slice(SDK.length)), text);
  }
  await mkdir(join(folder, "assembly"));
  await writeFile(join(folder, "assembly", "index.ts"), PLUGIN);
  ({ file: wasm } = await buildPlugin(folder));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

describe("a host function that wit/ alone names", () => {
  /** A host that answers each new function with these bytes and keeps what it was given. */
  const hostWith = (answers: Record<string, Uint8Array>) => {
    const calls: [string, ...Uint8Array[]][] = [];
    const functions = Object.fromEntries(
      ["open_all", "count", "seal", "guess", "most", "delete"].map((name) => [
        `key_vault_${name}`,
        (...args: Uint8Array[]) => {
          calls.push([name, ...args]);
          return answers[name] ?? new Uint8Array(0);
        },
      ]),
    );
    const storage = new Map([["k", bytes("before")]]);
    const swap = (_key: Uint8Array, value: Uint8Array) => {
      calls.push(["swap", value]);
      return bytes("before");
    };
    return { calls, host: FakeHost.fromFile(wasm, { storage, functions: { ...functions, storage_swap: swap } }) };
  };

  it("carries records with lists, options, bytes and names that are none of the language", () => {
    const lock = { "key-name": "back", mood: "calm", salt: null, uses: [], most: null, parts: [] };
    const { host, calls } = hostWith({ open_all: bytes(JSON.stringify({ ...lock, salt: "w6k=", most: 7, uses: [9] })) });
    expect(host.json("open_all", [lock])).toEqual({ ...lock, salt: "w6k=", most: 7, uses: [9] });
    const front = { "key-name": "front", mood: "wild-eyed", salt: "w6k=", uses: [1, 2], most: 18446744073709551615n, parts: ["a", null] };
    expect(text(calls[0]?.[1])).toBe(
      JSON.stringify([lock, front], (_, value) => (typeof value === "bigint" ? `#${value}` : value)).replace(/"#(\d+)"/, "$1"),
    );
    expect(calls[0]?.[2]).toEqual(Uint8Array.of(0));
  });

  it("refuses an answer that does not fit, and names the field", () => {
    const lock = { "key-name": "back", mood: "calm", salt: "no base64!", uses: [], parts: [] };
    expect(hostWith({ open_all: bytes(JSON.stringify(lock)) }).host.turn("open_all", []).error).toBe(
      "invalid-message: salt must be base64 text",
    );
    const { host } = hostWith({ open_all: bytes('{"key-name":"back"}') });
    expect(host.turn("open_all", []).error).toBe("invalid-message: mood is missing");
  });

  it("hands over numbers that may be absent, and lists of bytes", () => {
    const { host, calls } = hostWith({ guess: bytes('["w6k=",null,""]'), count: bytes("12"), most: bytes("0") });
    expect(host.json("guess", "null")).toEqual(["w6k=", null, ""]);
    expect(host.json("guess", "3")).toEqual(["w6k=", null, ""]);
    expect(calls.map(([name, ...args]) => [name, ...args.map(text)])).toEqual([
      ["guess", "?", "null"],
      ["guess", "?", "3"],
    ]);
    expect(host.json("counted")).toEqual([12, 0]);
  });

  it("hands over bytes that may be absent, enums, and nothing", () => {
    const { host, calls } = hostWith({ delete: Uint8Array.of(1, 0x78) });
    expect(host.json("emptied")).toBe("x");
    expect(calls).toEqual([
      ["seal", Uint8Array.of(0), bytes('"calm"')],
      ["seal", Uint8Array.of(1, 0, 0), bytes('"wild-eyed"')],
      ["delete", bytes("k")],
    ]);
  });

  it("stands beside what is written by hand", () => {
    const { host, calls } = hostWith({});
    expect(host.json("swap")).toEqual(["before", "before"]);
    expect(calls).toEqual([["swap", new Uint8Array(0)]]);
  });

  it("fails as a value", () => {
    const { host } = hostWith({});
    host.refuseNext = { code: "permission-denied", message: "the vault is not yours" };
    expect(host.turn("emptied").error).toBe("permission-denied: the vault is not yours");
  });
});
