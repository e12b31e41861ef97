// Requests of plugins to the world, as a capability: `http.fetch` and `http.fetch-with`.

import { HostError } from "../../core/errors.ts";
import type { CapabilityFunctions, CheckedCall } from "../../core/ports/capability.ts";
import type { Bytes } from "../../core/types.ts";
import type { BlobTransfers, Capability } from "../../seams.ts";
import { type BodyTarget, requireOneBody } from "./bodies.ts";
import { type HttpClientOptions, type HttpRules, httpClientOptions, PluginHttpClient } from "./client.ts";

export const http: Capability<HttpClientOptions> = {
  name: "http",
  options: httpClientOptions,
  async open(opening, options) {
    const functions = httpFunctions(new PluginHttpClient(opening, options), opening.blobs);
    return { functions, async [Symbol.asyncDispose]() {} };
  },
};

/** Both functions, answered by this client. */
export function httpFunctions(client: PluginHttpClient, blobs: BlobTransfers): Pick<CapabilityFunctions, "http.fetch" | "http.fetch-with"> {
  return {
    "http.fetch": {
      needs: "http.fetch",
      async answer(call, request, body) {
        requireSize(call, body);
        return client.fetch(request, body, rulesOf(call));
      },
    },
    "http.fetch-with": {
      needs: "http.fetch",
      async answer(call, request, body, { timeoutMs, bodyFrom, answerInto }) {
        requireSize(call, body);
        requireOneBody(body, bodyFrom);
        if (timeoutMs === 0) throw new HostError("invalid-message", "timeout-ms is 0; write at least 1, or leave it out");
        const from = bodyFrom === undefined ? undefined : await blobs.source(call.plugin, bodyFrom);
        const into = answerInto === undefined ? undefined : await targetOf(call, blobs, answerInto);
        const answer = await client.fetch(request, body, rulesOf(call), { timeoutMs, from, into });
        return { ...answer, stored: answer.stored };
      },
    },
  };
}

/** Asked before anything is sent: a request may not be one that is made twice. */
async function targetOf({ plugin, limits }: CheckedCall, blobs: BlobTransfers, name: string): Promise<BodyTarget> {
  return {
    room: await blobs.room(plugin, name, limits),
    open: (mediaType) => blobs.begin(plugin, { name, mediaType, metadata: [] }, limits),
  };
}

function requireSize({ limits }: CheckedCall, body: Bytes): void {
  const { payloadBytes } = limits;
  if (body.length > payloadBytes)
    throw new HostError("quota-exceeded", `the body has ${body.length} bytes; the limit is ${payloadBytes} (limits.payloadMiB)`);
}

function rulesOf({ plugin, limits, deadline, ended, require, spend }: CheckedCall): HttpRules {
  return { plugin, require, revoked: ended, deadline, maxAnswerBytes: limits.payloadBytes, spend };
}
