// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.

import * as host from "bulkhead:plugin/http@0.2.0";
import { asking } from "./host-error.ts";

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
export function fetch(request: Request, body: Uint8Array): Response {
  return asking(() => host.fetch(request, body));
}
