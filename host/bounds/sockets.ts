// Opens sockets to servers that may be hostile and counts what comes through them: interim answers, chunk extensions and chunks of a byte never show in
// the body, and reading them is what costs.

import { buildConnector } from "undici";

export interface WireLimit {
  readonly maxBytes: number;
  /** What the requests on the socket fail with. */
  readonly tooMuch: () => Error;
  /** Told of what came since the last time. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** A connector for undici's clients, with its options. The socket is destroyed as soon as more came than allowed, at most one read late. */
export function boundedConnector(
  options: buildConnector.BuildOptions,
  { maxBytes, tooMuch, onBytes }: WireLimit,
): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, done) =>
    connect(target, (...outcome) => {
      const [, socket] = outcome;
      let counted = 0;
      socket?.prependListener("readable", () => {
        onBytes?.(socket.bytesRead - counted);
        counted = socket.bytesRead;
        if (counted > maxBytes) socket.destroy(tooMuch());
      });
      done(...outcome);
    });
}
