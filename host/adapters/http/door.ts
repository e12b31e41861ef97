// Who comes in, and with which bodies.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { HostError } from "../../core/errors.ts";
import type { AdapterContext } from "../../seams.ts";
import { type AskedRequests, isAsItCame } from "./asked.ts";
import { addBodies } from "./bodies.ts";
import { clientError } from "./client-error.ts";
import type { HttpOptions } from "./options.ts";
import { originGuard, refuseBodyType } from "./origin.ts";
import { OPEN_TO_EVERYBODY } from "./paths.ts";
import { admit } from "./principal.ts";

export interface DoorPorts {
  readonly options: Pick<HttpOptions, "host" | "allowedHosts">;
  readonly context: Pick<AdapterContext, "authenticate" | "tls">;
  readonly asked: AskedRequests;
}

/** Looks at every request before its body is read. */
export function addDoor(app: FastifyInstance, { options: { host, allowedHosts }, context, asked }: DoorPorts): void {
  const refusal = (request: FastifyRequest, type: string | undefined): string | undefined => {
    const known = asked.of(request);
    return isAsItCame(known) ? undefined : refuseBodyType(request.method, type, known.service?.consumes);
  };
  addBodies(app, {
    isBlob: (request) => asked.of(request).found?.route.request === "blob",
    refusal,
  });
  const refuseOrigin = originGuard([host, ...allowedHosts], context.tls === undefined ? "http" : "https");
  app.addHook("onRequest", async (request) => {
    const refusedOrigin = refuseOrigin(request.headers);
    if (refusedOrigin !== undefined) throw new HostError("permission-denied", refusedOrigin);
    await admit(request, context).catch((refused: unknown) => {
      if (!OPEN_TO_EVERYBODY.has(request.routeOptions.url)) throw refused;
    });
    const refusedType = refusal(request, request.headers["content-type"]);
    if (refusedType !== undefined) throw clientError(415, refusedType);
  });
}
