// Lines of whoever speaks MCP on a stream: how much he may send, how much may be under way, and that nobody reads on for one who does not.

import { createInterface } from "node:readline";
import { duplexPair } from "node:stream";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import * as sdk from "@modelcontextprotocol/server";
import { expect, it } from "vitest";
import { LineTransport, MAX_LINE_BYTES, MAX_UNDER_WAY } from "../../../host/adapters/gateway/mcp/lines.ts";
import { eventually } from "../../support/eventually.ts";

function opened() {
  const [ours, theirs] = duplexPair();
  const transport = new LineTransport(sdk, ours);
  const heard: JSONRPCMessage[] = [];
  let isClosed = false;
  transport.onmessage = (message) => heard.push(message);
  transport.onclose = () => {
    isClosed = true;
  };
  void transport.start();
  return { transport, theirs, heard, isClosed: () => isClosed };
}
const ping = (id: number): string => `${JSON.stringify({ jsonrpc: "2.0", id, method: "ping" })}\n`;
const linesOf = (theirs: ReturnType<typeof opened>["theirs"]): string[] => {
  const lines: string[] = [];
  createInterface({ input: theirs }).on("line", (line) => lines.push(line));
  return lines;
};

it("hears messages, however they are cut, and answers them", async () => {
  const { transport, theirs, heard } = opened();
  const lines = linesOf(theirs);
  for (const piece of [ping(1).slice(0, 5), `${ping(1).slice(5)}\n\n${ping(2)}${ping(3).slice(0, -1)}`, "\n"]) theirs.write(piece);
  await eventually("all are heard", () => heard.length === 3 || undefined);
  await transport.send({ jsonrpc: "2.0", id: 1, result: {} });
  await eventually("one is answered", () => lines.length === 1 || undefined);
  expect(JSON.parse(lines[0] ?? "")).toEqual({ jsonrpc: "2.0", id: 1, result: {} });
});

it("refuses what is no message, many in one, and goes on", async () => {
  const { theirs, heard } = opened();
  const lines = linesOf(theirs);
  for (const junk of ["{", "[]", `[${ping(1).trim()}]`, '{"jsonrpc":"1.0"}', `${"[".repeat(300)}`, '{"__proto__":1}'])
    theirs.write(`${junk}\n`);
  theirs.write(ping(7));
  await eventually("the good one is heard", () => heard.length === 1 || undefined);
  await eventually("all others are refused", () => lines.length === 6 || undefined);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ id: null, error: { code: -32_700 } });
});

it("ends with a line that is too long, before it is whole", async () => {
  const { theirs, heard, isClosed } = opened();
  const lines = linesOf(theirs);
  theirs.write("x".repeat(MAX_LINE_BYTES + 1));
  await eventually("it is closed", () => isClosed() || undefined);
  await eventually("it is told", () => lines.length === 1 || undefined);
  expect(lines[0]).toContain(`more than ${MAX_LINE_BYTES} bytes`);
  expect(heard).toEqual([]);
});

it("has so many requests under way and no more", async () => {
  const { transport, theirs, heard } = opened();
  const lines = linesOf(theirs);
  for (let id = 0; id < 1_000; id += 1) theirs.write(ping(id));
  await eventually("the others are refused", () => lines.length === 1_000 - MAX_UNDER_WAY || undefined);
  expect(heard).toHaveLength(MAX_UNDER_WAY);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ id: MAX_UNDER_WAY, error: { code: -32_000 } });
  await transport.send({ jsonrpc: "2.0", id: 0, result: {} });
  theirs.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } })}\n`);
  theirs.write(ping(2_000) + ping(2_001) + ping(2_002));
  await eventually("the third is refused", () => lines.length === 1_000 - MAX_UNDER_WAY + 2 || undefined);
  expect(heard.map((message) => "id" in message && message.id)).toEqual(expect.arrayContaining([2_000, 2_001]));
});

it("reads nothing more of one who does not read", async () => {
  const { theirs, heard } = opened();
  const line = ping(1);
  let written = 0;
  // Refusals fill what may wait for him; then what he sends stays with him.
  while (written < 100_000 && theirs.write(line)) {
    written += 1;
    if (written % 64 === 0) await new Promise((next) => setImmediate(next));
  }
  expect(written).toBeLessThan(100_000);
  expect(heard.length).toBeLessThanOrEqual(MAX_UNDER_WAY);
});
