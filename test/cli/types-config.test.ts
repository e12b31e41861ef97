// What `bulkhead types` makes of a plugin's configuration: a type whose defaults are always there, and a reader for the plugin itself.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Declarations } from "../../host/admin/schemas.ts";
import { clientFile } from "../../host/cli/types/client-file.ts";
import { keysOf } from "../../host/cli/types/config-keys.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { compile } from "../support/typescript.ts";

const SCHEMA = {
  type: "object",
  description: "How warm it is to be.",
  properties: {
    level: { type: "number", default: 21, description: "In °C." },
    "room-names": { type: "array", items: { $ref: "#/$defs/room" }, default: [] },
    unit: { enum: ["celsius", "kelvin"], default: "celsius" },
    quiet: { type: "boolean" },
    key: { type: "string" },
  },
  required: ["key"],
  additionalProperties: false,
  $defs: { room: { type: "string" } },
};
const made = (schema: unknown): string =>
  clientFile({ services: [], events: [], points: [], configs: [{ plugin: "thermo-stat", schema }] } satisfies Declarations);

describe("a configuration", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("has a type, and a reader that says what each key is read as", () => {
    expect(made(SCHEMA).replace(/[\s\S]*?(?=\n\/\*\* How)/, "")).toBe(`
/** How warm it is to be. */
export type ThermoStatConfig = {
  /** In °C. */
  readonly level: number;
  readonly "room-names": readonly ThermoStatConfigRoom[];
  readonly unit: "celsius" | "kelvin";
  readonly quiet?: boolean;
  readonly key: string;
};
export type ThermoStatConfigRoom = string;

/** The configuration of each plugin. What has a default is always there. */
export interface Configurations {
  readonly "thermo-stat": ThermoStatConfig;
}

/** The configuration of thermo-stat, in the plugin itself. */
export function thermoStatConfig(read: ReadConfig): ThermoStatConfig {
  return read({ level: "number", "room-names": "json", unit: "string", quiet: "boolean", key: "string" } as const) as ThermoStatConfig;
}
`);
  });

  it("is read with the SDK's types, and wrong use of it is told", () => {
    const sdk = `
      export declare function readConfig<const K extends Readonly<Record<string, "string" | "number" | "boolean" | "json" | "any">>>(kinds: K):
        { readonly [P in keyof K]?: unknown };
    `;
    const right = `
      import { thermoStatConfig, type Configurations } from "./made.ts";
      import { readConfig } from "./sdk.ts";
      const { level, unit, quiet, "room-names": rooms } = thermoStatConfig(readConfig);
      export const told: string = level.toFixed(1) + unit + (quiet ?? false) + rooms.join();
      export const all: Configurations["thermo-stat"] = thermoStatConfig(readConfig);
    `;
    const wrong = `
      import { thermoStatConfig } from "./made.ts";
      import { readConfig } from "./sdk.ts";
      export const level: string = thermoStatConfig(readConfig).level;
      export const quiet: boolean = thermoStatConfig(readConfig).quiet;
      export const ghost: unknown = thermoStatConfig(readConfig).ghost;
    `;
    const { complaints } = compile(folder.path, { "made.ts": made(SCHEMA), "sdk.ts": sdk, "right.ts": right, "wrong.ts": wrong });
    expect(complaints.map((line) => line.split(".ts: ")[0])).toEqual(["wrong", "wrong", "wrong"]);
  });

  it.each([
    ["a text", { type: "string" }, "string"],
    ["texts to choose from", { enum: ["a", "b"] }, "string"],
    ["a whole number", { type: "integer" }, "number"],
    ["numbers to choose from", { oneOf: [{ const: 1 }, { type: "number" }] }, "number"],
    ["what all of several say", { allOf: [{ description: "x" }, { type: "boolean" }] }, "boolean"],
    ["a part that is referred to", { $ref: "#/$defs/flag" }, "boolean"],
    ["a list", { type: "array" }, "json"],
    ["a number or nothing", { type: ["number", "null"] }, "json"],
    ["a text or a number", { type: ["string", "number"] }, "any"],
    ["a text or nothing", { enum: ["a", null] }, "any"],
    ["anything", {}, "any"],
    ["what is nowhere", { $ref: "#/$defs/none" }, "any"],
    ["what leads around", { $ref: "#/$defs/around" }, "any"],
  ])("of %s is read as what it can be", (_what, schema, kind) => {
    const { kinds } = keysOf({ properties: { key: schema }, $defs: { flag: { type: "boolean" }, around: { $ref: "#/$defs/around" } } });
    expect(kinds.get("key")).toBe(kind);
  });

  it("has no keys where its schema names none", () => {
    expect(made(true)).toContain("return read({} as const) as ThermoStatConfig;");
    expect(keysOf({ required: ["a"] }).kinds).toEqual(new Map([["a", "any"]]));
  });
});
