// What is made from the schemas that the host checks with is what is committed.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { schemaFiles, withLimits } from "../../scripts/build-schemas.ts";

describe.each([...schemaFiles()])("schemas/%s", (name, text) => {
  it("is up to date (npm run build:schemas)", () => {
    expect(readFileSync(new URL(`../../schemas/${name}`, import.meta.url), "utf8")).toBe(text);
  });

  it("refuses unknown keys and has every key of the root", () => {
    const schema = JSON.parse(text);
    expect(schema).toMatchObject({ type: "object", additionalProperties: false });
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(["$schema"]));
    expect(Object.keys(schema.properties).length).toBeGreaterThan(7);
  });
});

describe("docs/configuration.md", () => {
  it("has the table of limits that the host has (npm run build:schemas)", () => {
    const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
    expect(page).toBe(withLimits(page));
    expect(() => withLimits("no markers")).toThrow("put them back");
  });
});
