// What a manifest says of its services to those who show them.

import { describe, expect, it } from "vitest";
import type { HostError } from "../../host/core/errors.ts";
import { checkManifest } from "../../host/manifest/check.ts";
import { parseManifest } from "../../host/manifest/manifest.ts";
import { knownTraits, TRAITS } from "../../host/manifest/service-traits.ts";

const BASE = { name: "p", version: "1.0.0", api: "0.2", wasm: "p.wasm" };
const parse = (service: object, more: object = {}) =>
  parseManifest(JSON.stringify({ ...BASE, services: { "p.x": { entryPoint: "x", ...service } }, ...more }), "plugin.json");
const refusal = (service: object, more: object = {}): HostError => {
  try {
    parse(service, more);
  } catch (error) {
    return error as HostError;
  }
  throw new Error("was accepted");
};

describe("what a service says of itself", () => {
  it("is kept as it is written, and promises nothing where it is silent", () => {
    const said = { readOnly: true, idempotent: true, deprecated: true, public: false, consumes: "text/csv", produces: "image/svg+xml" };
    expect(parse(said).services["p.x"]).toMatchObject(said);
    expect(knownTraits({})).toEqual({
      ...{ readOnly: false, idempotent: false, deprecated: false, public: true },
      ...{ consumes: undefined, produces: undefined },
    });
    expect(knownTraits({ readOnly: true }).idempotent).toBe(true);
    expect(knownTraits({ readOnly: true, idempotent: false }).idempotent).toBe(false);
  });

  it.each(["png", "Image/PNG", "image/png; q=1", "*/*", `image/${"x".repeat(65)}`, "image/p ng", "image/png\n"])(
    "refuses %j as a media type, and says what one looks like",
    (consumes) => expect(refusal({ consumes }).detail).toContain("services.p.x.consumes"),
  );

  it.each(["application/json", "application/problem+json"])("refuses %s, which is what a service has anyway", (produces) => {
    expect(refusal({ produces }).detail).toContain("leave it out for JSON");
  });

  it("has no JSON Schema of a side that is no JSON, and may have one of the other", () => {
    expect(refusal({ consumes: "text/csv", input: {} }).detail).toContain("services.p.x.input");
    expect(refusal({ produces: "text/csv", output: true }).detail).toContain("services.p.x.output");
    expect(parse({ consumes: "text/csv", output: { type: "object" } }).services["p.x"]?.consumes).toBe("text/csv");
  });

  it.each(TRAITS)("is refused for api 0.1 when it is %s", (trait) => {
    const value = trait === "consumes" || trait === "produces" ? "image/png" : true;
    const error = refusal({ [trait]: value }, { api: "0.1" });
    expect(error.code).toBe("incompatible-api");
    expect(error.message).toContain(`services.<name>.${trait}`);
  });
});

describe("bulkhead check", () => {
  const warnings = (service: object, route: object) => {
    const manifest = parse(service, { contributes: { http: { routes: [{ path: "/p/x", service: "p.x", ...route }] } } });
    const parsers = new Map([["http", (_plugin: string, section: unknown) => section]]);
    return checkManifest(manifest, { module: undefined, parsers }).warnings.map(({ path, message }) => `${path.join(".")}: ${message}`);
  };

  it.each([
    [{ readOnly: true }, { method: "DELETE" }, "contributes.http.routes.0.method: p.x is readOnly and DELETE"],
    [{ readOnly: true }, { method: "PUT" }, "write GET, or POST"],
    [{ readOnly: true, idempotent: false }, { method: "GET" }, "services.p.x.idempotent: "],
    [{ consumes: "text/csv" }, { method: "GET" }, "a GET has no body"],
    [{ consumes: "text/csv" }, { method: "POST", path: "/p/:id" }, "nothing of the path reaches it"],
  ])("warns of %j behind %j", (service, route, warning) => {
    const found = warnings(service, route);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(warning);
  });

  it.each([
    [{ readOnly: true }, { method: "POST" }],
    [{ readOnly: true }, { method: "GET" }],
    [{}, { method: "DELETE" }],
    [{ consumes: "text/csv" }, { method: "POST" }],
    [{ consumes: "text/csv" }, { method: "POST", path: "/p/:id", request: "raw" }],
  ])("finds nothing wrong with %j behind %j", (service, route) => expect(warnings(service, route)).toEqual([]));
});
