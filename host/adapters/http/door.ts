// Who comes in, and with which bodies.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { UNAUTHENTICATED } from "../../bounds/error-answers.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import type { AdapterContext } from "../../seams.ts";
import { type AskedRequests, isAsItCame } from "./asked.ts";
import { addBodies } from "./bodies.ts";
import { clientError } from "./client-error.ts";
import type { HttpOptions } from "./options.ts";
import { originGuard, refuseBodyType } from "./origin.ts";
import { DOCS_PAGE, LOGIN, OPEN_TO_EVERYBODY } from "./paths.ts";
import { admit } from "./principal.ts";
import { addNotes } from "./request-notes.ts";
import { isReturn } from "./serve-issuer-login.ts";
import type { SessionCookies } from "./session-cookie.ts";

export interface DoorPorts {
  readonly options: Pick<HttpOptions, "host" | "allowedHosts">;
  readonly context: Pick<AdapterContext, "authenticate" | "tls">;
  readonly asked: AskedRequests;
  readonly cookies: SessionCookies;
}

/** Looks at every request before its body is read. */
export function addDoor(app: FastifyInstance, { options: { host, allowedHosts }, context, asked, cookies }: DoorPorts): void {
  const refusal = (request: FastifyRequest, type: string | undefined): string | undefined => {
    const known = asked.of(request);
    return isAsItCame(known) ? undefined : refuseBodyType(request.method, type, known.service?.consumes);
  };
  addBodies(app, {
    isBlob: (request) => asked.of(request).found?.route.request === "blob",
    refusal,
  });
  addNotes(app);
  const admitting = { context, cookies, asked };
  const refuseOrigin = originGuard([host, ...allowedHosts], context.tls === undefined ? "http" : "https");
  app.addHook("onRequest", async (request, reply) => {
    const refusedOrigin = refuseOrigin(isReturn(request) ? { host: request.headers.host } : request.headers);
    if (refusedOrigin !== undefined) throw new HostError("permission-denied", refusedOrigin);
    try {
      await admit(request, admitting);
    } catch (thrown) {
      const { url } = request.routeOptions;
      if (url === DOCS_PAGE && isVisit(request) && toHostError(thrown).reason === UNAUTHENTICATED)
        return reply.redirect(`${LOGIN}?to=docs`, 302);
      if (!OPEN_TO_EVERYBODY.has(url)) throw thrown;
    }
    const refusedType = refusal(request, request.headers["content-type"]);
    if (refusedType !== undefined) throw clientError(415, refusedType);
  });
}

/** Whether somebody opens it in a browser. */
const isVisit = ({ headers }: FastifyRequest): boolean => headers["sec-fetch-dest"] === "document";
