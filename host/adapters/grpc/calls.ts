// Calls of services, and what there is to call.

import type { AdapterContext, CatalogService, Principal } from "../../seams.ts";
import { bytesOf } from "../gateway/grpc/definitions.ts";
import { create, type handleUnaryCall, Metadata, type UntypedServiceImplementation } from "../gateway/grpc/packages.ts";
import {
  type CallRequest,
  type CallResponse,
  CallResponseSchema,
  type ListServicesRequest,
  type ListServicesResponse,
  ListServicesResponseSchema,
  type ServiceDescription,
  ServiceDescriptionSchema,
} from "./doors_pb.ts";
import { principalOf } from "./principal.ts";
import { answering } from "./unary.ts";

type CallContext = Pick<AdapterContext, "call" | "catalog" | "log">;

export function callHandlers(context: CallContext): UntypedServiceImplementation {
  const call: handleUnaryCall<CallRequest, CallResponse> = answering(context.log, async (given, signal, deadlineMs) => {
    const { service, payload } = given.request;
    const [incoming] = given.metadata.get("traceparent");
    const traceparent = incoming === undefined ? undefined : String(incoming);
    const onTrace = (own: string): void => {
      const metadata = new Metadata();
      metadata.set("traceparent", own);
      given.sendMetadata(metadata);
    };
    const principal = principalOf(given);
    const answer = await context.call(principal, { service, payload, traceparent, onTrace, timeoutMs: deadlineMs, signal });
    const declared = context.catalog.for(principal).services.find(({ name }) => name === service);
    return create(CallResponseSchema, { payload: answer, contentType: declared?.produces ?? "" });
  });
  return { call };
}

const PAGE_BYTES = 1_048_576;

export function catalogHandlers(context: Pick<AdapterContext, "catalog" | "log" | "within">): UntypedServiceImplementation {
  const pageOf = (principal: Principal, pageToken: string): ListServicesResponse => {
    const all = context.catalog.for(principal).services.filter((service) => service.public && service.name > pageToken);
    const services: ServiceDescription[] = [];
    let bytes = 0;
    for (const service of all.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      const described = descriptionOf(service);
      bytes += bytesOf(ServiceDescriptionSchema, described).length;
      const last = services.at(-1);
      if (bytes > PAGE_BYTES && last !== undefined) return create(ListServicesResponseSchema, { services, nextPageToken: last.name });
      services.push(described);
    }
    return create(ListServicesResponseSchema, { services });
  };
  const listServices: handleUnaryCall<ListServicesRequest, ListServicesResponse> = answering(context.log, (given) => {
    const principal = principalOf(given);
    // It costs as much as a call, and counts as one.
    return context.within(principal, async () => pageOf(principal, given.request.pageToken));
  });
  return { listServices };
}

function descriptionOf(service: CatalogService): ServiceDescription {
  const { name, provider, description = "", consumes = "", produces = "", readOnly, idempotent, deprecated } = service;
  const schemas = { inputSchema: textOf(service.input), outputSchema: textOf(service.output) };
  return create(ServiceDescriptionSchema, {
    name,
    provider,
    description,
    consumes,
    produces,
    readOnly,
    idempotent,
    deprecated,
    ...schemas,
  });
}

const textOf = (schema: unknown): string => (schema === undefined ? "" : JSON.stringify(schema));
