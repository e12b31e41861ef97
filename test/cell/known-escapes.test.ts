// Which V8 is known to be broken: every entry has its own version, and one that is mended has none.

import { describe, expect, it } from "vitest";
import { escapesOf, KNOWN_ESCAPES, KNOWN_ESCAPES_AS_OF } from "../../host/cell/outside/known-escapes.ts";

describe("the known escapes of V8", () => {
  it("are those of versions before the one that mended them", () => {
    for (const { id, mendedInV8 } of KNOWN_ESCAPES) {
      const [major, minor] = mendedInV8;
      const ids = (v8: string): string[] => escapesOf(v8).map(({ id: known }) => known);
      expect(ids(`${major}.${minor}.1.2-node.3`)).not.toContain(id);
      expect(ids(`${major + 1}.0.1`)).not.toContain(id);
      expect(ids(minor === 0 ? `${major - 1}.9.999` : `${major}.${minor - 1}.999`)).toContain(id);
      expect(ids("9.4.146.24-node.20")).toContain(id);
    }
  });

  it("are dated, named, and not dated ahead", () => {
    expect(Date.parse(KNOWN_ESCAPES_AS_OF)).toBeLessThanOrEqual(Date.now());
    for (const { id, about } of KNOWN_ESCAPES) expect(`${id} ${about}`).toMatch(/^CVE-\d{4}-\d+ .+Chrome \d+/);
  });
});
