// A channel over a pipe to another process. The peer may be hostile: a frame that is too long, malformed or not consumed to
// its last byte ends the channel, and nothing is buffered beyond one frame.

import type { Socket } from "node:net";
import { HostError } from "../core/errors.ts";
import { FrameReader, FrameWriter } from "./frames.ts";
import type { Channel } from "./protocol.ts";

const FLUSH_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;

export interface PipeChannelOptions<Out, In> {
  readonly socket: Socket;
  readonly write: (writer: FrameWriter, message: Out) => void;
  readonly read: (reader: FrameReader) => In;
  /** Called at the first message since the last flush; must see to it that `flush` is called soon. */
  readonly plan: (flush: () => void) => void;
  /** The longest frame that the peer may send, its length field not counted. */
  readonly maxFrameBytes: () => number;
  /** The peer broke the protocol; called once, after which nothing more is read. */
  readonly onMalformed: (cause: unknown) => void;
}

export function pipeChannel<Out, In>(options: PipeChannelOptions<Out, In>): Channel<Out, In> {
  const { socket, write, plan } = options;
  const writer = new FrameWriter();
  let closed = false;
  const flush = (): void => {
    if (writer.length === 0 || closed) return;
    socket.write(writer.take());
  };
  return {
    send(message) {
      if (closed) return;
      if (writer.length === 0) plan(flush);
      write(writer, message);
      if (writer.length >= FLUSH_BYTES) flush();
    },
    flush,
    receive(handler) {
      const splitter = new FrameSplitter(options.maxFrameBytes);
      const stop = (cause: unknown): void => {
        closed = true;
        socket.pause();
        options.onMalformed(cause);
      };
      socket.on("data", (chunk: Buffer) => {
        if (closed) return;
        try {
          for (const frame of splitter.split(chunk)) {
            const reader = new FrameReader(frame);
            const message = options.read(reader);
            if (!reader.done) throw new HostError("internal", "a frame is longer than its fields");
            handler(message);
            if (closed) return;
          }
        } catch (cause) {
          stop(cause);
        }
      });
    },
    close() {
      flush();
      closed = true;
    },
  };
}

/** Cuts a stream into frames. Keeps at most one incomplete frame, whose length was checked before its bytes are kept. */
export class FrameSplitter {
  readonly #maxFrameBytes: () => number;
  #parts: Buffer[] = [];
  #length = 0;
  #needed = LENGTH_BYTES;

  constructor(maxFrameBytes: () => number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The frames that this chunk completes, length field included. Throws HostError `internal` for one that is too long. */
  *split(chunk: Buffer): Generator<Buffer> {
    let bytes = chunk;
    if (this.#length > 0) {
      this.#parts.push(chunk);
      this.#length += chunk.length;
      if (this.#length < this.#needed) return;
      bytes = Buffer.concat(this.#parts, this.#length);
      this.#parts = [];
      this.#length = 0;
    }
    let at = 0;
    this.#needed = LENGTH_BYTES;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt32LE(at);
      const max = this.#maxFrameBytes();
      if (length > max) throw new HostError("internal", `a frame of ${length} bytes is announced; the limit is ${max}`);
      this.#needed = LENGTH_BYTES + length;
      if (bytes.length - at < this.#needed) break;
      yield bytes.subarray(at, at + this.#needed);
      at += this.#needed;
      this.#needed = LENGTH_BYTES;
    }
    if (at === bytes.length) return;
    this.#parts = [bytes.subarray(at)];
    this.#length = bytes.length - at;
  }
}
