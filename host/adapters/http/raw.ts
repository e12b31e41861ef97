// Raw routes: the request as it came, and an answer with status and headers. Both are a line of JSON, the head, and behind its line feed the bytes of the body,
// so that no language needs to decode or copy a body to read it (docs/configuration.md, decision 21).

import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { BlobInfo } from "../../seams.ts";
import { ALWAYS_GIVEN, ANSWERABLE, CREDENTIALS } from "./raw-headers.ts";
import { withoutOurs } from "./session-cookie.ts";
import type { Members } from "./splice.ts";

/** Of a request: what is more is answered with 431. */
const MAX_GIVEN_HEADERS = 64;
/** Of an answer. Node takes no larger one from a client either. */
const MAX_HEAD_BYTES = 16_384;
const MAX_VALUE_LENGTH = 4_096;
const LINE_FEED = 0x0a;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Statuses that have no body, whatever is sent. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
/** A client follows these with its method and body, to where a plugin says. */
const CARRIES_BODY_ON: ReadonlySet<number> = new Set([307, 308]);

interface Header {
  readonly name: string;
  readonly value: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: Bytes;
  /** The name of the blob that is the body. */
  readonly blob: string | undefined;
}

/** What a plugin is given of a request beside the request itself. */
export interface RawRules {
  readonly params: Members;
  /** Headers that the route names. */
  readonly named: readonly string[];
  /** Those with credentials that the operator allows. */
  readonly mayHave: readonly string[];
  /** Where the body is, when it is not behind the head. */
  readonly blob?: BlobInfo | undefined;
}

/** What a plugin's raw route is given: of headers what is named there, of those with credentials what the operator says too. */
export function rawInput(request: FastifyRequest, { params, named, mayHave, blob }: RawRules): Uint8Array {
  const { method, url } = request;
  const [path = "", query = ""] = splitOnce(url, "?");
  const head = { method, path, query, params, headers: givenHeaders(request, named, mayHave), ...(blob && { blob: partOf(blob) }) };
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]);
}

const partOf = ({ name, mediaType, size, etag }: BlobInfo): object => ({ name, mediaType, size, etag });

const splitOnce = (text: string, at: string): readonly string[] => {
  const found = text.indexOf(at);
  return found < 0 ? [text] : [text.slice(0, found), text.slice(found + 1)];
};

function givenHeaders({ raw }: FastifyRequest, named: readonly string[], mayHave: readonly string[]): readonly Header[] {
  const isCredential = (name: string): boolean => CREDENTIALS.some((one) => one === name);
  const wanted = new Set([...ALWAYS_GIVEN, ...named.filter((name) => !isCredential(name) || mayHave.includes(name))]);
  const given: Header[] = [];
  for (const [name, values = []] of Object.entries(raw.headersDistinct)) {
    if (wanted.has(name))
      for (const value of name === "cookie" ? values.map(withoutOurs).filter((one) => one !== "") : values) given.push({ name, value });
    if (given.length > MAX_GIVEN_HEADERS) {
      const message = `the request has more than ${MAX_GIVEN_HEADERS} of the headers that this route is given`;
      throw Object.assign(new Error(message), { statusCode: 431 });
    }
  }
  return given;
}

const headSchema: z.ZodType<Pick<RawAnswer, "status" | "headers"> & { readonly blob?: string | undefined }> = z.strictObject({
  status: z.int().min(200).max(599).default(200),
  blob: z.string().optional(),
  headers: z
    .array(
      z.strictObject({
        name: z
          .string()
          .max(64)
          .toLowerCase()
          .refine((name) => ANSWERABLE.has(name), {
            error: `is no header that a plugin may answer with; those are ${[...ANSWERABLE].join(", ")}`,
          }),
        // Without control characters no value ends its line.
        value: z
          .string()
          .max(MAX_VALUE_LENGTH)
          .regex(/^[\x20-\x7e]*$/, "has other characters than printable ASCII"),
      }),
    )
    .max(ANSWERABLE.size)
    .default([]),
});

/** Reads what a raw route answered. Throws HostError `plugin-failed`, naming what is wrong, for what is none. */
export function rawAnswer(plugin: string, output: Bytes): RawAnswer {
  const wrong = (what: string): HostError => new HostError("plugin-failed", `${plugin} answered what is no raw answer: ${what}`);
  // Without bytes in between, so that a large body is not looked through.
  const end = output.subarray(0, MAX_HEAD_BYTES).indexOf(LINE_FEED);
  if (end < 0)
    throw wrong(`its first ${MAX_HEAD_BYTES} bytes have no line feed; write {"status":200,"headers":[]}, a line feed, and the body`);
  const parsed = headSchema.safeParse(jsonOf(output.subarray(0, end), wrong));
  if (!parsed.success) throw wrong(parsed.error.issues.map(({ path, message }) => `${path.join(".") || "its head"} ${message}`).join("; "));
  const { status, headers, blob } = parsed.data;
  const body = output.subarray(end + 1);
  const [twice] = headers.filter(({ name }, i) => headers.findIndex((one) => one.name === name) !== i);
  if (twice !== undefined) throw wrong(`it has the header ${twice.name} twice`);
  if (blob !== undefined && body.length > 0) throw wrong("it has a body and names a blob for it");
  if (WITHOUT_BODY.has(status) && (body.length > 0 || blob !== undefined)) throw wrong(`an answer with the status ${status} has no body`);
  if (CARRIES_BODY_ON.has(status)) throw wrong(`the status ${status} would send what the client sent elsewhere; redirect with 303`);
  const location = headers.find(({ name }) => name === "location")?.value;
  if (location !== undefined && !leadsBelow(plugin, location)) throw wrong(`its location must be a path below /${plugin}`);
  return { status, headers, body, blob };
}

function jsonOf(head: Bytes, wrong: (what: string) => HostError): unknown {
  try {
    return JSON.parse(decoder.decode(head));
  } catch {
    throw wrong("its first line is no JSON");
  }
}

/** Elsewhere is what the client did not ask for: another plugin's routes, the host's own, or a site that only looks like ours. */
function leadsBelow(plugin: string, location: string): boolean {
  const ours = "http://host.invalid";
  const url = location.startsWith("/") && !location.includes("\\") ? URL.parse(location, ours) : null;
  return url !== null && url.origin === ours && (url.pathname === `/${plugin}` || url.pathname.startsWith(`/${plugin}/`));
}
