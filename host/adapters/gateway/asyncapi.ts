// The AsyncAPI 3 document of declared events: a pure projection of what it is given, in which everything that a stranger wrote is data.

import type { SchemaObject } from "../../bounds/json-schema/words.ts";
import { isDottedName } from "../../core/names.ts";
import { API_VERSIONS } from "../../core/wit.ts";
import type { CatalogEvent } from "../../seams.ts";
import { DocumentBudget, MAX_DOCUMENT_BYTES } from "./budget.ts";
import { copiedSchema } from "./schemas.ts";
import { plainText } from "./text.ts";

/** Where events can be followed, and by which protocol. */
export interface EventChannel {
  readonly name: string;
  readonly path: string;
  readonly protocol: "http" | "https" | "ws" | "wss";
  readonly description: string;
  /** Whether an event comes within an object with its id and its subscription. */
  readonly isEnveloped?: boolean | undefined;
}

export interface AsyncApiSource {
  /** What the reader may hear of. */
  readonly events: readonly CatalogEvent[];
  readonly channels: readonly EventChannel[];
  /** `127.0.0.1:7420`, say. */
  readonly host: string;
}

/** Whatever does not fit into `maxBytes`, which publishers share, is left out and told in `x-truncated`. */
export function asyncApiDocument({ events, channels, host }: AsyncApiSource, maxBytes: number = MAX_DOCUMENT_BYTES): SchemaObject {
  const declared = events.filter(isDeclared);
  const publishers = [...new Set(declared.map(publisherOf))].sort();
  const protocols = [...new Set(channels.map(({ protocol }) => protocol))];
  const frame = {
    asyncapi: "3.0.0",
    info: { title: "Bulkhead", version: API_VERSIONS.at(-1), license: { name: "MIT" } },
    defaultContentType: "application/cloudevents+json",
    servers: Object.fromEntries(protocols.map((protocol) => [protocol, { host, protocol }])),
    operations: Object.fromEntries(channels.map(({ name }) => [name, { action: "send", channel: { $ref: `#/channels/${name}` } }])),
  };
  const budget = new DocumentBudget(maxBytes, publishers.length, [frame, channels.map((channel) => channelOf(channel, []))]);
  const messages: Record<string, SchemaObject> = {};
  const schemas: Record<string, SchemaObject> = {};
  for (const publisher of publishers) {
    budget.next();
    for (const event of declared.filter((one) => publisherOf(one) === publisher)) {
      const name = `${event.type}_data`;
      const data = event.data === undefined ? undefined : copiedSchema(event.data, name);
      if (event.data !== undefined && data === undefined) budget.leaveOut(name);
      const pieces = {
        message: messageOf(event, data && name),
        schemas: data && { [name]: data.schema, ...data.definitions },
        named: channels.map((channel) => channelOf(channel, [event.type])),
      };
      if (!budget.takes(event.type, pieces)) continue;
      messages[event.type] = pieces.message;
      Object.assign(schemas, pieces.schemas);
    }
  }
  const { truncated } = budget;
  return {
    ...frame,
    channels: Object.fromEntries(channels.map((channel) => [channel.name, channelOf(channel, Object.keys(messages))])),
    components: { messages, schemas },
    ...(truncated && { "x-truncated": truncated }),
  };
}

/** What somebody declares, and no pattern of what a permission is about. */
const isDeclared = ({ type, data, description, publishers }: CatalogEvent): boolean =>
  publishers.length > 0 && (data !== undefined || description !== undefined) && isDottedName(type);

/** Types begin with the name of whom they belong to. */
const publisherOf = ({ type }: CatalogEvent): string => type.split(".", 1)[0] ?? type;

const channelOf = ({ path, protocol, description, isEnveloped }: EventChannel, types: readonly string[]): SchemaObject => ({
  address: path,
  description,
  servers: [{ $ref: `#/servers/${protocol}` }],
  messages: isEnveloped
    ? { delivery_: deliveryOf(types) }
    : Object.fromEntries(types.map((type) => [type, { $ref: `#/components/messages/${type}` }])),
});

/** Kept out of the way of types of events, which have no such character. */
const deliveryOf = (types: readonly string[]): SchemaObject => ({
  name: "delivery",
  contentType: "application/json",
  payload: {
    type: "object",
    properties: {
      id: { type: "string" },
      subscription: { type: "string" },
      event: types.length === 0 ? {} : { anyOf: types.map((type) => ({ $ref: `#/components/messages/${type}/payload` })) },
    },
    required: ["id", "subscription", "event"],
  },
});

/** CloudEvents 1.0 in its JSON format, with what was declared of the data. */
function messageOf({ type, description }: CatalogEvent, data: string | undefined): SchemaObject {
  return {
    name: type,
    ...(description === undefined ? {} : { description: plainText(description) }),
    payload: {
      type: "object",
      properties: {
        specversion: { type: "string", const: "1.0" },
        id: { type: "string" },
        source: { type: "string" },
        type: { type: "string", const: type },
        time: { type: "string", format: "date-time" },
        datacontenttype: { type: "string" },
        data: data === undefined ? {} : { $ref: `#/components/schemas/${data}` },
      },
      required: ["specversion", "id", "source", "type"],
    },
  };
}
