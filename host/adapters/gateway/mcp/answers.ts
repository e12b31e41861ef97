// What a service answered, or why it did not, as the result of a tool.

import { isJsonWithin } from "../../../bounds/json.ts";
import { parseJsonInput } from "../../../bounds/json-input.ts";
import { type ErrorShape, HostError } from "../../../core/errors.ts";
import type { Bytes } from "../../../core/types.ts";
import type { CallToolResult } from "./package.ts";
import { MAX_BYTES, type ToolService } from "./tools.ts";

/** What is larger is handed on as bytes: whoever reads an answer of a tool parses it whole. */
const JSON_LIMITS = { maxValues: 100_000, maxDepth: 256 } as const;
const BYTES_TYPE = "application/octet-stream";

/** JSON as text and, of an object, as such; anything else as a resource. Throws HostError `quota-exceeded` for more than 1 MiB. */
export function resultOf(output: Bytes, service: ToolService): CallToolResult {
  if (output.length > MAX_BYTES)
    throw new HostError("quota-exceeded", `${service.name} answered ${output.length} bytes; a tool's answer has at most ${MAX_BYTES}`);
  if (output.length === 0) return { content: [] };
  const json = service.produces === undefined ? jsonOf(output) : undefined;
  if (json === undefined) return { content: [blobOf(output, service)] };
  const content: CallToolResult["content"] = [{ type: "text", text: Buffer.from(output).toString("utf8") }];
  return isObject(json.value) ? { content, structuredContent: json.value } : { content };
}

/** Told to the model, which may do better then. A guest's stack is for the log. */
export function refusalOf({ code, message, reason, retryAfterMs }: ErrorShape): CallToolResult {
  return { isError: true, content: [{ type: "text", text: JSON.stringify({ error: { code, message, reason, retryAfterMs } }) }] };
}

function jsonOf(output: Bytes): { readonly value: unknown } | undefined {
  if (!isJsonWithin(output, JSON_LIMITS)) return undefined;
  try {
    return { value: parseJsonInput(output, "the answer") };
  } catch {
    return undefined;
  }
}

const blobOf = (output: Bytes, { name, produces = BYTES_TYPE }: ToolService): CallToolResult["content"][number] => ({
  type: "resource",
  resource: { uri: `bulkhead://services/${name}`, mimeType: produces, blob: Buffer.from(output).toString("base64") },
});

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
