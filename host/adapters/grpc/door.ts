// Who comes in: looks at every call when its headers are there, before a byte of its message is read.

import type { Socket } from "node:net";
import { HostError } from "../../core/errors.ts";
import type { AdapterContext, Principal } from "../../seams.ts";
import { bearerOf, calledFrom, shownCredentials } from "../gateway/credentials.ts";
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "../gateway/grpc/packages.ts";
import { statusOf } from "../gateway/grpc/status.ts";
import { FOLLOW } from "./events.ts";
import { admitted } from "./principal.ts";

/** Open to everybody: it says whether all is well, and of whom nothing. */
const HEALTH_CHECK = "/grpc.health.v1.Health/Check";
/** For a message to arrive once its call has begun. */
export const MESSAGE_MS = 30_000;

export interface DoorPorts {
  readonly context: Pick<AdapterContext, "authenticate" | "openStream" | "clock" | "log">;
  /** The connection that a call came by; undefined for one that has gone. */
  socketOf(call: ServerInterceptingCallInterface): Socket | undefined;
  /** Somebody is known on it: it makes no room for others. */
  keep(socket: Socket): void;
}

export function admitting({ context, socketOf, keep }: DoorPorts): ServerInterceptor {
  return ({ path, responseStream }, call) => {
    let end = (): void => {};
    let isEnded = false;
    const refuse = (thrown: unknown): void => {
      end();
      if (!isEnded) call.sendStatus(statusOf(thrown, context.log));
      isEnded = true;
    };
    const ended = (): void => {
      isEnded = true;
      end();
    };
    const onReceiveMetadata = (metadata: Metadata, next: (metadata: Metadata) => void): void => {
      const socket = socketOf(call);
      admit(path, metadata, socket, context)
        .then((principal) => {
          if (isEnded) return;
          if (principal !== undefined) {
            admitted(metadata, principal);
            if (socket !== undefined) keep(socket);
            // Events count by themselves; what else lasts is a stream of the principal too.
            if (responseStream && path !== FOLLOW) end = context.openStream(principal, () => refuse(noLonger()));
          }
          next(metadata);
        })
        .catch(refuse);
    };
    const late = new HostError("deadline-exceeded", `no message came within ${MESSAGE_MS / 1_000} s`);
    let cancelWait = context.clock.after(MESSAGE_MS, () => refuse(late));
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata,
          onReceiveMessage(message, forward) {
            cancelWait();
            forward(message);
          },
          onReceiveHalfClose: (forward) => forward(),
          onCancel() {
            cancelWait();
            ended();
          },
        }),
      sendStatus(status, next) {
        cancelWait();
        cancelWait = () => {};
        if (!isEnded) next(status);
        ended();
      },
    });
  };
}

async function admit(
  path: string,
  metadata: Metadata,
  socket: Socket | undefined,
  context: Pick<AdapterContext, "authenticate">,
): Promise<Principal | undefined> {
  if (path === HEALTH_CHECK) return undefined;
  const header = (name: string): string | undefined => metadata.get(name).map(String)[0];
  // What speaks gRPC has none; a page that was made to look like it has.
  if (header("origin") !== undefined) throw new HostError("permission-denied", "web pages do not come in here");
  return context.authenticate(shownCredentials(bearerOf(header("authorization")), socket, calledFrom({ header, socket })));
}

const noLonger = (): HostError =>
  new HostError("permission-denied", "who it is has been revoked or has expired", { reason: "unauthenticated" });
