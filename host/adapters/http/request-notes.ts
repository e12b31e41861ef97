// What is found out about a request on its way in, once. On the request itself: a table beside it would cost the garbage collector more than all of the rest.

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Principal } from "../../seams.ts";
import type { FoundRoute } from "./plugin-routes.ts";

interface Admitted {
  readonly principal: Principal;
  /** Whether the header Authorization was meant for the host, so that nobody else is to see it. */
  readonly showedToken: boolean;
}

/** Where a request leads, whoever makes it. */
export interface Target {
  readonly found: FoundRoute | undefined;
  /** The service's name. */
  readonly name: string | undefined;
}

export interface Notes<Asked = unknown> {
  admitted?: Admitted | undefined;
  target?: Target | undefined;
  asked?: Asked | undefined;
}

const NOTES: unique symbol = Symbol("notes");
type Noted = FastifyRequest & { [NOTES]?: Notes | null };

/** Before the first request. */
export const addNotes = (app: FastifyInstance): unknown => app.decorateRequest(NOTES, null);

export function notesOf(request: Noted): Notes {
  const notes: Notes = request[NOTES] ?? {};
  request[NOTES] = notes;
  return notes;
}
