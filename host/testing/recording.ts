// What a plugin under test did: events, calls of services, log lines, and what its last turn cost. It only watches.

import { isJson } from "../core/cloud-event.ts";
import { HostError } from "../core/errors.ts";
import type { Cell, Turn } from "../core/ports/cell.ts";
import type { LogLevel, LogLine, LogSink } from "../core/ports/log.ts";
import type { EndedTurn } from "../core/turn.ts";
import type { Bytes, CloudEvent, Usage } from "../core/types.ts";
import { blockCodec } from "../engine/guest/blocks.ts";
import { Payload } from "./payload.ts";

/** A CloudEvent as the host stamped it. */
export interface PublishedEvent extends Omit<CloudEvent, "data" | "parent"> {
  /** What the JSON says; bytes for every other content type. */
  readonly data: unknown;
}

export interface LoggedLine {
  readonly level: LogLevel;
  readonly message: string;
}

export interface CalledService {
  readonly service: string;
  readonly payload: Payload;
  /** How the call failed: `permission-denied`, `no-such-service`, or what the service threw. Undefined while it runs and when it succeeded. */
  readonly error: HostError | undefined;
}

export interface SentMessage {
  readonly service: string;
  readonly payload: Payload;
  readonly durable: boolean;
  /** Undefined when it was refused. */
  readonly id: string | undefined;
  /** Why it was refused. How one that was taken fails, nobody who sends is told. */
  readonly error: HostError | undefined;
}

/** What a turn cost; its entry point is the export that was entered. */
export interface LastTurn extends Usage {
  readonly entryPoint: string;
}

/** In the order in which things happened, over restarts too. */
export class Recording {
  readonly published: PublishedEvent[] = [];
  readonly called: CalledService[] = [];
  readonly sent: SentMessage[] = [];
  readonly logged: LoggedLine[] = [];
  readonly hostLogged: LogLine[] = [];
  /** Events that the test publishes itself. */
  readonly fromTest: WeakSet<CloudEvent> = new WeakSet();
  lastTurn: LastTurn | undefined;

  /** What a cell passes on; with a cause it is what the host itself says of a fault. */
  readonly log: LogSink = {
    write: (line) =>
      void (line.cause === undefined ? this.logged.push({ level: line.level, message: line.message }) : this.hostLogged.push(line)),
  };
  readonly hostLog: LogSink = { write: (line) => void this.hostLogged.push(line) };

  addEvent(event: CloudEvent): void {
    if (this.fromTest.has(event)) return;
    const payload = new Payload(event.data);
    const { parent: _, ...attributes } = event;
    this.published.push({ ...attributes, data: isJson(event.contentType) ? payload.json() : payload.bytes });
  }

  addTurn({ entryPoint, outcome }: EndedTurn): void {
    this.lastTurn = { entryPoint, ...outcome.usage };
  }

  /** The same cell, with what its guest calls written down. */
  watch(cell: Cell): Cell {
    return {
      ended: cell.ended,
      load: (image, hold) => cell.load(image, hold),
      run: (turn) => cell.run({ ...turn, answer: (name, args) => this.#answered(turn, name, args) }),
      unload: (plugin) => cell.unload(plugin),
      [Symbol.asyncDispose]: () => cell[Symbol.asyncDispose](),
    };
  }

  async #answered(turn: Turn, name: string, args: readonly Bytes[]): Promise<Bytes> {
    if (name === "services.send") return this.#sent(turn, args);
    if (name !== "services.call") return turn.answer(name, args);
    const [service, payload] = blockCodec.decode("services.call", args);
    const call: { -readonly [K in keyof CalledService]: CalledService[K] } = { service, payload: new Payload(payload), error: undefined };
    this.called.push(call);
    return turn.answer(name, args).catch((thrown: unknown) => {
      if (thrown instanceof HostError) call.error = thrown;
      throw thrown;
    });
  }

  async #sent(turn: Turn, args: readonly Bytes[]): Promise<Bytes> {
    const [service, payload, { durable }] = blockCodec.decode("services.send", args);
    const message = { service, payload: new Payload(payload), durable };
    const place = this.sent.push({ ...message, id: undefined, error: undefined }) - 1;
    try {
      const answer = await turn.answer("services.send", args);
      // Its first byte says that it is one.
      this.sent[place] = { ...message, id: new TextDecoder().decode(answer.subarray(1)), error: undefined };
      return answer;
    } catch (thrown) {
      if (thrown instanceof HostError) this.sent[place] = { ...message, id: undefined, error: thrown };
      throw thrown;
    }
  }
}
