// Who comes in, and with which bodies.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { HostError } from "../../core/errors.ts";
import { type AskedRequests, isAsItCame } from "./asked.ts";
import { addBodies } from "./bodies.ts";
import { clientError } from "./client-error.ts";
import type { HttpOptions } from "./options.ts";
import { originGuard, refuseBodyType } from "./origin.ts";

/** Looks at every request before its body is read. */
export function addDoor(app: FastifyInstance, { host, allowedHosts, maxBodyBytes }: HttpOptions, asked: AskedRequests): void {
  const refusal = (request: FastifyRequest, type: string | undefined): string | undefined => {
    const known = asked.of(request);
    return isAsItCame(known) ? undefined : refuseBodyType(request.method, type, known.service?.consumes);
  };
  addBodies(app, {
    maxBodyBytes,
    isBlob: (request) => asked.of(request).found?.route.request === "blob",
    refusal,
  });
  const refuseOrigin = originGuard([host, ...allowedHosts]);
  app.addHook("onRequest", async (request) => {
    const refusedOrigin = refuseOrigin(request.headers);
    if (refusedOrigin !== undefined) throw new HostError("permission-denied", refusedOrigin);
    const refusedType = refusal(request, request.headers["content-type"]);
    if (refusedType !== undefined) throw clientError(415, refusedType);
  });
}
