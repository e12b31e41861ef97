// The OpenAPI document: what is in it, that it is one, and that nothing of what strangers write is more than data there.

import SwaggerParser from "@apidevtools/swagger-parser";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "../../../host/adapters/gateway/openapi.ts";
import { answerTo } from "../../../host/bounds/error-answers.ts";
import { manifestOf, pointedAt, referencesIn, shippedManifest, sourceOf, textsIn } from "../../support/catalogs.ts";

type Json = Readonly<Record<string, unknown>>;
interface Operation extends Json {
  readonly parameters?: readonly Json[];
  readonly responses: Readonly<Record<string, Json>>;
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, { readonly schema?: Json }>> };
}
interface Document extends Json {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
  readonly "x-truncated"?: { readonly count: number; readonly names: readonly string[] };
}

const documentOf = (...manifests: readonly Parameters<typeof sourceOf>[0][number][]): Document =>
  openApiDocument(sourceOf(manifests)) as Document;
const ofServices = (services: object, more: object = {}): Document => documentOf(manifestOf({ services, ...more }));

/** Rejects for what is no OpenAPI 3.1. */
const validate = (document: object): Promise<unknown> => SwaggerParser.validate(structuredClone(document) as never);

const SHIPPED = ["automation", "counter", "devices", "hello", "logger"].map(shippedManifest);

