import { describe, expect, it } from "vitest";
import { witText } from "../../../plugin-sdk/codegen/model.ts";
import { readWit } from "../../../plugin-sdk/codegen/reader.ts";

const read = (body: string) => readWit(new Map([["a.wit", `package a:b@1.0.0;\n${body}`]]));

describe("the reader of WIT", () => {
  it("reads enums, records, functions, uses and doc comments", () => {
    const {
      package: name,
      interfaces,
      worlds,
    } = read(`
      interface t { enum code { one, two } }
      /// About i.
      interface i {
        use t.{code};
        record r { /// The key.
          key: string, values: option<list<u8>>, }
        /// First line.
        ///
        /// Third line. // not a comment
        f: func(a: list<option<r>>, b: tuple<u8, bool>) -> result<_, code>; // gone
        g: func();
      }
      world w { import i; }`);
    expect([name, worlds]).toEqual(["a:b@1.0.0", [{ name: "w", docs: [], imports: ["i"], exports: [] }]]);
    const i = interfaces.get("i");
    expect([i?.docs, [...(i?.uses ?? [])]]).toEqual([["About i."], [["code", "t"]]]);
    const [r, f, g] = i?.items ?? [];
    expect(r).toMatchObject({
      kind: "record",
      fields: [
        { name: "key", docs: ["The key."] },
        { name: "values", docs: [] },
      ],
    });
    expect(f).toMatchObject({ kind: "func", docs: ["First line.", "", "Third line. // not a comment"] });
    if (f?.kind !== "func" || g?.kind !== "func") throw new Error("f and g are functions");
    expect([...f.params.map(({ type }) => witText(type)), witText(f.result)]).toEqual([
      "list<option<r>>",
      "tuple<u8, bool>",
      "result<_, code>",
    ]);
    expect([g.params, g.result]).toEqual([[], undefined]);
  });

  it.each([
    ["interface i { variant v { a, b } }", /a\.wit:2: ":" is expected here, not "v"/],
    ["interface i { resource r; }", /":" is expected here/],
    ["interface i { f: func(a: missing); }", /i uses missing, which is no type of i/],
    ["interface i { f: func(a: u33); }", /u33/],
    ["interface i { f: func(); f: func(); }", /i\.f is there twice/],
    ["interface i { } interface i { }", /interface i is there twice/],
    ["interface i { use gone.{x}; }", /no interface gone/],
    ["world w { import gone; }", /names gone/],
    ["interface i {", /the end/],
    ["interface i { f: func() -> list<u8; }", /">" is expected/],
  ])("refuses %s", (body, message) => {
    expect(() => read(body)).toThrow(message);
  });

  it("refuses files of two packages", () => {
    const files = [["a.wit", "package a:a@1.0.0;"] as const, ["b.wit", "package b:b@1.0.0;"] as const];
    expect(() => readWit(new Map(files))).toThrow("one package");
  });
});
