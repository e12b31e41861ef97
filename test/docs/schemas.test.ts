// The JSON Schemas for editors say what the host checks, and they are what is committed.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { schemaFiles } from "../../scripts/build-schemas.ts";

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