describe("the OpenAPI document", () => {
  it("is checked by something that knows what is none", async () => {
    const document = documentOf(shippedManifest("hello"));
    await expect(validate({ ...document, paths: { "/x": { get: { responses: { two: {} } } } } })).rejects.toThrow();
    await expect(validate({ ...document, paths: { "/x": { get: { parameters: [{ name: "a" }], responses: {} } } } })).rejects.toThrow();
  });

  it("of the shipped plugins is what it was, and valid", async () => {
    const document = documentOf(...SHIPPED);
    await validate(document);
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot("golden/openapi.txt");
  });

  it("has GET for what only reads, with the query in its types, and no keys for what may be repeated", () => {
    const { paths } = documentOf(shippedManifest("devices"));
    const list = paths["/v1/services/devices.list"];
    expect(list?.get?.parameters).toContainEqual({
      ...{ name: "limit", in: "query", required: false, description: "100 if absent" },
      schema: { type: "integer", minimum: 1, maximum: 1_000, description: "100 if absent" },
    });
    const keyed = (operation: Operation | undefined): boolean => JSON.stringify(operation?.parameters).includes("IdempotencyKey");
    expect([list?.post, list?.get, paths["/v1/services/devices.turn-on"]?.post].map(keyed)).toEqual([false, false, false]);
    expect(keyed(paths["/v1/services/devices.create"]?.post)).toBe(true);
    expect(paths["/v1/services/devices.create"]?.get).toBeUndefined();
  });

  it("has routes with what is left of the input behind their path, and one path for parameters of two names", () => {
    const { paths } = ofServices(
      {
        "p.put": {
          entryPoint: "put",
          input: { type: "object", properties: { id: { type: "integer" }, state: { type: "object" } }, required: ["id", "state"] },
        },
        "p.drop": { entryPoint: "drop" },
      },
      {
        contributes: {
          http: {
            routes: [
              { method: "PUT", path: "/p/:id/state", service: "p.put" },
              { method: "DELETE", path: "/p/:other/state", service: "p.drop" },
            ],
          },
        },
      },
    );
    const { put, delete: drop } = paths["/p/{id}/state"] ?? {};
    expect(put?.parameters?.[0]).toEqual({ name: "id", in: "path", required: true, schema: { type: "integer" } });
    expect(put?.requestBody).toEqual({
      required: true,
      content: { "application/json": { schema: { type: "object", properties: { state: { type: "object" } }, required: ["state"] } } },
    });
    expect(drop?.parameters?.[0]).toMatchObject({ name: "id", in: "path", schema: { type: "string" } });
  });

  it("is valid although paths differ in little, and has the first of two routes for the same", async () => {
    const paths = ["/p/a-b", "/p/a.b", "/p/:x", "/p/:y"];
    const routes = [...paths.map((path) => ({ method: "GET", path, service: "p.x" })), { method: "GET", path: "/p/a-b", service: "p.y" }];
    const services = { "p.x": { entryPoint: "x", description: "first" }, "p.y": { entryPoint: "y", description: "second" } };
    const document = ofServices(services, { contributes: { http: { routes } } });
    await validate(document);
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(["/p/a-b", "/p/a.b", "/p/{x}"]));
    expect(document.paths["/p/a-b"]?.get?.description).toBe("first");
    const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("says with each operation how it may be refused or fail, from the table of errors", async () => {
    const document = ofServices({ "p.buy": { entryPoint: "buy", errors: { "out-of-stock": "none *left*", "not-found": "no such" } } });
    const { responses = {} } = document.paths["/v1/services/p.buy"]?.post ?? {};
    for (const code of [
      "invalid-message",
      "permission-denied",
      "no-such-service",
      "plugin-failed",
      "deadline-exceeded",
      "refused",
    ] as const)
      expect(Object.keys(responses)).toContain(String(answerTo({ code }).http));
    expect(Object.keys(responses)).not.toContain("default");
    expect(responses["422"]?.description).toContain("out-of-stock: none &#42;left&#42;");
    await validate(document);
  });

  it("shows neither what is not public nor its routes", () => {
    const route = { method: "POST", path: "/p/x", service: "p.hidden" };
    const document = ofServices(
      { "p.hidden": { entryPoint: "x", public: false, input: { type: "object" } }, "p.old": { entryPoint: "y", deprecated: true } },
      { contributes: { http: { routes: [route] } } },
    );
    expect(Object.keys(document.paths)).toEqual(["/v1/services/p.old"]);
    expect(JSON.stringify(document)).not.toContain("hidden");
    expect(document.paths["/v1/services/p.old"]?.post?.deprecated).toBe(true);
  });

  it("has bytes with their media types, and no schema of them", async () => {
    const document = ofServices(
      { "p.draw": { entryPoint: "x", readOnly: true, consumes: "text/csv", produces: "image/png" } },
      { contributes: { http: { routes: [{ method: "POST", path: "/p/raw/:id", service: "p.draw", request: "raw" }] } } },
    );
    const { post, get } = document.paths["/v1/services/p.draw"] ?? {};
    expect(get).toBeUndefined();
    expect(Object.keys(post?.requestBody?.content ?? {})).toEqual(["text/csv", "application/octet-stream"]);
    expect(post?.responses["200"]?.content).toEqual({ "image/png": {} });
    expect(document.paths["/p/raw/{id}"]?.post?.responses.default).toBeDefined();
    await validate(document);
  });
});

describe("schemas of strangers in it", () => {
  const inputOf = async (input: unknown, more: object = {}) => {
    const document = ofServices({ "p.x": { entryPoint: "x", input } }, more);
    await validate(document);
    for (const reference of referencesIn(document)) expect(pointedAt(document, reference), reference).toBeDefined();
    return document;
  };

  it("are objects where they were booleans, however deep", async () => {
    const { components } = await inputOf({ properties: { a: true, b: false }, items: false, anyOf: [true, { not: true }] });
    expect(components.schemas["p.x_input"]).toEqual({
      properties: { a: {}, b: { not: {} } },
      items: { not: {} },
      anyOf: [{}, { not: {} }],
    });
  });

  it("refer to what they define, whatever that is called, and define it once", async () => {
    const { components } = await inputOf({
      $defs: { lamp: { type: "object", properties: { on: { $ref: "#/definitions/a b" } } }, "a/b": true },
      definitions: { "a b": { type: "boolean" }, unused: { type: "string" } },
      properties: { one: { $ref: "#/$defs/lamp" }, two: { $ref: "#/$defs/lamp" }, three: { $ref: "#/$defs/a~1b" } },
    });
    expect(Object.keys(components.schemas).filter((name) => name.startsWith("p.x_input."))).toHaveLength(3);
    expect(components.schemas["p.x_input.lamp"]).toEqual({
      type: "object",
      properties: { on: { $ref: "#/components/schemas/p.x_input.a_b" } },
    });
  });

  it("keep no keyword that a page or a tool would act on", async () => {
    const { components } = await inputOf({
      ...{ type: "object", $schema: "http://evil.example/s", $comment: "x", externalDocs: { url: "javascript:alert(1)" }, xml: {} },
      ...{ discriminator: { propertyName: "x" }, example: "<script>", "x-evil": 1, format: 5, deprecated: "yes", examples: "no" },
    });
    expect(components.schemas["p.x_input"]).toEqual({ type: "object" });
  });

  it("of api 0.1, which nobody bounds, are left out when no manifest of 0.2 could have them, and that is told", async () => {
    let deep: object = { type: "string" };
    for (let i = 0; i < 200; i += 1) deep = { items: deep };
    for (const input of [{ $ref: "http://evil.example/schema.json" }, deep, { type: "objet" }, { pattern: "(?=x)" }]) {
      const document = await inputOf(input, { api: "0.1" });
      expect(document["x-truncated"]).toMatchObject({ count: 1, names: ["p.x_input"] });
      expect(JSON.stringify(document)).not.toContain("evil.example");
      expect(document.components.schemas["p.x_input"]).toBeUndefined();
    }
  });
});

describe("what strangers say in it", () => {
  const HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://evil.example/i.png) **b** `c` */ } \u202e\u200b # h\n- l";

  it("is text: no markup, no end of a comment, nothing invisible, wherever it stands", async () => {
    const document = ofServices(
      {
        "p.x": {
          entryPoint: "x",
          readOnly: true,
          description: HOSTILE,
          errors: { odd: HOSTILE },
          input: { type: "object", title: HOSTILE, properties: { a: { type: "string", description: HOSTILE } }, description: HOSTILE },
        },
      },
      { description: HOSTILE },
    );
    await validate(document);
    const said = textsIn(document).filter((text) => text.includes("alert"));
    expect(said.length).toBeGreaterThanOrEqual(6);
    for (const text of said) expect(text).not.toMatch(/[<>[\]*_`#\n\u202e\u200b](?!\d+;)/);
    for (const text of said) expect(text).not.toContain("*/");
  });
});

describe("its size", () => {
  const big = (name: string, services: number) => {
    const enumeration = Array.from({ length: 4_000 }, (_, i) => `value ${i}`);
    const input = { type: "object", properties: { a: { enum: enumeration } } };
    const all = Array.from({ length: services }, (_, i) => [`${name}.s${i}`, { entryPoint: `s${i}`, input }]);
    return manifestOf({ name, services: Object.fromEntries(all) });
  };

  it("is bounded, what is left out is told, and a large plugin leaves the others whole", () => {
    const maxBytes = 1_000_000;
    const document = openApiDocument(sourceOf([big("aaa", 60), shippedManifest("devices"), big("zzz", 3)]), maxBytes) as Document;
    expect(Buffer.byteLength(JSON.stringify(document))).toBeLessThanOrEqual(maxBytes);
    const shown = Object.keys(document.paths);
    expect(shown).toEqual(expect.arrayContaining(["/v1/services/devices.list", "/devices/{id}", "/v1/services/zzz.s2"]));
    const left = shown.filter((path) => path.startsWith("/v1/services/aaa.")).length;
    expect(left).toBeGreaterThan(0);
    expect(document["x-truncated"]?.count).toBe(60 - left);
  });

  it("is at most 4 MiB whatever there is", () => {
    const manifests = Array.from({ length: 8 }, (_, i) => big(`p${i}`, 15));
    const document = openApiDocument(sourceOf(manifests)) as Document;
    const bytes = Buffer.byteLength(JSON.stringify(document));
    expect(bytes).toBeLessThanOrEqual(4 * 1_024 * 1_024);
    expect(bytes).toBeGreaterThan(3 * 1_024 * 1_024);
    expect(document["x-truncated"]?.names.length).toBeLessThanOrEqual(100);
  });
});
