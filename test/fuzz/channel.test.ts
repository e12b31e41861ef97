// Random bytes where a cell's messages arrive: each batch is refused with a code, or read.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFromCell } from "../../host/cell/wire/codec.ts";
import { FrameReader } from "../../host/cell/wire/frames.ts";
import { FrameSplitter } from "../../host/cell/wire/pipe-channel.ts";
import { codeOf } from "./codes.ts";
import { check } from "./runs.ts";

describe("the channel from a cell", () => {
  it("reads any bytes as messages or refuses them, in whatever chunks", async () => {
    await check(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), 2_000, (chunks) => {
      const code = codeOf(() => {
        const splitter = new FrameSplitter(() => 1_000);
        for (const chunk of chunks) for (const frame of splitter.split(Buffer.from(chunk))) readFromCell(new FrameReader(frame));
      });
      expect([undefined, "internal"]).toContain(code);
    });
  });

  it("reads any body of a frame as a message or refuses it", async () => {
    await check(fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 200 })), 3_000, ([kind, body]) => {
      const frame = Buffer.alloc(5 + body.length);
      frame.writeUInt32LE(body.length + 1, 0);
      frame[4] = kind;
      frame.set(body, 5);
      expect([undefined, "internal"]).toContain(codeOf(() => readFromCell(new FrameReader(frame))));
    });
  });
});
