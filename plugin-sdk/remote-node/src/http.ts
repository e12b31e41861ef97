// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.

import { asking } from "./asking.ts";
import type { Shape } from "./blocks.ts";

const httpHeader: Shape = { record: [["name", "name", "string"], ["value", "value", "string"]] };
const httpRequest: Shape = { record: [["method", "method", "string"], ["url", "url", "string"], ["headers", "headers", { list: httpHeader }]] };
const httpResponse: Shape = { record: [["status", "status", "u16"], ["headers", "headers", { list: httpHeader }], ["body", "body", "bytes"]] };
const httpFetchOptions: Shape = { record: [["timeout-ms", "timeoutMs", { option: "u32" }], ["body-from", "bodyFrom", { option: "string" }], ["answer-into", "answerInto", { option: "string" }]] };
const httpFetched: Shape = { record: [["status", "status", "u16"], ["headers", "headers", { list: httpHeader }], ["body", "body", "bytes"], ["stored", "stored", { option: "u64" }]] };

export interface Header {
  readonly name: string;
  readonly value: string;
}

export interface Request {
  /**
   * GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.
   */
  readonly method: string;
  /**
   * With the scheme https or http, without user and password.
   */
  readonly url: string;
  /**
   * `{{secret:NAME}}` in a value is replaced by the host, towards the hosts that the operator named for that secret; it
   * needs `secrets.read` on the name. Host, length and connection headers are the host's own.
   */
  readonly headers: readonly Header[];
}

export interface Response {
  readonly status: number;
  readonly headers: readonly Header[];
  /**
   * As it came: nothing is decompressed. In JSON it is base64 text.
   */
  readonly body: Uint8Array;
}

/**
 * Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well.
 * Needs `http.fetch` on the method and URL; for an address that is not public also `http.private` on the address.
 *
 * Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size),
 * deadline-exceeded, http-failed (the server could not be reached or broke off).
 */
export function fetch(request: Request, body: Uint8Array): Promise<Response> {
  return asking("http.fetch", [[httpRequest, request], ["bytes", body]], httpResponse);
}

export interface FetchOptions {
  /**
   * How long the whole answer may take, in milliseconds; none for as long as the operator and the current turn allow, which it never
   * lengthens.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The name of a blob of the plugin's that is sent as the body; `body` must be empty then.
   */
  readonly bodyFrom?: string | undefined;
  /**
   * The name of the blob that the body of an answer with a status from 200 to 299 goes into, with the answer's media type. It
   * appears whole, or not at all.
   */
  readonly answerInto?: string | undefined;
}

export interface Fetched {
  readonly status: number;
  readonly headers: readonly Header[];
  /**
   * As it came; empty when it went into a blob. In JSON it is base64 text.
   */
  readonly body: Uint8Array;
  /**
   * How many bytes went into the blob `answer-into`; none when the body is in `body`, as that of every other status is.
   */
  readonly stored?: number | undefined;
}

/**
 * Like `fetch`, with a time limit of its own, and with bodies that come out of blobs and go into them without passing through
 * the plugin. What goes into a blob is bounded by `limits.blobMiB`, what comes as `body` by `limits.payloadMiB`.
 *
 * Fails like `fetch`, and with invalid-message (options, a blob that is not there), quota-exceeded (the blob), conflict (the blob that is sent
 * was replaced or removed meanwhile), storage-failed.
 */
export function fetchWith(request: Request, body: Uint8Array, options: FetchOptions): Promise<Fetched> {
  return asking("http.fetch-with", [[httpRequest, request], ["bytes", body], [httpFetchOptions, options]], httpFetched);
}
