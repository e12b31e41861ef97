// The primitive values of the binary format, at their bounds and beyond them.

import { describe, expect, it } from "vitest";
import { HostError } from "../../../host/core/errors.ts";
import { Reader } from "../../../host/engine/wasm/reader.ts";
import { Writer } from "../../../host/engine/wasm/writer.ts";

const reader = (...bytes: number[]): Reader => new Reader(Uint8Array.from(bytes));

type Read = (reader: Reader) => unknown;
const u32: Read = (from) => from.u32();
const s32: Read = (from) => from.s32();
const s33: Read = (from) => from.s33();
const u64: Read = (from) => from.u64();
const skip64: Read = (from) => from.skipLeb64();

describe("a reader", () => {
  it.each([
    ["u32", u32, [0x00], 0],
    ["u32", u32, [0x7f], 127],
    ["u32", u32, [0x80, 0x01], 128],
    ["u32 with padding", u32, [0x80, 0x80, 0x80, 0x80, 0x00], 0],
    ["the greatest u32", u32, [0xff, 0xff, 0xff, 0xff, 0x0f], 2 ** 32 - 1],
    ["s32", s32, [0x7f], -1],
    ["s32", s32, [0x3f], 63],
    ["s32", s32, [0x40], -64],
    ["s32 of two bytes", s32, [0x80, 0x7f], -128],
    ["the smallest s32", s32, [0x80, 0x80, 0x80, 0x80, 0x78], -(2 ** 31)],
    ["the greatest s32", s32, [0xff, 0xff, 0xff, 0xff, 0x07], 2 ** 31 - 1],
    ["s33", s33, [0x70], -16],
    ["the smallest s33", s33, [0x80, 0x80, 0x80, 0x80, 0x70], -(2 ** 32)],
    ["the greatest s33", s33, [0xff, 0xff, 0xff, 0xff, 0x0f], 2 ** 32 - 1],
    ["u64", u64, [0x80, 0x80, 0x80, 0x80, 0x10], 2 ** 32],
    ["the greatest u64", u64, [...new Array(9).fill(0xff), 0x01], 2 ** 64],
  ])("reads %s", (_, read, bytes, value) => {
    const from = reader(...bytes);
    expect(read(from)).toBe(value);
    expect(from.offset).toBe(bytes.length);
  });

  it.each([
    ["u32 of six bytes", u32, [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ["u32 with bits beyond the 32nd", u32, [0xff, 0xff, 0xff, 0xff, 0x1f]],
    ["s32 of six bytes", s32, [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ["s32 with bits beyond the 32nd", s32, [0xff, 0xff, 0xff, 0xff, 0x0f]],
    ["s32 with a sign that is not extended", s32, [0x80, 0x80, 0x80, 0x80, 0x70]],
    ["s33 of six bytes", s33, [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ["s33 with bits beyond the 33rd", s33, [0xff, 0xff, 0xff, 0xff, 0x1f]],
    ["u64 of eleven bytes", u64, new Array(11).fill(0x80)],
    ["u64 with bits beyond the 64th", u64, [...new Array(9).fill(0xff), 0x02]],
    ["a LEB of eleven bytes", skip64, new Array(11).fill(0x80)],
    ["a truncated u32", u32, [0x80]],
    ["a truncated s32", s32, [0x80, 0x80]],
    ["a truncated s33", s33, []],
    ["a truncated u64", u64, [0xff]],
    ["a byte where there is none", (from: Reader) => from.byte(), []],
    ["a look at a byte where there is none", (from: Reader) => from.peek(), []],
    ["a skip beyond the end", (from: Reader) => from.skip(3), [0, 0]],
    ["a count that exceeds the bytes left", (from: Reader) => from.count(), [3, 0, 0]],
    ["a name that is too long", (from: Reader) => from.name(2), [3, 0x61, 0x62, 0x63]],
    ["a name that is not UTF-8", (from: Reader) => from.name(9), [2, 0xc3, 0x28]],
    ["a name that is cut", (from: Reader) => from.name(9), [4, 0x61]],
  ])("refuses %s, and says where", (_, read, bytes) => {
    const attempt = (): unknown => read(reader(...bytes));
    expect(attempt).toThrow(HostError);
    expect(attempt).toThrow(/at byte \d+$/);
  });

  it("does not read beyond its own end, though there are bytes", () => {
    const inner = new Reader(Uint8Array.of(1, 2, 3), 1, 2);
    expect(inner.byte()).toBe(2);
    expect(() => inner.byte()).toThrow("unexpected end at byte 2");
  });
});

describe("a writer", () => {
  it.each([0, 1, 127, 128, 300, 2 ** 31, 2 ** 32 - 1])("writes the u32 %i as it is read", (value) => {
    const out = new Writer();
    out.u32(value);
    expect(new Reader(out.view()).u32()).toBe(value);
  });

  it.each([0, 1, 63, 64, -1, -64, -65, 8_191, 2 ** 31 - 1, -(2 ** 31)])("writes the s32 %i as it is read", (value) => {
    const out = new Writer();
    out.s32(value);
    expect(new Reader(out.view()).s32()).toBe(value);
    expect(new Reader(out.view()).s33()).toBe(value);
  });

  it("grows, copies and forgets", () => {
    const out = new Writer(1);
    const source = Uint8Array.from({ length: 100 }, (_, at) => at);
    out.copy(source, 10, 20);
    out.copy(source, 20, 90);
    out.copy(source, 5, 5);
    out.sized(Uint8Array.of(9, 9));
    out.name("ü");
    expect([...out.view()]).toEqual([...source.subarray(10, 90), 2, 9, 9, 2, 0xc3, 0xbc]);
    out.clear();
    expect(out.length).toBe(0);
  });
});
