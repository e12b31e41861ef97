import { describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { compilePattern, escapeControls, isDottedName, isPattern, isPluginName, isStateKey, printable } from "../../host/core/names.ts";

describe("names", () => {
  it("accepts kebab-case plugin names and refuses reserved, upper-case, empty and prototype names", () => {
    expect(["devices", "a", "x-1"].every(isPluginName)).toBe(true);
    for (const bad of ["", "Devices", "1x", "host", "v1", "a.b", "__proto__", "a".repeat(64), "a/b", "..", "a\n"])
      expect(isPluginName(bad), bad).toBe(false);
  });

  it("asks event types and service names for two kebab-case segments", () => {
    expect(["devices.turn-on", "a.b.c1"].every(isDottedName)).toBe(true);
    for (const bad of ["devices", "devices.", ".x", "a..b", "a.B", "a.b\n", `a.${"b".repeat(255)}`])
      expect(isDottedName(bad), bad).toBe(false);
  });

  it("accepts state keys with upper case and underscores only in dotted segments", () => {
    expect(["lamp", "devices.lamp_1.On"].every(isStateKey)).toBe(true);
    for (const bad of ["", ".", "a..b", "a b", "ä"]) expect(isStateKey(bad), bad).toBe(false);
  });

  it.each([
    ["devices.*", "devices.added", true],
    ["devices.*", "devices.a.b", false],
    ["devices.*", "devices", false],
    ["devices.**", "devices.a.b.c", true],
    ["devices.**", "devices", false],
    ["devices.**", "devicesx.a", false],
    ["**", "anything.at.all", true],
    ["*.created", "devices.created", true],
    ["*.created", "devices.x.created", false],
    ["devices.turn-on", "devices.turn-on", true],
    ["devices.turn-on", "devices.turn-off", false],
  ])("pattern %s on %s: %s", (pattern, name, expected) => {
    expect(compilePattern(pattern)(name)).toBe(expected);
  });

  it("refuses patterns with a deep wildcard anywhere but last", () => {
    for (const bad of ["**.a", "a.**.b", "a*", "", "a..b", "***"]) {
      expect(isPattern(bad), bad).toBe(false);
      expect(() => compilePattern(bad)).toThrow(HostError);
    }
  });

  it("escapes what could forge a line or turn its direction", () => {
    expect(escapeControls("a\u001b[31m\nb\u202ec\u0085")).toBe("a\\u{1b}[31m\\u{a}b\\u{202e}c\\u{85}");
    expect(printable(`${"x".repeat(100)}`)).toHaveLength(81);
    expect(printable('say "hi"')).toBe('say \\"hi\\"');
  });
});
