// The AsyncAPI document of declared events: what is in it, and that it is one by the official schema.

import specs from "@asyncapi/specs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { asyncApiDocument, type EventChannel } from "../../../host/adapters/gateway/asyncapi.ts";
import { manifestOf, pointedAt, referencesIn, shippedManifest, sourceOf } from "../../support/catalogs.ts";

const CHANNELS: readonly EventChannel[] = [
  { name: "sse", path: "/v1/events", protocol: "http", description: "Server-sent events." },
  { name: "ws", path: "/v1/events/ws", protocol: "ws", description: "WebSocket.", isEnveloped: true },
];
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: false });
const isAsyncApi = ajv.compile(specs.schemasWithoutId["3.0.0"] as object);

const documentOf = (events: ReturnType<typeof sourceOf>["events"], channels = CHANNELS, maxBytes?: number) =>
  asyncApiDocument({ events, channels, host: "127.0.0.1:7420" }, maxBytes) as {
    readonly components: { readonly messages: Readonly<Record<string, object>>; readonly schemas: Readonly<Record<string, object>> };
    readonly "x-truncated"?: { readonly count: number };
  };
const eventsOf = (events: object) => sourceOf([manifestOf({ events })]).events;

function requireValid(document: object): void {
  expect(isAsyncApi(document), JSON.stringify(isAsyncApi.errors?.slice(0, 3))).toBe(true);
  for (const reference of referencesIn(document)) expect(pointedAt(document, reference), reference).toBeDefined();
}

describe("the AsyncAPI document", () => {
  it("of the shipped plugins is what it was, and valid", async () => {
    const document = documentOf(sourceOf(["devices", "logger", "automation"].map(shippedManifest)).events);
    requireValid(document);
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot("golden/asyncapi.txt");
  });

  it("is valid without a channel, and would not be with a wrong one", () => {
    requireValid(documentOf(eventsOf({ "p.x": { description: "x" } }), []));
    expect(isAsyncApi({ ...documentOf([]), channels: { sse: { address: 5 } } })).toBe(false);
  });

  it("has what somebody declares, and neither patterns nor what is only listened to", () => {
    const declared = eventsOf({ "p.x": { data: true }, "p.y": { description: "y" } });
    const pattern = { type: "p.*", publishers: ["p"], subscribers: [], description: undefined, data: undefined };
    const heard = { type: "q.z", publishers: [], subscribers: ["p"], description: "z", data: true };
    expect(Object.keys(documentOf([...declared, pattern, heard]).components.messages)).toEqual(["p.x", "p.y"]);
  });

  it("has strangers' schemas and words as data", () => {
    const document = documentOf(
      eventsOf({ "p.x": { description: "<b>*x*</b>", data: { $defs: { a: false }, properties: { a: { $ref: "#/$defs/a" } } } } }),
    );
    requireValid(document);
    expect(JSON.stringify(document)).not.toMatch(/<b>|\*x/);
    expect(document.components.schemas).toMatchObject({ "p.x_data.a": { not: {} } });
  });

  it("is bounded, and tells what is left out", () => {
    const data = { enum: Array.from({ length: 4_000 }, (_, i) => `value ${i}`) };
    const events = eventsOf(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`p.x${i}`, { data }])));
    const document = documentOf(events, CHANNELS, 500_000);
    expect(Buffer.byteLength(JSON.stringify(document))).toBeLessThanOrEqual(500_000);
    expect(document["x-truncated"]?.count).toBe(20 - Object.keys(document.components.messages).length);
    requireValid(document);
  });
});
