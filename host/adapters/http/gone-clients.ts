// Tells calls that their client has gone, by one signal for each connection. With one for each request, what a request was made of outlives it and grows old, which
// makes the garbage collector work seven times as long.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

const GONE = Symbol("gone");
type Watched = Socket & { [GONE]?: AbortSignal };

/** Aborts when nobody waits for an answer any more. Whoever listens to it has to stop when he has ended: a connection lasts for many requests. */
export function clientGone({ socket }: IncomingMessage): AbortSignal {
  const watched: Watched = socket;
  watched[GONE] ??= closingOf(socket);
  return watched[GONE];
}

function closingOf(socket: Socket): AbortSignal {
  // While its body was read, say.
  if (socket.destroyed) return AbortSignal.abort();
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  return gone.signal;
}
