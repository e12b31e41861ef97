// Events over WebSocket: several subscriptions on one connection, and events that the client publishes. What comes is JSON text, counted before it is read.

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { HostError, toHostError } from "../../core/errors.ts";
import type { AdapterContext, Principal } from "../../seams.ts";
import type { EndReason, EventStream, Outlet } from "../gateway/event-stream.ts";
import type { EventStreams } from "../gateway/event-streams.ts";
import type { KeptEvent } from "../gateway/event-window.ts";
import { wantedEvents } from "../gateway/wanted-events.ts";
import { jsonWithin } from "./event-frames.ts";
import { eventOf, jsonOf, messageOf, refOf, type SocketMessage, type Subscribe } from "./event-messages.ts";
import { MESSAGES_PER_SECOND, type MessageRate, type MessageRates } from "./message-rates.ts";

export const MAX_SUBSCRIPTIONS = 16;

/** Of RFC 6455. */
const CLOSE = { stopping: 1001, unsupported: 1003, unauthenticated: 1008 } as const;

export interface EventSocketPorts {
  readonly context: Pick<AdapterContext, "publish" | "clock">;
  readonly streams: EventStreams;
  readonly rates: MessageRates;
}

export interface OpenedSocket {
  readonly stream: EventStream;
  /** To be called with the connection that the stream is for. */
  readonly serve: (webSocket: WebSocket, socket: Socket) => void;
}

/** Opens a stream of the principal. Throws HostError as `EventStreams.open` does. */
export function openEventSocket(ports: EventSocketPorts, principal: Principal): OpenedSocket {
  const outlet = new WebSocketOutlet();
  const stream = ports.streams.open(principal, outlet);
  const serve: OpenedSocket["serve"] = (webSocket, socket) => {
    outlet.connect(webSocket, socket);
    new EventSocket({ ...ports, principal, webSocket, stream }).serve(socket);
  };
  return { stream, serve };
}

interface Parts extends EventSocketPorts {
  readonly principal: Principal;
  readonly webSocket: WebSocket;
  readonly stream: EventStream;
}

class EventSocket {
  readonly #ports: Parts;
  readonly #rate: MessageRate;
  #made = 0;
  #cancelPause: (() => void) | undefined;

  constructor(ports: Parts) {
    this.#ports = ports;
    this.#rate = ports.rates.connect(ports.principal.name);
  }

  serve(socket: Socket): void {
    const { webSocket, stream } = this.#ports;
    socket.on("drain", () => stream.ready());
    // What the client did wrong it has been told with the closing.
    webSocket.on("error", () => {});
    webSocket.once("close", () => {
      this.#cancelPause?.();
      this.#rate.release();
      stream.close();
    });
    webSocket.on("message", (data, isBinary) => {
      if (isBinary) webSocket.close(CLOSE.unsupported, "send JSON text");
      else this.#heard(data as Buffer);
    });
  }

  #heard(data: Buffer): void {
    // What had come by the time of a pause is left out.
    if (this.#cancelPause !== undefined) return;
    const waitMs = this.#rate.take();
    if (waitMs > 0) return this.#pause(waitMs);
    let ref: string | undefined;
    try {
      const given = jsonOf(data);
      ref = refOf(given);
      this.#do(messageOf(given));
    } catch (thrown) {
      this.#failed(thrown, ref);
    }
  }

  /** Reads on when it may, so that whoever floods waits in his own socket. */
  #pause(waitMs: number): void {
    const { context, webSocket } = this.#ports;
    const limit = `the limit is ${MESSAGES_PER_SECOND} messages a second for each principal; the host reads on in ${waitMs} ms and has left out what it had read`;
    this.#failed(new HostError("rate-limited", limit, { retryAfterMs: waitMs }), undefined);
    webSocket.pause();
    this.#cancelPause = context.clock.after(waitMs, () => {
      this.#cancelPause = undefined;
      webSocket.resume();
    });
  }

  #do({ ref, subscribe, unsubscribe, publish }: SocketMessage): void {
    if (subscribe !== undefined) this.#subscribe(subscribe, ref);
    else if (unsubscribe !== undefined) {
      if (!this.#ports.stream.unfollow(unsubscribe))
        throw new HostError("invalid-message", "unsubscribe: the connection has no such subscription");
      this.#answer({ ref, unsubscribed: unsubscribe });
    } else if (publish !== undefined)
      this.#ports.context.publish(this.#ports.principal, eventOf(publish)).then(
        (published) => this.#answer({ ref, published }),
        (thrown: unknown) => this.#failed(thrown, ref),
      );
  }

  #subscribe({ after, ...query }: Subscribe, ref: string | undefined): void {
    if (this.#ports.stream.followed >= MAX_SUBSCRIPTIONS)
      throw new HostError(
        "quota-exceeded",
        `a connection has ${MAX_SUBSCRIPTIONS} subscriptions, which is the limit; unsubscribe from one`,
      );
    this.#made += 1;
    const subscribed = String(this.#made);
    const id = this.#ports.stream.follow(subscribed, wantedEvents(query), after);
    this.#answer({ ref, subscribed, id });
  }

  #failed(thrown: unknown, ref: string | undefined): void {
    const { code, message, reason, retryAfterMs } = toHostError(thrown);
    this.#answer({ ref, error: { code, message, reason, retryAfterMs } });
  }

  #answer(answer: object): void {
    this.#ports.stream.answer(Buffer.from(JSON.stringify(answer)));
  }
}

class WebSocketOutlet implements Outlet {
  #connected: { readonly webSocket: WebSocket; readonly socket: Socket } | undefined;
  #hasAnswered = true;

  connect(webSocket: WebSocket, socket: Socket): void {
    this.#connected = { webSocket, socket };
    webSocket.on("pong", () => {
      this.#hasAnswered = true;
    });
  }

  eventMessage({ frame }: KeptEvent, id: string, subscription: string): readonly Buffer[] {
    return [Buffer.from(`{"id":"${id}","subscription":"${subscription}","event":`), jsonWithin(frame, id), END];
  }

  gapMessage(missed: number | null, id: string, subscription: string): Buffer {
    return Buffer.from(JSON.stringify({ id, subscription, gap: { missed } }));
  }

  write(piece: Buffer, isLast: boolean): boolean {
    this.#connected?.webSocket.send(piece, { binary: false, fin: isLast });
    return this.#connected?.socket.writableNeedDrain !== true;
  }

  ping(): void {
    if (!this.#hasAnswered) return this.cut();
    this.#hasAnswered = false;
    this.#connected?.webSocket.ping();
  }

  end(reason: EndReason): void {
    const { webSocket } = this.#connected ?? {};
    webSocket?.send(JSON.stringify({ end: { reason } }));
    webSocket?.close(CLOSE[reason], reason);
  }

  cut(): void {
    this.#connected?.webSocket.terminate();
  }
}

const END = Buffer.from("}");
