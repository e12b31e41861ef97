// Events as the answers of a subscription, as "distinct connections" of GraphQL over server-sent events have them.

import type { ServerResponse } from "node:http";
import { shownJson } from "../../bounds/shown-json.ts";
import type { EndReason, Outlet } from "../gateway/event-stream.ts";
import type { KeptEvent } from "../gateway/event-window.ts";
import type { ToldError } from "../gateway/graphql/errors.ts";
import type { EventTemplate } from "../gateway/graphql/subscription.ts";
import { dataWithin } from "./event-frames.ts";

const NEXT = Buffer.from("event: next\ndata: ");
const FRAME_END = Buffer.from("\n\n");
export const COMPLETE = "event: complete\ndata:\n\n";

/** One answer. */
export const nextFrame = (answer: object): string => `${NEXT}${shownJson(JSON.stringify(answer))}${FRAME_END}`;

const ENDS: Readonly<Record<EndReason, ToldError>> = {
  stopping: { message: "the host is stopping", extensions: { code: "queue-full" } },
  unauthenticated: {
    message: "who it is has been revoked or has expired",
    extensions: { code: "permission-denied", reason: "unauthenticated" },
  },
};

export class SubscriptionOutlet implements Outlet {
  readonly #response: ServerResponse;
  readonly #template: EventTemplate;

  constructor(response: ServerResponse, template: EventTemplate) {
    this.#response = response;
    this.#template = template;
  }

  eventMessage(kept: KeptEvent, id: string): readonly Buffer[] {
    return [NEXT, ...this.#template.partsOf(kept.event, dataWithin(kept, id), id), FRAME_END];
  }

  gapMessage(missed: number | null, id: string): Buffer {
    return Buffer.concat([NEXT, this.#template.gap(missed, id), FRAME_END]);
  }

  write(piece: Buffer): boolean {
    return this.#response.write(piece);
  }

  ping(): void {
    this.#response.write(":\n\n");
  }

  end(reason: EndReason): void {
    this.#response.end(nextFrame({ errors: [ENDS[reason]] }) + COMPLETE);
  }

  cut(): void {
    this.#response.destroy();
  }
}
