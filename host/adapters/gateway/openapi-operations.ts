// One service, or one route to it, as operations of OpenAPI.

import { isRecord, type SchemaObject } from "../../bounds/json-schema/words.ts";
import { isReason } from "../../bounds/refusals.ts";
import type { CatalogService } from "../../seams.ts";
import { ERROR_RESPONSES, parameter, problemResponse } from "./openapi-parts.ts";
import { type CopiedSchema, SCHEMAS } from "./schemas.ts";
import { plainText } from "./text.ts";
import { propertiesOf, typesOf } from "./typed-text.ts";

/** A route that a plugin contributes. */
export interface DescribedRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With `:name` for parameters. */
  readonly path: string;
  readonly service: string;
  /** Of one that has the request as it came. */
  readonly request?: "raw" | "blob" | undefined;
}

/** A service with what of its schemas is in the document. */
export interface DescribedService {
  readonly service: CatalogService;
  readonly input: CopiedSchema | undefined;
  readonly output: CopiedSchema | undefined;
}

export type Operation = SchemaObject;

const ANY_BYTES = { "application/json": {}, "application/octet-stream": {} };
const FROM_TEXT: ReadonlySet<string> = new Set(["string", "integer", "number", "boolean", "array"]);
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);
const PATH_PARAMETER = /:([A-Za-z][A-Za-z0-9]*)/g;

/** Names of a service's schemas in the document; no service has such a character in its name. */
export const inputName = (service: string): string => `${service}_input`;
export const outputName = (service: string): string => `${service}_output`;

/** Of `/v1/services/<name>`, by method. */
export function serviceOperations(described: DescribedService): Readonly<Record<string, Operation>> {
  const { service, input } = described;
  const { name, readOnly, consumes } = service;
  const post = { ...aboutService(described), operationId: name, parameters: callHeaders(service), requestBody: wholeBody(described) };
  if (!readOnly || consumes !== undefined) return { post };
  const parameters = [...queryOf(service, input, []), parameter("DeadlineMs")];
  return { post, get: { ...aboutService(described), operationId: `${name}_get`, parameters } };
}

/** Of a plugin's route with its id. `parameters` are the names in the path as the document has it, in their order. */
export function routeOperation(
  described: DescribedService,
  route: DescribedRoute & { readonly id: string },
  parameters: readonly string[],
): Operation {
  const { service, input } = described;
  const own = namesIn(route.path);
  const properties = propertiesOf(service.input);
  const about = { ...aboutService(described), operationId: route.id };
  const inPath = own.map((name, i) => ({
    ...{ name: parameters[i] ?? name, in: "path", required: true },
    schema: Object.hasOwn(properties, name) && route.request === undefined ? propertyOf(input, name) : { type: "string" },
  }));
  const headers = route.method === "POST" && route.request === undefined ? callHeaders(service) : [parameter("DeadlineMs")];
  if (route.request !== undefined) return { ...about, ...rawParts(route.method), parameters: [...inPath, ...headers] };
  if (!WITH_BODY.has(route.method)) return { ...about, parameters: [...inPath, ...queryOf(service, input, own), ...headers] };
  const requestBody = service.consumes === undefined ? remainingBody(described, own) : wholeBody(described);
  return { ...about, parameters: [...inPath, ...headers], ...(requestBody && { requestBody }) };
}

export const namesIn = (path: string): readonly string[] => [...path.matchAll(PATH_PARAMETER)].map(([, name = ""]) => name);

