// A function that is added to wit/ reaches the host and every language, with its types, its errors and its documentation.

import { describe, expect, it } from "vitest";
import { emitAssemblyScript } from "../../../plugin-sdk/codegen/assemblyscript.ts";
import { emitC } from "../../../plugin-sdk/codegen/c.ts";
import { emitGo } from "../../../plugin-sdk/codegen/go.ts";
import { emitHostShapes, emitHostTypes } from "../../../plugin-sdk/codegen/host.ts";
import { readWit } from "../../../plugin-sdk/codegen/reader.ts";
import { emitRust } from "../../../plugin-sdk/codegen/rust.ts";
import { emitSchemas } from "../../../plugin-sdk/codegen/schemas.ts";
import { emitZig } from "../../../plugin-sdk/codegen/zig.ts";

const contractWith = (items: string, version = "1.0.0", { codes = "not-found", fields = "" } = {}) =>
  readWit(
    new Map([
      [
        "a.wit",
        `package a:b@${version};
        interface types { enum error-code { ${codes} } record error { code: error-code, message: string, detail: option<string>${fields} } }
        interface key-vault { use types.{error}; ${items} }
        world plugin { import key-vault; }`,
      ],
    ]),
  );

const contract = contractWith(`
  record lock { key-name: string, salt: option<list<u8>>, uses: list<u32> }
  /// Opens locks.
  open-all: func(locks: list<lock>, owner: option<string>) -> result<option<lock>, error>;
  count: func() -> u64;`);

describe("a function of wit/", () => {
  it.each<[string, string, readonly string[]]>([
    [
      "the host's types",
      emitHostTypes(contract),
      [
        "export type KeyVaultLock = { readonly keyName: string; readonly salt: Uint8Array | undefined; readonly uses: readonly number[] };",
        '"key-vault.open-all": (locks: readonly KeyVaultLock[], owner: string | undefined) => KeyVaultLock | undefined;',
        '"key-vault.count": () => number;',
      ],
    ],
    [
      "the codec's shapes",
      emitHostShapes(contract),
      [
        'const keyVaultLock: Shape = { record: [["key-name", "keyName", "string"], ["salt", "salt", { option: "bytes" }], ["uses", "uses", { list: "u32" }]] };',
        '"key-vault.open-all": { params: [{ list: keyVaultLock }, { option: "string" }], result: { option: keyVaultLock }, fails: true, since: "1.0" },',
      ],
    ],
    [
      "AssemblyScript",
      [...emitAssemblyScript(contract, new Map()).values()].join(""),
      [
        '/// Opens locks.\n@external("extism:host/user", "key_vault_open_all")\nexport declare function key_vault_open_all(locks: u64, owner: u64): u64;',
        "public salt: Uint8Array | null = null,\n    public uses: u32[] = [],",
        "/** Opens locks. */\nexport function openAll(locks: Lock[], owner: string | null = null): Result<Lock | null> {",
        "export function count(): u64 {",
        "export { keyVault };",
      ],
    ],
    [
      "Rust",
      emitRust(contract),
      [
        '#[serde(rename = "key-name")]\n        pub key_name: String,\n        pub salt: Option<Bytes>,\n        pub uses: Vec<u32>,',
        "/// Opens locks.\n    pub fn open_all(locks: &[Lock], owner: Option<&str>) -> Result<Option<Lock>, Error> {",
        "pub fn count() -> u64 {",
      ],
    ],
    [
      "Go",
      emitGo(contract).get("key_vault/key_vault.go") ?? "",
      [
        'KeyName string   `json:"key-name"`\n\tSalt    []byte   `json:"salt"`\n\tUses    []uint32 `json:"uses"`',
        "// OpenAll:\n// Opens locks.\nfunc OpenAll(locks []Lock, owner *string) (*Lock, error) {",
        "func Count() uint64 {",
      ],
    ],
    [
      "C",
      emitC(contract, "// @codes\n", ""),
      [
        "    bh_text key_name;\n    bh_optional_bytes salt;\n    bh_u32_list uses;\n} bh_key_vault_lock;",
        "// Opens locks.\nstatic inline bh_code bh_key_vault_open_all(bh_key_vault_lock_list locks, bh_optional_text owner, bh_optional_key_vault_lock *value) {",
        "static inline uint64_t bh_key_vault_count(void) {",
      ],
    ],
    [
      "Zig",
      emitZig(contract),
      [
        "key_name: []const u8,\n        salt: ?Bytes = null,\n        uses: []const u32,",
        "/// Opens locks.\n    pub fn openAll(locks: []const Lock, owner: ?[]const u8) Error!?Lock {",
        "pub fn count() u64 {",
      ],
    ],
    ["JSON Schema", emitSchemas(contract), ['"key-vault.lock"', '"contentEncoding": "base64"', '"key-name",\n        "uses"']],
  ])("reaches %s", (_language, text, expected) => {
    for (const part of expected) expect(text).toContain(part);
  });

  it("is refused when one of its types has no form in blocks", () => {
    const tuple = contractWith("f: func(pair: tuple<u8, u8>) -> result<_, error>;");
    for (const emit of [emitHostTypes, emitHostShapes, emitRust, emitGo, emitZig]) expect(() => emit(tuple)).toThrow(/key-vault.*tuple/);
    expect(() => emitC(tuple, "", "")).toThrow(/key-vault.*tuple/);
    expect(() => emitAssemblyScript(tuple, new Map())).toThrow(/key-vault.*tuple/);
  });
});

