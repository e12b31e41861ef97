// The OpenAPI 3.1 document of services and of plugins' routes: a pure projection of what it is given, in which everything that a stranger wrote is data.

import type { SchemaObject } from "../../bounds/json-schema/words.ts";
import { API_VERSIONS } from "../../core/wit.ts";
import type { CatalogPlugin, CatalogService } from "../../seams.ts";
import { DocumentBudget, MAX_DOCUMENT_BYTES } from "./budget.ts";
import {
  type DescribedRoute,
  type DescribedService,
  inputName,
  namesIn,
  outputName,
  routeOperation,
  serviceOperations,
} from "./openapi-operations.ts";
import { SHARED_PARAMETERS, SHARED_RESPONSES, SHARED_SCHEMAS } from "./openapi-parts.ts";
import { type CopiedSchema, copiedSchema } from "./schemas.ts";
import { plainText } from "./text.ts";

export interface OpenApiSource {
  /** What the reader may call. */
  readonly services: readonly CatalogService[];
  readonly plugins: readonly Pick<CatalogPlugin, "name" | "description">[];
  readonly routes: readonly DescribedRoute[];
}

/** A stream has no end, which an operation has. */
const EVENTS_ELSEWHERE =
  "Events are followed with GET /v1/events as text/event-stream, or over WebSocket; /v1/asyncapi.json describes them.";

const FRAME: SchemaObject = {
  openapi: "3.1.1",
  info: { title: "Bulkhead", version: API_VERSIONS.at(-1), description: EVENTS_ELSEWHERE, license: { name: "MIT", identifier: "MIT" } },
  servers: [{ url: "/" }],
  // Where nobody has to say who he is, nobody needs it.
  security: [{ bearer: [] }, {}],
};

const SECURITY_SCHEMES = { bearer: { type: "http", scheme: "bearer", description: "A token of the host." } };

type Paths = Record<string, Record<string, unknown>>;

/** What is in the document of one service. */
interface Pieces {
  readonly paths: readonly (readonly [path: string, method: string, operation: SchemaObject])[];
  readonly schemas: Readonly<Record<string, SchemaObject>>;
}

/** Whatever does not fit into `maxBytes`, which providers share, is left out and told in `x-truncated`. */
export function openApiDocument(source: OpenApiSource, maxBytes: number = MAX_DOCUMENT_BYTES): SchemaObject {
  const shown = source.services.filter((service) => service.public);
  const providers = [...new Set(shown.map(({ provider }) => provider))].sort();
  const about = new Map(source.plugins.map(({ name, description }) => [name, description]));
  const tags = providers.map((name) => ({ name, description: plainText(about.get(name) ?? "") }));
  const budget = new DocumentBudget(maxBytes, providers.length, [
    FRAME,
    tags,
    SHARED_SCHEMAS,
    SHARED_RESPONSES,
    SHARED_PARAMETERS,
    SECURITY_SCHEMES,
  ]);
  const paths: Paths = {};
  const schemas: Record<string, SchemaObject> = { ...SHARED_SCHEMAS };
  const templates = templatesOf(source.routes);
  for (const provider of providers) {
    budget.next();
    for (const service of shown.filter((one) => one.provider === provider)) {
      const described = describedService(service, budget);
      const pieces = piecesOf(described, source.routes, templates);
      if (!budget.takes(service.name, pieces)) continue;
      Object.assign(schemas, pieces.schemas);
      // Of two routes for the same the first one is served.
      for (const [path, method, operation] of pieces.paths) paths[path] = { [method]: operation, ...paths[path] };
    }
  }
  const { truncated } = budget;
  return {
    ...FRAME,
    tags,
    paths,
    components: { schemas, responses: SHARED_RESPONSES, parameters: SHARED_PARAMETERS, securitySchemes: SECURITY_SCHEMES },
    ...(truncated && { "x-truncated": truncated }),
  };
}

function describedService(service: CatalogService, budget: DocumentBudget): DescribedService {
  const side = (schema: unknown, name: string): CopiedSchema | undefined => {
    if (schema === undefined) return undefined;
    const copied = copiedSchema(schema, name);
    if (copied === undefined) budget.leaveOut(name);
    return copied;
  };
  return { service, input: side(service.input, inputName(service.name)), output: side(service.output, outputName(service.name)) };
}

function piecesOf(described: DescribedService, routes: readonly DescribedRoute[], templates: ReadonlyMap<string, string>): Pieces {
  const { service, input, output } = described;
  const { name } = service;
  const own = routes.filter((route) => route.service === name);
  const ofRoutes = own.map((route, i) => {
    const template = templates.get(shapeOf(route.path)) ?? route.path;
    const operation = routeOperation(described, { ...route, id: `${name}_${route.method}_${i}` }, namesIn(template));
    return [template.replace(/:([A-Za-z0-9]+)/g, "{$1}"), route.method.toLowerCase(), operation] as const;
  });
  const ofService = Object.entries(serviceOperations(described)).map(
    ([method, operation]) => [`/v1/services/${name}`, method, operation] as const,
  );
  return {
    paths: [...ofService, ...ofRoutes],
    schemas: {
      ...(input && { [inputName(name)]: input.schema, ...input.definitions }),
      ...(output && { [outputName(name)]: output.schema, ...output.definitions }),
    },
  };
}

/** Paths that differ in the names of their parameters only are one path of the document: the first one's names stand in it. */
function templatesOf(routes: readonly DescribedRoute[]): ReadonlyMap<string, string> {
  const templates = new Map<string, string>();
  for (const { path } of routes) if (!templates.has(shapeOf(path))) templates.set(shapeOf(path), path);
  return templates;
}

const shapeOf = (path: string): string => path.replace(/:[A-Za-z0-9]+/g, ":");
