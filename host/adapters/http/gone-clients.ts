// Tells calls that their client has gone. One listener for each connection: with one for each request, what a request was made of outlives it and grows old, which
// makes the garbage collector work seven times as long.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

const WAITING = Symbol("waiting");
/** The calls that a connection waits for: one, or several of a client that does not wait for answers. */
type Watched = Socket & { [WAITING]?: AbortController[] };

/** Does the work with a signal that aborts when nobody waits for its outcome any more. */
export async function whileClientWaits<T>({ socket }: IncomingMessage, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const gone = new AbortController();
  // While its body was read, say.
  if (socket.destroyed) gone.abort();
  const waiting = waitingOn(socket);
  waiting.push(gone);
  try {
    return await work(gone.signal);
  } finally {
    const at = waiting.indexOf(gone);
    if (at >= 0) waiting.splice(at, 1);
  }
}

function waitingOn(socket: Watched): AbortController[] {
  const known = socket[WAITING];
  if (known !== undefined) return known;
  const waiting: AbortController[] = [];
  socket[WAITING] = waiting;
  socket.once("close", () => {
    for (const one of waiting.splice(0)) one.abort();
  });
  return waiting;
}
