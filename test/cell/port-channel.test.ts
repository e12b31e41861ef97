// The channel to a thread, with a peer that does not keep to the protocol.

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import type { FrameReader, FrameWriter } from "../../host/cell/wire/frames.ts";
import { portChannel } from "../../host/cell/wire/port-channel.ts";
import type { Channel } from "../../host/cell/wire/protocol.ts";
import { eventually } from "../support/eventually.ts";

describe("a port channel", () => {
  const ports: MessagePort[] = [];
  afterEach(() => {
    for (const port of ports.splice(0)) port.close();
  });

  function pair(): { sender: Channel<string, string>; receiver: Channel<string, string>; raw: MessagePort; causes: string[] } {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    const causes: string[] = [];
    const over = (port: MessagePort): Channel<string, string> =>
      portChannel({
        port: port as never,
        write: (writer: FrameWriter, message: string) => writer.text(message),
        read: (reader: FrameReader) => reader.text(),
        plan: queueMicrotask,
        onMalformed: (cause) => causes.push(cause instanceof Error ? cause.message : String(cause)),
      });
    return { sender: over(port1), receiver: over(port2), raw: port1, causes };
  }

  it("tells of a message that may not come now, and hands on nothing of what came with it", async () => {
    const { sender, receiver, causes } = pair();
    const seen: string[] = [];
    receiver.receive((message) => {
      if (message === "twice") throw new Error("that was asked already");
      seen.push(message);
    });
    for (const message of ["first", "twice", "after"]) sender.send(message);
    await eventually("the refusal", () => causes.length > 0);
    expect([seen, causes]).toEqual([["first"], ["that was asked already"]]);
  });

  it("tells of what is no message", async () => {
    const { receiver, raw, causes } = pair();
    receiver.receive(() => {});
    raw.postMessage(new Uint8Array([0xff, 0xff, 0xff, 0xff, 1]));
    await eventually("the refusal", () => causes.length > 0);
    expect(causes).toHaveLength(1);
  });
});
