import { describe, expect, it } from "vitest";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { parseByExtension } from "../../host/manifest/structured-file.ts";

const parse = (text: string, file: string): unknown => parseByExtension(text, file, "invalid-message");

describe("a configuration file", () => {
  it("says the same in JSON, YAML and TOML", () => {
    const json = parseConfiguration(
      '{"drainMs": 7, "plugins": {"a": {"path": "p", "grants": [{"permission": "state.read", "resource": "x.*"}]}}}',
      "/x/c.json",
    );
    const yaml = "# a comment\ndrainMs: 7\nplugins:\n  a:\n    path: p\n    grants:\n      - { permission: state.read, resource: 'x.*' }\n";
    const toml = 'drainMs = 7\n[plugins.a]\npath = "p"\n[[plugins.a.grants]]\npermission = "state.read"\nresource = "x.*"\n';
    for (const [text, file] of [
      [yaml, "/x/c.yaml"],
      [yaml, "/x/c.yml"],
      [toml, "/x/c.toml"],
    ] as const) {
      expect(parseConfiguration(text, file), file).toEqual(json);
    }
    expect(parse("", "c.yaml")).toEqual({});
  });

  it.each([
    ["c.json", "{", "is not JSON"],
    ["c.json", '{"__proto__": {}}', "__proto__"],
    ["c.yaml", "a: [", "is not YAML"],
    ["c.yaml", "__proto__: { a: 1 }", "__proto__"],
    ["c.yaml", "a: 1\na: 2", "unique"],
    ["c.yaml", "a: !!js/function 'x'", "is not YAML"],
    ["c.toml", "a =", "is not TOML"],
    ["c.toml", "[__proto__]\na = 1", "__proto__"],
  ])("%s refuses %s", (file, text, words) => {
    expect(() => parse(text, file)).toThrow(expect.objectContaining({ code: "invalid-message", message: expect.stringContaining(words) }));
    expect("a" in {}).toBe(false);
  });

  it("may begin with a byte order mark", () => {
    for (const file of ["c.json", "c.yaml", "c.toml"])
      expect(parse(`\ufeff${file === "c.toml" ? "a = 1" : '{"a": 1}'}`, file)).toEqual({ a: 1 });
  });

  it.each([
    ["c.yaml", "a:\n  b: [1\n  c: 2", "c: 2"],
    ["c.toml", "a = 1\nb = = 2", "b = = 2"],
  ])("%s shows the place that is wrong, line by line", (file, text, line) => {
    const shown = expect.objectContaining({ message: expect.not.stringContaining("\n"), detail: expect.stringContaining(line) });
    expect(() => parse(text, file)).toThrow(shown);
  });

  it.each([
    [{ plugins: { hello: { path: "p", grants: 5 } } }, 'plugins.hello.grants (5): write "all", or a list'],
    [{ plugins: { hello: { path: "p", grants: [{ permission: "x", resource: "a" }] } } }, 'plugins.hello.grants.0.permission ("x"): '],
    [{ plugins: { hello: { path: "p", grants: [{ permission: "state.read" }] } } }, "plugins.hello.grants.0.resource: "],
    [{ hardening: { users: true } }, "hardening.users (true): write false, or an object"],
    [{ hardening: { users: { first: 0, count: 64 } } }, "hardening.users.first (0): "],
  ])("says of what may be written in several ways which one is wrong where: %j", (configuration, detail) => {
    const text = JSON.stringify(configuration);
    expect(() => parseConfiguration(text, "/x/c.json")).toThrow(expect.objectContaining({ detail: expect.stringContaining(detail) }));
  });

  it("is no bomb", () => {
    const levels = [
      "a: &a [x,x,x,x,x,x,x,x,x,x]",
      ..."bcdefghi".split("").map((name, i) => `${name}: &${name} [${`*${"abcdefghi"[i]},`.repeat(9)}*${"abcdefghi"[i]}]`),
    ];
    expect(() => parse(levels.join("\n"), "c.yaml")).toThrow(/alias/i);
  });
});
