// Holds whoever publishes without a cell, such as a door, to what plugins declare of their events. On the host's own thread, so within less than a cell's check may take.

import { ON_THE_HOST, payloadProblem } from "../bounds/json-schema/payload.ts";
import { JsonSchema } from "../bounds/json-schema/schema.ts";
import { isJson } from "../core/cloud-event.ts";
import { HostError } from "../core/errors.ts";
import type { UnstampedEvent } from "../core/types.ts";
import type { KnownManifests } from "../manifest/known-manifests.ts";

export class DeclaredEvents {
  readonly #manifests: KnownManifests;
  /** By what was declared: it stays as long as its manifest. */
  readonly #schemas = new WeakMap<object, JsonSchema>();

  constructor(manifests: KnownManifests) {
    this.#manifests = manifests;
  }

  /** Throws HostError `invalid-message` for data that is not what the plugin of that name declares, `quota-exceeded` for data that takes too long to check. */
  check({ type, contentType, data }: Pick<UnstampedEvent, "type" | "contentType" | "data">): void {
    const { events = {}, api = "" } = this.#manifests.get(type.slice(0, Math.max(0, type.indexOf(".")))) ?? {};
    const declared = api !== "0.1" && Object.hasOwn(events, type) ? events[type] : undefined;
    if (declared?.data === undefined) return;
    const refused = (message: string): HostError => new HostError("invalid-message", message);
    const what = `the data of ${type}`;
    const problem = isJson(contentType)
      ? payloadProblem(this.#schemaOf(declared), { what, data }, ON_THE_HOST, refused)
      : refused(`${what} was declared by a JSON Schema; publish application/json`);
    if (problem !== undefined) throw problem;
  }

  #schemaOf(declared: { readonly data?: unknown }): JsonSchema {
    const schema = this.#schemas.get(declared) ?? new JsonSchema(declared.data);
    this.#schemas.set(declared, schema);
    return schema;
  }
}
