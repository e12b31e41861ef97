// The channel to a process, with a hostile peer at the other end.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { FrameSplitter, pipeChannel } from "../../host/cell/wire/pipe-channel.ts";
import { eventually } from "../support/eventually.ts";

const frame = (body: string): Buffer => {
  const bytes = Buffer.from(body);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
};

describe("FrameSplitter", () => {
  it("cuts a stream into the same frames wherever the chunks end", () => {
    const stream = Buffer.concat(["one", "", "three and more", "x".repeat(1_000)].map(frame));
    for (const size of [16, 17, 23, 64, stream.length]) {
      const splitter = new FrameSplitter(() => 1_000);
      const frames: string[] = [];
      for (let at = 0; at < stream.length; at += size) {
        for (const found of splitter.split(stream.subarray(at, at + size))) frames.push(found.toString("utf8", 4));
      }
      expect(frames, `chunks of ${size}`).toEqual(["one", "", "three and more", "x".repeat(1_000)]);
    }
  });

  it("cuts short frames out of single bytes, and reads no long one that comes so", () => {
    const [short, long] = [frame("three and more"), frame("x".repeat(1_000))];
    const splitter = new FrameSplitter(() => 1_000);
    const frames: string[] = [];
    for (const byte of Buffer.concat([short, short]))
      for (const found of splitter.split(Buffer.of(byte))) frames.push(found.toString("utf8", 4));
    expect(frames).toEqual(["three and more", "three and more"]);
    expect(() => {
      for (const byte of long) for (const _ of splitter.split(Buffer.of(byte)));
    }).toThrow("pieces");
  });

  it("refuses a frame by its announced length, before it has kept a byte of it", () => {
    const splitter = new FrameSplitter(() => 1_000);
    const announced = Buffer.from([0xff, 0xff, 0xff, 0xff]);
    expect(() => [...splitter.split(announced)]).toThrow("announced; the limit is 1000");
  });
});

describe("a pipe channel", () => {
  const open: Socket[] = [];

  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
  });

  const setUp = async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const peer = connect(typeof address === "object" && address !== null ? address.port : 0, "127.0.0.1");
    const [socket] = (await once(server, "connection")) as [Socket];
    server.close();
    open.push(peer, socket);
    const received: string[] = [];
    const faults: unknown[] = [];
    const channel = pipeChannel<string, string>({
      socket,
      write: (writer, text) => writer.frame(() => writer.text(text)),
      read: (reader) => {
        reader.u32();
        return reader.text();
      },
      plan: queueMicrotask,
      maxFrameBytes: () => 100,
      maxUnsentBytes: () => 1_000_000,
      onMalformed: (cause) => faults.push(cause),
    });
    channel.receive((message) => received.push(message));
    return { peer, received, faults, channel };
  };

  it("ends when the peer does not read what it is sent", async () => {
    const { peer, faults, channel } = await setUp();
    peer.pause();
    for (let sent = 0; sent < 200 && faults.length === 0; sent += 1) {
      channel.send("x".repeat(100_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(String(faults[0])).toContain("wait to be read by the peer; the limit is 1000000");
  });

  it.each([
    ["a frame that is too long", Buffer.from([101, 0, 0, 0])],
    ["a field that reaches beyond its frame", Buffer.from([4, 0, 0, 0, 50, 0, 0, 0])],
    ["bytes that no field covers", Buffer.from([6, 0, 0, 0, 1, 0, 0, 0, 65, 66])],
    ["an empty frame", Buffer.from([0, 0, 0, 0])],
  ])("ends once at %s and reads nothing more", async (_, bytes) => {
    const { peer, received, faults } = await setUp();
    peer.write(Buffer.concat([frame("\x01\0\0\0A"), bytes, frame("\x01\0\0\0B")]));
    await eventually("a fault", () => faults.length > 0);
    peer.write(frame("\x01\0\0\0C"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(received).toEqual(["A"]);
    expect(faults).toHaveLength(1);
  });
});