describe("the errors of a released wit/", () => {
  const func = "open: func() -> result<bool, error>;";
  const released = contractWith(func);
  const next = (more: { readonly codes?: string; readonly fields?: string }) => () =>
    emitHostShapes(contractWith(func, "1.1.0", more), [released]);

  it("may have codes and optional fields behind those that there were, and each version keeps its own", () => {
    const shapes = next({ codes: "not-found, refused", fields: ", reason: option<string>" })();
    expect(shapes).toContain('"1.0": { record: [["code", "code", { enum: ["not-found"] }],');
    expect(shapes).toContain('"1.1": { record: [["code", "code", { enum: ["not-found", "refused"] }],');
    expect(shapes).toContain('["reason", "reason", { option: "string" }]] },');
  });

  it.each([
    ["codes in another order", { codes: "refused, not-found" }],
    ["a code less", { codes: "refused" }],
    ["a field that must be there", { fields: ", reason: string" }],
  ])("may not have %s", (_, more) => {
    expect(next(more)).toThrow("the error of api 1.0 is another in wit/; add codes and optional fields behind those that it had");
  });
});

describe("a version of wit/ that was released", () => {
  const lock = "record lock { key: string } open: func(lock: lock) -> result<bool, error>;";
  const released = contractWith(lock);

  it("tells which functions are of it, and which are of the one that is being written", () => {
    const next = contractWith(`${lock} close: func();`, "1.1.0");
    expect(emitHostTypes(next, [released])).toContain('API_VERSIONS = ["1.0", "1.1"] as const');
    const shapes = emitHostShapes(next, [released]);
    expect(shapes).toContain('"key-vault.open": { params: [keyVaultLock], result: "bool", fails: true, since: "1.0" }');
    expect(shapes).toContain('"key-vault.close": { params: [], result: "_", fails: false, since: "1.1" }');
  });

  it.each([
    ["loses a function", "close: func();", "key-vault.open of api 1.0 is not in wit/; leave it as it was"],
    ["takes another parameter", "open: func(lock: string) -> result<bool, error>;", "key-vault.open of api 1.0 is of another type"],
    ["has another field in a type", lock.replace("key: string", "key: string, salt: u32"), "key-vault.open of api 1.0 is of another type"],
  ])("is not served by one that %s", (_, items, why) => {
    expect(() => emitHostShapes(contractWith(items, "1.1.0"), [released])).toThrow(why);
  });
});
