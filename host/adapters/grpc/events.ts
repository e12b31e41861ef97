// Events as a stream of messages, and events that a client publishes.

import { parseJsonInput } from "../../bounds/json-input.ts";
import { isJson } from "../../core/cloud-event.ts";
import type { CloudEvent } from "../../core/types.ts";
import type { AdapterContext } from "../../seams.ts";
import type { EndReason, Outlet } from "../gateway/event-stream.ts";
import type { EventStreams } from "../gateway/event-streams.ts";
import type { EncodedEvent, KeptEvent } from "../gateway/event-window.ts";
import { bytesOf, pathOf } from "../gateway/grpc/definitions.ts";
import {
  create,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerWritableStream,
  status,
  type UntypedServiceImplementation,
} from "../gateway/grpc/packages.ts";
import { statusOf } from "../gateway/grpc/status.ts";
import { eventQuerySchema, malformedQuery, type WantedEvents, wantedEvents } from "../gateway/wanted-events.ts";
import {
  EventService,
  type FollowRequest,
  type FollowResponse,
  FollowResponseSchema,
  type PublishRequest,
  type PublishResponse,
  PublishResponseSchema,
} from "./doors_pb.ts";
import { principalOf } from "./principal.ts";
import { answering } from "./unary.ts";

export const FOLLOW: string = pathOf(EventService, "Follow");

const JSON_TYPE = "application/json";
const NO_DATA = new Uint8Array(0);
/** Written and not yet taken by the connection, beside the piece that passes it. */
const UNSENT_BYTES = 65_536;

type Kind = FollowResponse["kind"];
const encoded = (kind: Kind): Buffer => bytesOf(FollowResponseSchema, create(FollowResponseSchema, { kind }));

/** The message with the event, whose data filters read where they lie in it. */
export function eventMessage({ id, source, type, time, contentType, data, traceparent }: CloudEvent, position: string): EncodedEvent {
  const frame = encoded({
    case: "event",
    value: { $typeName: "bulkhead.v1.Event", position, id, source, type, time, contentType, data, traceparent },
  });
  if (!isJson(contentType)) return { frame, data: NO_DATA };
  const at = frame.indexOf(data);
  return { frame, data: at === -1 ? data.slice() : frame.subarray(at, at + data.length) };
}

export interface EventPorts {
  readonly context: Pick<AdapterContext, "publish" | "log">;
  readonly streams: EventStreams;
  /** Ends the connection of a client that takes nothing more. */
  cut(call: ServerWritableStream<FollowRequest, Buffer>): void;
}

export function eventHandlers({ context, streams, cut }: EventPorts): UntypedServiceImplementation {
  const follow: handleServerStreamingCall<FollowRequest, Buffer> = (call) => {
    try {
      const wanted = wantedOf(call.request);
      const outlet = new FollowOutlet(call, () => cut(call));
      const stream = streams.open(principalOf(call), outlet);
      outlet.onReady = () => stream.ready();
      call.on("cancelled", () => stream.close());
      const { after } = call.request;
      const id = stream.follow("", wanted, after === "" ? undefined : after);
      outlet.open(id);
      if (call.cancelled) stream.close();
    } catch (thrown) {
      call.emit("error", statusOf(thrown, context.log));
    }
  };
  const publish: handleUnaryCall<PublishRequest, PublishResponse> = answering(context.log, async (call) => {
    const { type, contentType, data } = call.request;
    const [incoming] = call.metadata.get("traceparent");
    const traceparent = incoming === undefined ? undefined : String(incoming);
    const event = { type, contentType: contentType === "" ? JSON_TYPE : contentType, data, traceparent };
    return create(PublishResponseSchema, { id: await context.publish(principalOf(call), event) });
  });
  return { follow, publish };
}

/** Throws HostError `invalid-message` with the field that is wrong. */
function wantedOf({ types, source, filter }: FollowRequest): WantedEvents {
  const given = {
    ...(types.length > 0 && { types }),
    ...(source !== "" && { source }),
    ...(filter !== "" && { filter: parseJsonInput(Buffer.from(filter), "the field filter") }),
  };
  const parsed = eventQuerySchema.safeParse(given);
  if (!parsed.success) throw malformedQuery("the request", parsed.error);
  return wantedEvents(parsed.data);
}

class FollowOutlet implements Outlet {
  readonly #call: ServerWritableStream<FollowRequest, Buffer>;
  readonly #cut: () => void;
  #unsent = 0;
  #isInParts = false;
  onReady: () => void = () => {};

  constructor(call: ServerWritableStream<FollowRequest, Buffer>, cut: () => void) {
    this.#call = call;
    this.#cut = cut;
  }

  open(id: string): void {
    this.#send(encoded({ case: "opened", value: { $typeName: "bulkhead.v1.Position", id } }));
  }

  eventMessage({ frame }: KeptEvent): readonly Buffer[] {
    return [frame];
  }

  gapMessage(missed: number | null, position: string): Buffer {
    const counted = missed === null ? {} : { missed: BigInt(missed) };
    return encoded({ case: "gap", value: { $typeName: "bulkhead.v1.Gap", position, ...counted } });
  }

  write(bytes: Buffer, isLast: boolean): boolean {
    const isPart = this.#isInParts || !isLast;
    this.#isInParts = !isLast;
    return this.#send(isPart ? encoded({ case: "part", value: { $typeName: "bulkhead.v1.Part", bytes, last: isLast } }) : bytes);
  }

  ping(id: string = ""): void {
    this.#send(encoded({ case: "alive", value: { $typeName: "bulkhead.v1.Position", id } }));
  }

  end(reason: EndReason): void {
    const code = reason === "stopping" ? status.UNAVAILABLE : status.UNAUTHENTICATED;
    this.#call.emit("error", {
      code,
      details: reason === "stopping" ? "the host is stopping" : "who it is has been revoked or has expired",
    });
  }

  cut(): void {
    this.#cut();
  }

  #send(message: Buffer): boolean {
    this.#unsent += message.length;
    this.#call.write(message, () => {
      const wasFull = this.#unsent > UNSENT_BYTES;
      this.#unsent -= message.length;
      if (wasFull && this.#unsent <= UNSENT_BYTES) this.onReady();
    });
    return this.#unsent <= UNSENT_BYTES;
  }
}
