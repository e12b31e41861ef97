// How the body of a request is read: collected, or brought into a blob of the plugin whose route says so, past all memory but that of a piece.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { BoundedBytes } from "../../bounds/bytes.ts";
import { HostError } from "../../core/errors.ts";
import type { AdapterContext, BlobInfo, IncomingBlob, Principal } from "../../seams.ts";
import { clientError } from "./client-error.ts";
import type { HttpOptions } from "./options.ts";
import { BODY_TYPES } from "./origin.ts";

export interface BodyRules {
  isBlob(request: FastifyRequest): boolean;
  /** Why a body of this type, which may be none, is refused; undefined when it is not. */
  refusal(request: FastifyRequest, type: string): string | undefined;
}

/** Bodies are bytes to their handlers; those of routes with blobs are left for them to read. */
export function addBodies(app: FastifyInstance, { isBlob, refusal }: BodyRules): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...Object.values(BODY_TYPES), "*"], async (request: FastifyRequest) => {
    if (isBlob(request)) return undefined;
    const { "content-type": type = "" } = request.headers;
    const refused = refusal(request, type);
    if (refused !== undefined) throw clientError(415, refused);
    return collected(request, request.routeOptions.bodyLimit ?? 0);
  });
}

async function collected(request: FastifyRequest, maxBytes: number): Promise<Buffer> {
  if (declaredBytes(request) > maxBytes) throw clientError(413);
  const body = new BoundedBytes({ maxBytes, tooLarge: () => clientError(413) as never, sender: "the client" });
  for await (const piece of piecesOf(request)) {
    try {
      body.add(piece);
    } catch (thrown) {
      throw thrown instanceof HostError ? clientError(400, thrown.message) : thrown;
    }
  }
  return body.take();
}

const declaredBytes = ({ headers }: FastifyRequest): number => Number(headers["content-length"] ?? 0);

/** Leaves the connection open, over which the answer goes, also when not all of it is read. */
async function* piecesOf({ raw }: FastifyRequest): AsyncGenerator<Buffer> {
  try {
    yield* raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (thrown) {
    throw raw.destroyed ? clientError(400, "the client broke off") : thrown;
  }
}

export interface Receiving {
  readonly context: AdapterContext;
  readonly caller: Principal;
  readonly service: string;
  readonly options: Pick<HttpOptions, "maxBlobBytes">;
}

export interface ReceivedBody {
  readonly blob: BlobInfo;
  /** Removes it, unless the plugin has given it a name of its own. */
  release(): Promise<void>;
}

/** Rejects with HostError `quota-exceeded` before anything is read of what is too large by its own account, and `rate-limited`. */
export async function receiveBlob(request: FastifyRequest, { context, caller, service, options }: Receiving): Promise<ReceivedBody> {
  const { maxBlobBytes } = options;
  const tooLarge = (): HostError =>
    new HostError("quota-exceeded", `the body has more than ${maxBlobBytes} bytes, which is the limit (adapters.http.maxBlobBytes)`);
  const declared = declaredBytes(request);
  if (declared > maxBlobBytes) throw tooLarge();
  const incoming = await context.blobs.receive(caller, service, request.headers["content-type"] ?? BODY_TYPES.bytes);
  try {
    requireRoom(incoming, declared, service);
    let bytes = 0;
    for await (const piece of piecesOf(request)) {
      bytes += piece.length;
      if (bytes > maxBlobBytes) throw tooLarge();
      await incoming.write(piece);
    }
    const blob = await incoming.finish();
    return { blob, release: () => incoming.release() };
  } catch (thrown) {
    await incoming.discard();
    throw thrown;
  }
}

function requireRoom(incoming: IncomingBlob, declared: number, service: string): void {
  const room = incoming.room();
  if (declared > room)
    throw new HostError(
      "quota-exceeded",
      `the body has ${declared} bytes; the plugin of ${service} has room for ${room} in its blobs (limits.blobMiB)`,
    );
}
