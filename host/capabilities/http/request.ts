// A guest's request, checked: method, URL and headers. What it is about is named for the permission as `METHOD scheme://host:port/path`.

import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";

export interface Header {
  readonly name: string;
  readonly value: string;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: readonly Header[];
}

const MAX_URL_LENGTH = 8_192;
const MAX_HEADERS = 64;
export const MAX_HEADER_BYTES = 16_384;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };
// They speak of the connection, or of where and how long the message is; the host writes them.
const HOSTS_OWN: ReadonlySet<string> = new Set([
  ...["connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"],
  ...["proxy-authenticate", "proxy-authorization", "proxy-connection"],
]);

const headerSchema: z.ZodType<Header> = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/, "write the name of a header")
    .refine((name) => !HOSTS_OWN.has(name.toLowerCase()), "the host writes this header itself; leave it out"),
  value: z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, "write a header's value: no control characters, nothing beyond Latin-1"),
});

const requestSchema = z.strictObject({
  method: z.enum(METHODS),
  url: z.string().max(MAX_URL_LENGTH),
  headers: z.array(headerSchema).max(MAX_HEADERS).default([]),
});

/** As it is sent, with what stands between and behind. */
export const sizeOf = ({ name, value }: Header): number => name.length + value.length + 4;

/** Throws HostError `invalid-message`. */
export function parseRequest(input: unknown): HttpRequest {
  const parsed = requestSchema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(`${issue?.path.join(".") || "it"}: ${issue?.message}`);
  }
  const { method, url, headers } = parsed.data;
  if (headers.reduce((bytes, header) => bytes + sizeOf(header), 0) > MAX_HEADER_BYTES)
    throw malformed(`the headers have more than ${MAX_HEADER_BYTES} bytes`);
  return { method, url: parseUrl(url), headers };
}

/** Throws HostError `invalid-message`. `base` is what a redirect is relative to. */
export function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base);
  if (url === null || DEFAULT_PORTS[url.protocol] === undefined) throw malformed(`"${printable(text)}" is no http or https URL`);
  if (url.username !== "" || url.password !== "") throw malformed("the URL holds a user or a password; use the header authorization");
  url.hash = "";
  return url;
}

/** What `http.fetch` is asked about: method and URL with its port, without query and fragment. */
export function resourceOf(method: string, { protocol, hostname, port, pathname }: URL): string {
  return `${method} ${protocol}//${hostname}:${port || DEFAULT_PORTS[protocol]}${pathname}`;
}

/** The headers of an answer that are about the message and not about the connection. */
export function answerHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Header[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    HOSTS_OWN.has(name) && name !== "content-length" ? [] : [values ?? []].flat().map((value) => ({ name, value })),
  );
}

function malformed(problem: string): HostError {
  return new HostError("invalid-message", `the request is malformed: ${problem}`);
}
