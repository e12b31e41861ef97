// What the command does with a running host besides operations: calls a service, and hears events and log lines as they come.

import type { IncomingMessage, ServerResponse } from "node:http";
import { isWanted, type LinePage } from "../../bounds/recent-lines.ts";
import { bytesOf } from "../../bounds/request-bytes.ts";
import { encodeEvent } from "../../core/cloud-event.ts";
import { HostError } from "../../core/errors.ts";
import type { LoggedLine } from "../../core/ports/log.ts";
import type { AdapterContext, Principal } from "../../seams.ts";

export interface LiveDoor {
  readonly context: Pick<AdapterContext, "call" | "follow" | "operate" | "openStream" | "written">;
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
  const write = linesTo(response);
  const undo = context.follow(
    principal,
    types,
    (event) => write(() => encodeEvent(event)),
    () => response.end(),
  );
  response.once("close", undo);
  begin(response);
}

/**
 * `GET /logs?plugin=…&level=…&limit=…`: the last lines and then each that comes, as JSON, until whoever listens goes away; `{"gap":n}` where n were left out.
 * Needs what the operation `logs` needs. Rejects with HostError.
 */
export async function followLog({ context, principal }: LiveDoor, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = Object.fromEntries(new URL(request.url ?? "", "http://host").searchParams);
  const { limit, ...wanted } = asked;
  const page = (await context.operate(principal, "logs", { ...wanted, ...(limit !== undefined && { limit: Number(limit) }) })) as LinePage;
  if (response.destroyed) return;
  const write = linesTo(response);
  const tell = (line: LoggedLine): void => {
    if (isWanted(line, wanted)) write(() => JSON.stringify(line));
  };
  const close = context.openStream(principal, () => response.end());
  const undo = context.written.follow(tell);
  response.once("close", () => {
    undo();
    close();
  });
  begin(response);
  for (const line of page.lines) tell(line);
  // What was written while the host made up its mind.
  for (const line of context.written.recent()) if (line.seq > page.next) tell(line);
}

/** Writes lines as far as they are taken, and where not, how many they were. */
function linesTo(response: ServerResponse): (line: () => string) => void {
  let gap = 0;
  return (line) => {
    if (response.writableLength > MAX_WAITING_BYTES) {
      gap += 1;
      return;
    }
    if (gap > 0) response.write(`{"gap":${gap}}\n`);
    gap = 0;
    response.write(`${line()}\n`);
  };
}

function begin(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/x-ndjson" }).flushHeaders();
}

function timeoutOf(text: string): number {
  const timeoutMs = Number(text);
  if (Number.isInteger(timeoutMs) && timeoutMs > 0) return timeoutMs;
  throw new HostError("invalid-message", `timeoutMs is "${text}"; write whole milliseconds`);
}
