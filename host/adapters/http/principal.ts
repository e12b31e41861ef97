// Who is behind a request.

import type { FastifyRequest } from "fastify";
import type { AdapterContext, Principal } from "../../seams.ts";

export type PrincipalOf = (request: FastifyRequest) => Principal;

/** Whoever reaches the port is the same one: nobody is asked who he is. */
export async function principals(context: Pick<AdapterContext, "authenticate">): Promise<PrincipalOf> {
  const anonymous = await context.authenticate({ kind: "none" });
  return () => anonymous;
}
