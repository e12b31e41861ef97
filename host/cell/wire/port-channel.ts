// A channel over a MessagePort between threads: messages are gathered into one binary buffer and transferred in one post.

import { FrameReader, FrameWriter } from "./frames.ts";
import type { Channel } from "./protocol.ts";

// A post this large is worth its own hop; smaller ones wait for the flush.
const FLUSH_BYTES = 64 * 1024;

export interface PortChannelOptions<Out, In> {
  /** A MessagePort or a Worker. */
  readonly port: {
    postMessage(batch: Uint8Array, transfer: ArrayBuffer[]): void;
    on(event: "message", listener: (batch: Uint8Array) => void): unknown;
  };
  readonly write: (writer: FrameWriter, message: Out) => void;
  readonly read: (reader: FrameReader) => In;
  /** Called at the first message since the last flush; must see to it that `flush` is called soon. */
  readonly plan: (flush: () => void) => void;
  /** The peer sent something that is no message, or one that may not come now. */
  readonly onMalformed: (cause: unknown) => void;
}

export function portChannel<Out, In>({ port, write, read, plan, onMalformed }: PortChannelOptions<Out, In>): Channel<Out, In> {
  const writer = new FrameWriter();
  let closed = false;
  const flush = (): void => {
    if (writer.length === 0 || closed) return;
    const batch = writer.take();
    port.postMessage(batch, [batch.buffer]);
  };
  return {
    send(message) {
      if (writer.length === 0) plan(flush);
      write(writer, message);
      if (writer.length >= FLUSH_BYTES) flush();
    },
    flush,
    receive(handler) {
      port.on("message", (batch: Uint8Array) => {
        for (const reader = new FrameReader(batch); !reader.done && !closed; ) {
          try {
            handler(read(reader));
          } catch (cause) {
            onMalformed(cause);
            return;
          }
        }
      });
    },
    close() {
      closed = true;
    },
  };
}
