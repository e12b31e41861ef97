// The body of a request, counted before it is kept.

import type { IncomingMessage } from "node:http";
import { HostError } from "../core/errors.ts";

const MIB = 1_024 * 1_024;

/** Rejects with HostError `quota-exceeded` as soon as there are more; `what` is how the message calls it. */
export async function bytesOf(request: IncomingMessage, maxBytes: number, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Whoever sends too much is told so, which a connection that is destroyed could not.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new HostError("quota-exceeded", `${what} has more than ${maxBytes / MIB} MiB, which is the limit`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
