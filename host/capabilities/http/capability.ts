// Requests of plugins to the world, as a capability: `http.fetch`.

import { HostError } from "../../core/errors.ts";
import type { CheckedCall } from "../../core/ports/capability.ts";
import type { Bytes } from "../../core/types.ts";
import type { Capability } from "../../seams.ts";
import { type HttpClientOptions, type HttpRules, httpClientOptions, PluginHttpClient } from "./client.ts";

export const http: Capability<HttpClientOptions> = {
  name: "http",
  options: httpClientOptions,
  async open(opening, options) {
    const functions = httpFunctions(new PluginHttpClient(opening, options));
    return { functions, async [Symbol.asyncDispose]() {} };
  },
};

/** `http.fetch`, answered by this client. */
export function httpFunctions(client: PluginHttpClient): { readonly "http.fetch": HttpFetch } {
  return {
    "http.fetch": {
      needs: "http.fetch",
      async answer(call, request, body) {
        requireSize(call, body);
        return client.fetch(request, body, rulesOf(call));
      },
    },
  };
}

type HttpFetch = NonNullable<import("../../core/ports/capability.ts").CapabilityFunctions["http.fetch"]>;

function requireSize({ limits }: CheckedCall, body: Bytes): void {
  const { payloadBytes } = limits;
  if (body.length > payloadBytes)
    throw new HostError("quota-exceeded", `the body has ${body.length} bytes; the limit is ${payloadBytes} (limits.payloadMiB)`);
}

function rulesOf({ plugin, limits, deadline, ended, require, spend }: CheckedCall): HttpRules {
  return { plugin, require, revoked: ended, deadline, maxAnswerBytes: limits.payloadBytes, spend };
}
