// Services as tools of the Model Context Protocol: a pure projection in which everything that a stranger wrote is data. No schema is compiled.

import type { SchemaObject } from "../../../bounds/json-schema/words.ts";
import type { CatalogService } from "../../../seams.ts";
import { DocumentBudget, type Truncated } from "../budget.ts";
import { type CopiedSchema, copiedSchema, type SchemaStyle } from "../schemas.ts";
import { hidesCharacters, visibleText } from "../text.ts";
import type { Tool } from "./package.ts";

export interface ToolList {
  readonly tools: readonly Tool[];
  /** By the tool's name. */
  readonly services: ReadonlyMap<string, ToolService>;
  /** What is no tool because there is no room for it, or because nobody could read it. */
  readonly truncated: Truncated | undefined;
}

/** A service as a tool, with what a call of it needs. */
export interface ToolService extends Pick<CatalogService, "name" | "consumes" | "produces"> {
  /** Whether the input is the member `input` of what a client sends, since a tool takes an object and the service does not. */
  readonly isWrapped: boolean;
  /** Whether an input was declared. */
  readonly takesInput: boolean;
}

/** More than a model could read. */
export const MAX_LIST_BYTES: number = 1_024 * 1_024;
/** Of bytes that are no JSON, before they are base64. */
export const MAX_BYTES: number = 1_024 * 1_024;
/** As the specification has it. */
const MAX_NAME_LENGTH = 128;

const STYLE: SchemaStyle = { place: "#/$defs/", text: visibleText };

/** Of services whose words the operator has read; no other is a tool. Plugins share `maxBytes`. */
export function toolList(services: readonly CatalogService[], maxBytes: number = MAX_LIST_BYTES): ToolList {
  const shown = services.filter((service) => service.isRead && service.public);
  const providers = [...new Set(shown.map(({ provider }) => provider))].sort();
  const budget = new DocumentBudget(maxBytes, providers.length, []);
  const tools: Tool[] = [];
  const known = new Map<string, ToolService>();
  for (const provider of providers) {
    budget.next();
    for (const service of shown.filter((one) => one.provider === provider)) {
      const made = toolOf(service);
      if (made === undefined) budget.leaveOut(service.name);
      else if (budget.takes(service.name, made.tool)) {
        tools.push(made.tool);
        known.set(service.name, made.service);
      }
    }
  }
  return { tools, services: known, truncated: budget.truncated };
}

function toolOf(service: CatalogService): { readonly tool: Tool; readonly service: ToolService } | undefined {
  const { name, consumes, produces, readOnly, idempotent } = service;
  const input = inputOf(service);
  const output = produces === undefined && service.output !== undefined ? copied(service.output) : undefined;
  if (name.length > MAX_NAME_LENGTH || input === undefined || hides(input.schema) || hides(output)) return undefined;
  const tool: Tool = {
    name,
    ...descriptionOf(service),
    inputSchema: input.schema as Tool["inputSchema"],
    ...(output?.schema.type === "object" && { outputSchema: whole(output) as NonNullable<Tool["outputSchema"]> }),
    annotations: { readOnlyHint: readOnly, idempotentHint: idempotent, destructiveHint: !readOnly },
  };
  return { tool, service: { name, consumes, produces, isWrapped: input.isWrapped, takesInput: service.input !== undefined } };
}

function descriptionOf({ description, deprecated }: CatalogService): { readonly description?: string } {
  const said = [...(deprecated ? ["Deprecated."] : []), ...(description === undefined ? [] : [visibleText(description)])];
  return said.length === 0 ? {} : { description: said.join(" ") };
}

interface ToolInput {
  readonly schema: SchemaObject;
  readonly isWrapped: boolean;
}

/** Undefined for a schema that no manifest of api 0.2 could have. */
function inputOf({ input, consumes }: CatalogService): ToolInput | undefined {
  if (consumes !== undefined) return { schema: bytesSchema(consumes), isWrapped: false };
  if (input === undefined || input === true) return { schema: { type: "object" }, isWrapped: false };
  const found = copied(input);
  if (found === undefined) return undefined;
  const { schema, definitions } = found;
  const isObject = schema.type === "object" || (schema.type === undefined && schema.properties !== undefined);
  if (isObject) return { schema: { type: "object", ...whole(found) }, isWrapped: false };
  return {
    schema: { type: "object", properties: { input: schema }, required: ["input"], ...definitionsOf(definitions) },
    isWrapped: true,
  };
}

const bytesSchema = (mediaType: string): SchemaObject => ({
  type: "object",
  properties: { data: { type: "string", contentEncoding: "base64", contentMediaType: mediaType } },
  required: ["data"],
});

const copied = (schema: unknown): CopiedSchema | undefined => copiedSchema(schema, "def", STYLE);

const whole = ({ schema, definitions }: CopiedSchema): SchemaObject => ({ ...schema, ...definitionsOf(definitions) });

const definitionsOf = (definitions: CopiedSchema["definitions"]): SchemaObject =>
  Object.keys(definitions).length === 0 ? {} : { $defs: definitions };

/** Whether names or values have characters that a person who reads them does not see, and a model does. */
const hides = (schema: unknown): boolean =>
  typeof schema === "string"
    ? hidesCharacters(schema)
    : typeof schema === "object" && schema !== null && Object.entries(schema).some(([key, value]) => hidesCharacters(key) || hides(value));
