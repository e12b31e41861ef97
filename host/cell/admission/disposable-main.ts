// The inside of a disposable process: says when it has booted, answers one question and waits for its end.

import { Socket } from "node:net";
import { toHostError } from "../../core/errors.ts";
import { pipeChannel } from "../wire/pipe-channel.ts";
import { type Message, readMessage, writeAnswer } from "./disposable-codec.ts";

const CHANNEL_DESCRIPTOR = 3;
const MAX_FRAME_BYTES = 256 * 1_024 * 1_024;

/** What `answer` throws is told as its code, message and detail. */
export function answerOnce(answer: (request: Message) => Promise<Message>): void {
  const socket = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true });
  socket.on("close", () => process.exit(0));
  socket.on("error", () => process.exit(1));
  const channel = pipeChannel({
    socket,
    write: writeAnswer,
    read: readMessage,
    plan: queueMicrotask,
    maxFrameBytes: () => MAX_FRAME_BYTES,
    onMalformed: (cause) => {
      throw cause;
    },
  });
  channel.send("ready");
  channel.receive(async (request) => {
    try {
      channel.send({ ok: true, answer: await answer(request) });
    } catch (thrown) {
      const { code, message, detail } = toHostError(thrown);
      channel.send({ ok: false, error: { code, message, detail } });
    }
  });
}
