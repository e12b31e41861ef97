// What a catalog says of services and events, for tests of what is projected from it.

import { readFileSync } from "node:fs";
import type { AsyncApiSource } from "../../host/adapters/gateway/asyncapi.ts";
import type { OpenApiSource } from "../../host/adapters/gateway/openapi.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import type { Manifest } from "../../host/manifest/manifest.ts";
import { parseManifest } from "../../host/manifest/manifest.ts";
import { knownTraits } from "../../host/manifest/service-traits.ts";
import type { CatalogEvent, CatalogService } from "../../host/seams.ts";
import { ownPlugin } from "./plugin-folders.ts";

/** As the catalog of a host has what these manifests say. */
export function sourceOf(manifests: readonly Manifest[]): OpenApiSource & Pick<AsyncApiSource, "events"> {
  return {
    plugins: manifests.map(({ name, description }) => ({ name, description })),
    services: manifests.flatMap((manifest) => servicesOf(manifest)),
    routes: manifests.flatMap(({ name, contributes }) => (contributes.http === undefined ? [] : parseRoutes(name, contributes.http))),
    events: manifests.flatMap(({ name, events }) =>
      Object.entries(events).map(
        ([type, { description, data }]): CatalogEvent => ({ type, publishers: [name], subscribers: [], description, data }),
      ),
    ),
  };
}

const servicesOf = ({ name: provider, services }: Manifest): CatalogService[] =>
  Object.entries(services).map(([name, { description, input, output, errors = {}, ...traits }]) => ({
    ...{ name, provider, description, input, output, errors, rates: {}, isRead: false },
    ...knownTraits(traits),
  }));

/** Of a plugin called `p`, for api 0.2 unless it says otherwise. */
export const manifestOf = (rest: object): Manifest =>
  parseManifest(JSON.stringify({ name: "p", version: "1.0.0", api: "0.2", wasm: "p.wasm", ...rest }), "plugin.json");

export const shippedManifest = (name: string): Manifest =>
  parseManifest(readFileSync(`${ownPlugin(name)}/plugin.json`, "utf8"), "plugin.json");

/** Every text of a value, and every key. */
export function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)]);
}

/** Every `$ref` of a value. */
export const referencesIn = (value: unknown): string[] => {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "$ref" && typeof inner === "string" ? [inner] : referencesIn(inner)));
};

/** What a JSON Pointer of a document names. */
export const pointedAt = (document: unknown, reference: string): unknown =>
  reference
    .replace(/^#\//, "")
    .split("/")
    .reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key.replaceAll("~1", "/")], document);
