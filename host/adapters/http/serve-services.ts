// Every service by its name: POST with its input as the body, and GET for what only reads.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { HostError } from "../../core/errors.ts";
import { isDottedName, printable } from "../../core/names.ts";
import type { Bytes, MaybePromise } from "../../core/types.ts";
import { sendOutput } from "./answers.ts";
import { type Asked, type AskedRequests, SERVICE_ROUTE } from "./asked.ts";
import type { HttpCalls } from "./calls.ts";
import { clientError } from "./client-error.ts";
import { bytesOf, readBody, textInput, textOf } from "./payload.ts";

type Payload = (request: FastifyRequest, asked: Asked) => MaybePromise<Bytes>;

export function serveServices(app: FastifyInstance, asked: AskedRequests, calls: HttpCalls): void {
  const answer =
    (payloadOf: Payload, mayHaveKey: boolean) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const { name: service } = request.params as { readonly name: string };
      if (!isDottedName(service)) throw new HostError("invalid-message", `"${printable(service)}" is no service name`);
      const known = asked.of(request);
      const { service: declared } = known;
      const payload = await payloadOf(request, known);
      return sendOutput(reply, await calls.call(request, reply, { service, payload, declared, mayHaveKey }), declared);
    };
  app.post(SERVICE_ROUTE, answer(bodyOf, true));
  app.get(SERVICE_ROUTE, { exposeHeadRoute: false }, async (request, reply) => {
    const { service } = asked.of(request);
    if (service !== undefined && (!service.readOnly || service.consumes !== undefined)) {
      reply.header("allow", "POST");
      throw clientError(
        405,
        `${service.name} is not called with GET, for it is not declared readOnly, or has a body that is no JSON; use POST`,
      );
    }
    return answer(queryOf, false)(request, reply);
  });
}

const bodyOf: Payload = async (request, { service }) => {
  if (service?.consumes !== undefined) return bytesOf(request);
  return (await readBody(request))?.bytes ?? bytesOf(request);
};

const queryOf: Payload = ({ query }, { service }) => textInput({}, textOf(service, query));
