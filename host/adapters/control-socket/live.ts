// What the command does with a running host besides operations: calls a service, and hears events as they come.

import type { IncomingMessage, ServerResponse } from "node:http";
import { bytesOf } from "../../bounds/request-bytes.ts";
import { encodeEvent } from "../../core/cloud-event.ts";
import { HostError } from "../../core/errors.ts";
import type { AdapterContext, Principal } from "../../seams.ts";

export interface LiveDoor {
  readonly context: Pick<AdapterContext, "call" | "follow">;
  readonly principal: Principal;
}

const MAX_PAYLOAD_BYTES = 16 * 1_024 * 1_024;
/** What may wait for whoever listens; what comes beyond is left out, and told. */
const MAX_WAITING_BYTES = 4 * 1_024 * 1_024;

/** `POST /call/<service>?timeoutMs=…`: payload in, answer out. Rejects with HostError. */
export async function callService({ context, principal }: LiveDoor, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://host");
  const service = pathname.slice("/call/".length);
  const timeout = searchParams.get("timeoutMs");
  const payload = await bytesOf(request, MAX_PAYLOAD_BYTES, "the payload");
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const answer = await context.call(principal, {
    ...{ service, payload, signal: gone.signal },
    timeoutMs: timeout === null ? undefined : timeoutOf(timeout),
  });
  response.writeHead(200, { "content-type": "application/octet-stream" }).end(answer);
}

/** `GET /follow?types=…`: one CloudEvent a line, until whoever listens goes away; `{"gap":n}` where n were left out. Throws HostError. */
export function followEvents({ context, principal }: LiveDoor, request: IncomingMessage, response: ServerResponse): void {
  const types = new URL(request.url ?? "", "http://host").searchParams.get("types") ?? "**";
  let gap = 0;
  const undo = context.follow(
    principal,
    types,
    (event) => {
      if (response.writableLength > MAX_WAITING_BYTES) {
        gap += 1;
        return;
      }
      if (gap > 0) response.write(`{"gap":${gap}}\n`);
      gap = 0;
      response.write(`${encodeEvent(event)}\n`);
    },
    () => response.end(),
  );
  response.once("close", undo);
  response.writeHead(200, { "content-type": "application/x-ndjson" }).flushHeaders();
}

function timeoutOf(text: string): number {
  const timeoutMs = Number(text);
  if (Number.isInteger(timeoutMs) && timeoutMs > 0) return timeoutMs;
  throw new HostError("invalid-message", `timeoutMs is "${text}"; write whole milliseconds`);
}
