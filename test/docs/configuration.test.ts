// docs/configuration.md against the schemas: every key, both ways, with its default and its bound.

import { describe, expect, it } from "vitest";
import { z } from "zod";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { openTelemetryOptions } from "../../host/adapters/opentelemetry/options.ts";
import { httpClientOptions } from "../../host/capabilities/http/client.ts";
import { toHostError } from "../../host/core/errors.ts";
import { logFileOptions, logJsonOptions } from "../../host/drivers/log-json/options.ts";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { parseManifest } from "../../host/manifest/manifest.ts";
import { recordsSchema } from "../../host/manifest/records.ts";
import { remotePluginsSchema } from "../../host/manifest/remote-plugins.ts";
import { telemetrySchema } from "../../host/manifest/telemetry.ts";
import { read, rowsBelow } from "./markdown.ts";

const page = read("docs/configuration.md");
const keysBelow = (heading: string): string[] => rowsBelow(page, heading).map(([key = ""]) => key);
const propertiesOf = (schema: z.ZodType): Record<string, z.core.JSONSchema.JSONSchema> =>
  Object(z.toJSONSchema(schema, { io: "input" }).properties);

const MANIFEST = { name: "a", version: "1.0.0", api: "0.1", wasm: "a.wasm" };
const PLUGIN = { path: "a" };

/** Which of the keys a parser does not know, by what it says of a file in which they all stand. */
function unknownTo(parse: (keys: object) => unknown, keys: readonly string[]): string[] {
  return keys.filter((key) => {
    try {
      // No key takes this value, so the parser refuses either the value or the key.
      parse({ [key]: { nonsense: { nonsense: 1 } } });
      return false;
    } catch (thrown) {
      const unknown = [...(toHostError(thrown).detail ?? "").matchAll(/(\S+?)(?: \(.*\))?: there is no such key/g)];
      return unknown.some(([, path = ""]) => path.split(".").at(-1) === key);
    }
  });
}

const SECTIONS: readonly [string, (keys: object) => object | undefined, readonly string[]][] = [
  [
    "bulkhead.json",
    (keys) => {
      const { folder: _, ...configuration } = parseConfiguration(JSON.stringify(keys), "c.json");
      return configuration;
    },
    ["$schema", "cluster", "registry", "remotePlugins"],
  ],
  [
    "cluster",
    (keys) => parseConfiguration(JSON.stringify({ cluster: { host: "a", peers: "memory", ...keys } }), "c.json").cluster,
    ["nats"],
  ],
  [
    "plugins.<name>",
    (keys) => parseConfiguration(JSON.stringify({ plugins: { a: { ...PLUGIN, ...keys } } }), "c.json").plugins.a,
    ["cell", "logLevel", "source", "storage"],
  ],
  [
    "plugin.json",
    (keys) => parseManifest(JSON.stringify({ ...MANIFEST, ...keys }), "plugin.json"),
    ["$schema", "description", "config", "remote", "transaction"],
  ],
];

describe.each(SECTIONS)("%s", (heading, parse, optional) => {
  it("is documented key for key", () => {
    expect(keysBelow(heading).sort()).toEqual([...Object.keys(parse({}) ?? {}), ...optional].sort());
  });

  it("knows every documented key", () => {
    expect(unknownTo(parse, [...keysBelow(heading), "surely-not"])).toEqual(["surely-not"]);
  });
});

describe("limits", () => {
  it("are all in the table of docs/architecture.md", () => {
    const section = read("docs/architecture.md").split("## What is enforced where")[1] ?? "";
    const [table = ""] = section.split("Limits that nobody configures");
    expect(table.split("\n").filter((line) => line.startsWith("| ")).length - 1).toBe(Object.keys(DEFAULT_LIMITS).length);
  });
});

describe.each([
  ["adapters.http", httpOptions],
  ["adapters.opentelemetry", openTelemetryOptions],
  ["telemetry", telemetrySchema],
  ["records", recordsSchema],
  ["remotePlugins", remotePluginsSchema],
  ["capabilities.http", httpClientOptions],
  ["drivers.log", logJsonOptions],
  ["drivers.log.file", logFileOptions],
] as const)("%s", (heading, schema) => {
  it("is documented key for key, with its defaults", () => {
    const defaults = Object.entries(propertiesOf(schema)).map(([key, property]) => {
      const value: unknown = property.default;
      if (value === undefined) return [key, ""];
      return [key, typeof value === "object" || typeof value === "number" ? JSON.stringify(value) : `\`${String(value)}\``];
    });
    expect(rowsBelow(page, heading).map(([key, , byDefault]) => [key, byDefault])).toEqual(defaults);
  });
});
