// What goes in and out as JSON, byte for byte: a body is checked and handed on as it came, an answer is looked at for its type. Nothing is parsed here.

import { isUtf8 } from "node:buffer";
import type { FastifyRequest } from "fastify";
import { isJsonText, JsonCheck } from "../../bounds/json.ts";
import { isRecord } from "../../bounds/json-schema/words.ts";
import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { CatalogService } from "../../seams.ts";
import { typedText } from "../gateway/typed-text.ts";
import { BODY_TYPES } from "./origin.ts";
import { isObjectText, isSpace, type Members, spliced } from "./splice.ts";

/** A request's body, checked. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly isJson: boolean;
}

/** Rejects with HostError `invalid-message` for what is not the JSON text that its type promises. A large one is checked in pieces. */
export async function readBody({ body, headers }: FastifyRequest): Promise<Body | undefined> {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  const isJson = !(headers["content-type"] ?? "").toLowerCase().startsWith(BODY_TYPES.bytes);
  if (isJson && !(await isJsonText(body, (piece) => piece()))) throw new HostError("invalid-message", "the body is no JSON text in UTF-8");
  return { bytes: body, isJson };
}

/** The bytes of a request's body as they came. */
export const bytesOf = ({ body }: FastifyRequest): Uint8Array => (Buffer.isBuffer(body) ? body : NO_BYTES);

const NO_BYTES = new Uint8Array(0);

/** What comes from a request's path and query, in the types of the service's input. */
export const textOf = (service: CatalogService | undefined, text: unknown): Members =>
  typedText(service?.input, isRecord(text) ? text : {});

/** Path parameters over query, as one JSON object: the input of what has no body. */
export const textInput = (params: Members, query: Members): Uint8Array => Buffer.from(JSON.stringify({ ...query, ...params }));

/** Path parameters over body over query; the body's own members stay as they are written. Rejects with HostError `invalid-message`. */
export async function mergedInput(body: Body | undefined, params: Members, under: Members): Promise<Uint8Array> {
  if (body === undefined) return textInput(params, under);
  if (!body.isJson || !isObjectText(body.bytes)) throw new HostError("invalid-message", "the body must be a JSON object");
  if (Object.keys(params).length === 0 && Object.keys(under).length === 0) return body.bytes;
  return spliced(body.bytes, params, under);
}

/** About half a millisecond's work. */
const LOOKED_INTO_BYTES = 65_536;
const FIRST: ReadonlySet<number | undefined> = new Set(Buffer.from('{["-0123456789tfn'));
const LAST: ReadonlySet<number | undefined> = new Set(Buffer.from('}]"0123456789el'));

/** Whether an answer is JSON. Of a long one its beginning and its last byte are looked at only: for a type that browsers do not run that is enough. */
export function looksLikeJson(output: Bytes): boolean {
  let [first, last] = [0, output.length - 1];
  while (isSpace(output[first])) first += 1;
  while (isSpace(output[last])) last -= 1;
  if (!FIRST.has(output[first]) || !LAST.has(output[last])) return false;
  const check = new JsonCheck();
  if (output.length > LOOKED_INTO_BYTES) return check.feed(output.subarray(0, LOOKED_INTO_BYTES));
  return isUtf8(output) && check.feed(output) && check.end();
}