function aboutService({ service, output }: DescribedService): Operation {
  const { name, provider, description, deprecated, produces, errors, hosts } = service;
  const own = Object.entries(errors).filter(([reason]) => !isReason(reason));
  const reasons = own.map(([reason, meaning]) => `${reason}: ${plainText(meaning)}`).join("; ");
  const content = produces === undefined ? answerContent(name, output) : { [produces]: {} };
  return {
    tags: [provider],
    ...(hosts !== undefined && { "x-hosts": hosts }),
    summary: name,
    ...(description === undefined ? {} : { description: plainText(description) }),
    ...(deprecated ? { deprecated } : {}),
    responses: {
      "200": { description: "The answer of the service.", content },
      ...(mayBeEmpty(service) ? { "204": { description: "An answer without bytes." } } : {}),
      ...ERROR_RESPONSES,
      ...(own.length === 0 ? {} : { "422": problemResponse(422, `Refused, or a key that was used with another input. ${reasons}`) }),
    },
  };
}

const answerContent = (name: string, output: CopiedSchema | undefined): SchemaObject =>
  output === undefined ? ANY_BYTES : { "application/json": { schema: { $ref: SCHEMAS + outputName(name) } } };

/** No output counts as null to the schema. */
function mayBeEmpty({ output, produces }: CatalogService): boolean {
  if (produces !== undefined || output === undefined || typeof output === "boolean") return true;
  return typesOf(output, output)?.includes("null") ?? true;
}

function callHeaders({ readOnly, idempotent }: CatalogService): readonly Operation[] {
  return readOnly || idempotent ? [parameter("DeadlineMs")] : [parameter("DeadlineMs"), parameter("IdempotencyKey")];
}

function wholeBody({ service: { name, consumes, input: declared }, input }: DescribedService): Operation {
  if (consumes !== undefined) return { required: false, content: { [consumes]: {}, "application/octet-stream": {} } };
  if (input === undefined) return { required: false, content: ANY_BYTES };
  const required = isRecord(declared) && Array.isArray(declared.required) && declared.required.length > 0;
  return { required, content: { "application/json": { schema: { $ref: SCHEMAS + inputName(name) } } } };
}

/** Of a route whose path gives some of the input; undefined when it gives all that is described. */
function remainingBody({ service, input }: DescribedService, given: readonly string[]): Operation | undefined {
  const properties = propertiesOf(service.input);
  if (input === undefined || !isRecord(input.schema.properties))
    return { required: false, content: { "application/json": { schema: { type: "object" } } } };
  const rest = Object.keys(properties).filter((name) => !given.includes(name));
  if (given.length > 0 && rest.length === 0) return undefined;
  const needed = requiredOf(input).filter((name) => !given.includes(name));
  const { properties: _all, required: _needed, ...others } = input.schema;
  const schema = {
    ...others,
    properties: Object.fromEntries(rest.map((name) => [name, propertyOf(input, name)])),
    ...(needed.length === 0 ? {} : { required: needed }),
  };
  return { required: needed.length > 0, content: { "application/json": { schema } } };
}

function queryOf({ input: declared }: CatalogService, input: CopiedSchema | undefined, given: readonly string[]): readonly Operation[] {
  const needed = requiredOf(input);
  return Object.entries(propertiesOf(declared))
    .filter(([name, schema]) => !given.includes(name) && (typesOf(declared, schema)?.some((type) => FROM_TEXT.has(type)) ?? true))
    .map(([name]) => {
      const schema = propertyOf(input, name);
      const { description } = schema;
      return { name, in: "query", required: needed.includes(name), ...(description === undefined ? {} : { description }), schema };
    });
}

function propertyOf(input: CopiedSchema | undefined, name: string): SchemaObject {
  const properties = isRecord(input?.schema.properties) ? input.schema.properties : {};
  const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
  return isRecord(property) ? property : {};
}

function requiredOf(input: CopiedSchema | undefined): readonly string[] {
  const required = input?.schema.required;
  return Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
}

function rawParts(method: string): Operation {
  return {
    ...(WITH_BODY.has(method) ? { requestBody: { required: false, content: { "*/*": {} } } } : {}),
    responses: { ...ERROR_RESPONSES, default: { description: "Whatever the plugin answers.", content: { "*/*": {} } } },
  };
}
