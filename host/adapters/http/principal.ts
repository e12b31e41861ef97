// Who makes a request: asked once, before its body is read.

import type { FastifyRequest } from "fastify";
import { HostError } from "../../core/errors.ts";
import type { AdapterContext, Principal } from "../../seams.ts";
import { credentialsOf, socketCredentialsOf } from "./credentials.ts";
import { notesOf } from "./request-notes.ts";
import type { SessionCookies } from "./session-cookie.ts";
import { EVENTS_SOCKET } from "./upgrade.ts";

export interface AdmitPorts {
  readonly context: Pick<AdapterContext, "authenticate">;
  readonly cookies: SessionCookies;
  readonly asked: { serviceOf(request: FastifyRequest): string | undefined };
}

/** Rejects with HostError as `AdapterContext.authenticate` does. */
export async function admit(request: FastifyRequest, { context, cookies, asked }: AdmitPorts): Promise<void> {
  const isSocket = request.headers.upgrade !== undefined && request.routeOptions.url === EVENTS_SOCKET;
  const credentials = (isSocket ? socketCredentialsOf : credentialsOf)(request, cookies);
  const refused = credentials.kind === "session" ? cookies.refuse(request.headers, request.method, isSocket) : undefined;
  if (refused !== undefined) throw new HostError("permission-denied", refused);
  // Some services are open to whoever comes; who shows something means that.
  const isVisit = credentials.kind === "none" && request.headers.authorization === undefined;
  const principal = await context.authenticate(isVisit ? { ...credentials, service: asked.serviceOf(request) } : credentials);
  notesOf(request).admitted = { principal, showedToken: credentials.kind === "bearer" && principal.name !== "anonymous" };
}

/** Of a request that was let in. */
export function principalOf(request: FastifyRequest): Principal {
  const found = notesOf(request).admitted;
  if (found === undefined) throw new HostError("internal", "the request was not let in");
  return found.principal;
}

export const showedToken = (request: FastifyRequest): boolean => notesOf(request).admitted?.showedToken === true;
/** Of a path that is open to everybody. */
export const isKnown = (request: FastifyRequest): boolean => notesOf(request).admitted !== undefined;
