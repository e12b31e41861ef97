// Opens sockets to servers that may be hostile and counts what comes through them: interim answers, chunk extensions and chunks of a byte never show in
// the body, and reading them is what costs.

import { buildConnector } from "undici";
import { isCutTooFine, tooFine } from "./bytes.ts";

export interface WireLimit {
  readonly maxBytes: number;
  /** What the requests on the socket fail with. */
  readonly tooMuch: () => Error;
  /** Who sends, for what is said of pieces too small. */
  readonly sender: string;
  /** Told after each read how long all that it led to took, and how much was read. */
  readonly onWork?: ((tookMs: number, bytes: number) => void) | undefined;
}

/** A connector for undici's clients, with its options. The socket is destroyed as soon as more came than allowed, at most one read late. */
export function boundedConnector(
  options: buildConnector.BuildOptions,
  { maxBytes, tooMuch, sender, onWork }: WireLimit,
): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, done) =>
    connect(target, (...outcome) => {
      const [, socket] = outcome;
      let reads = 0;
      let began = 0;
      let told = 0;
      socket?.prependListener("readable", () => {
        began = performance.now();
        reads += 1;
        const { bytesRead } = socket;
        if (bytesRead > maxBytes) socket.destroy(tooMuch());
        else if (isCutTooFine(reads, bytesRead)) socket.destroy(tooFine(sender, reads, bytesRead));
      });
      // What undici adds to the socket lies between the two, so that its work is counted.
      done(...outcome);
      socket?.on("readable", () => {
        onWork?.(performance.now() - began, socket.bytesRead - told);
        told = socket.bytesRead;
      });
    });
}
