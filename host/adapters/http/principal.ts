// Who makes a request: asked once, before its body is read.

import type { FastifyRequest } from "fastify";
import { HostError } from "../../core/errors.ts";
import type { AdapterContext, Principal } from "../../seams.ts";
import { credentialsOf, socketCredentialsOf } from "./credentials.ts";
import type { SessionCookies } from "./session-cookie.ts";
import { EVENTS_SOCKET } from "./upgrade.ts";

interface Admitted {
  readonly principal: Principal;
  /** Whether the header Authorization was meant for the host, so that nobody else is to see it. */
  readonly showedToken: boolean;
}

const admitted = new WeakMap<FastifyRequest, Admitted>();

/** Rejects with HostError as `AdapterContext.authenticate` does. */
export async function admit(
  request: FastifyRequest,
  context: Pick<AdapterContext, "authenticate">,
  cookies: SessionCookies,
): Promise<void> {
  const isSocket = request.routeOptions.url === EVENTS_SOCKET;
  const credentials = (isSocket ? socketCredentialsOf : credentialsOf)(request.raw, cookies);
  const refused = credentials.kind === "session" ? cookies.refuse(request.headers, request.method, isSocket) : undefined;
  if (refused !== undefined) throw new HostError("permission-denied", refused);
  const principal = await context.authenticate(credentials);
  admitted.set(request, { principal, showedToken: credentials.kind === "bearer" && principal.name !== "anonymous" });
}

/** Of a request that was let in. */
export function principalOf(request: FastifyRequest): Principal {
  const found = admitted.get(request);
  if (found === undefined) throw new HostError("internal", "the request was not let in");
  return found.principal;
}

export const showedToken = (request: FastifyRequest): boolean => admitted.get(request)?.showedToken === true;
/** Of a path that is open to everybody. */
export const isKnown = (request: FastifyRequest): boolean => admitted.has(request);
