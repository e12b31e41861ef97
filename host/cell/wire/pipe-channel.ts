// A channel over a pipe to another process. The peer may be hostile: a frame that is too long, malformed or not consumed to
// its last byte ends the channel, and nothing is buffered beyond one frame.

import type { Socket } from "node:net";
import { HostError } from "../../core/errors.ts";
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
  /** How much may wait to be read by the peer; one that reads nothing breaks the protocol too. */
  readonly maxUnsentBytes?: () => number;
  /** The peer broke the protocol; called once, after which nothing more is read. */
  readonly onMalformed: (cause: unknown) => void;
}

export function pipeChannel<Out, In>(options: PipeChannelOptions<Out, In>): Channel<Out, In> {
  const { socket, write, plan } = options;
  const writer = new FrameWriter();
  let closed = false;
  const stop = (cause: unknown): void => {
    closed = true;
    socket.pause();
    options.onMalformed(cause);
  };
  const flush = (): void => {
    if (writer.length === 0 || closed) return;
    socket.write(writer.take());
    const max = options.maxUnsentBytes?.() ?? Number.POSITIVE_INFINITY;
    if (socket.writableLength > max)
      stop(new HostError("internal", `${socket.writableLength} bytes wait to be read by the peer; the limit is ${max}`));
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

// An honest peer fills the pipe before the other side looks; each piece costs its reader some microseconds.
const FREE_PIECES = 64;
const LEAST_PIECE_BYTES = 512;

/**
 * Cuts a stream into frames. Keeps at most one incomplete frame, whose length was checked before its bytes are kept, in one buffer however small
 * the pieces in which it comes.
 */
export class FrameSplitter {
  readonly #maxFrameBytes: () => number;
  #kept = Buffer.allocUnsafeSlow(0);
  #length = 0;
  #needed = LENGTH_BYTES;
  #pieces = 0;

  constructor(maxFrameBytes: () => number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The frames that this chunk completes, length field included. Throws HostError `internal` for one that is too long, or comes in too small pieces. */
  *split(chunk: Buffer): Generator<Buffer> {
    let bytes = chunk;
    if (this.#length > 0) {
      this.#keep(chunk);
      if (this.#length < this.#needed) return;
      bytes = this.#kept.subarray(0, this.#length);
      this.#kept = Buffer.allocUnsafeSlow(0);
      this.#length = 0;
    }
    let at = 0;
    this.#pieces = 0;
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
    if (at < bytes.length) this.#keep(bytes.subarray(at));
  }

  #keep(piece: Buffer): void {
    this.#pieces += 1;
    const length = this.#length + piece.length;
    if (this.#pieces > FREE_PIECES + length / LEAST_PIECE_BYTES)
      throw new HostError("internal", `${length} bytes of a frame came in ${this.#pieces} pieces`);
    if (length > this.#kept.length) {
      // What is announced may never come: room is made for what is there, and as much again.
      const larger = Buffer.allocUnsafeSlow(Math.max(length, Math.min(2 * length, this.#needed)));
      this.#kept.copy(larger, 0, 0, this.#length);
      this.#kept = larger;
    }
    piece.copy(this.#kept, this.#length);
    this.#length = length;
  }
}
