// Messages of the Model Context Protocol as lines of a stream, as its stdio transport has them, from somebody who may send whatever he likes.

import { once } from "node:events";
import type { Duplex } from "node:stream";
import { BoundedBytes } from "../../../bounds/bytes.ts";
import { shownJson } from "../../../bounds/shown-json.ts";
import { HostError, toHostError } from "../../../core/errors.ts";
import { parseMessage } from "./message.ts";
import type { JSONRPCMessage, McpSdk, Transport } from "./package.ts";

export const MAX_LINE_BYTES: number = 1_024 * 1_024;
/** Requests without an answer. */
export const MAX_UNDER_WAY = 32;
const NEWLINE = 10;
const [PARSE_ERROR, BUSY] = [-32_700, -32_000];

/** Reads on only while what it has answered is read. */
export class LineTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #sdk: Pick<McpSdk, "parseJSONRPCMessage" | "isJSONRPCRequest" | "isJSONRPCNotification">;
  readonly #stream: Duplex;
  readonly #underWay = new Set<unknown>();
  #isClosed = false;

  constructor(sdk: McpSdk, stream: Duplex) {
    this.#sdk = sdk;
    this.#stream = stream;
  }

  async start(): Promise<void> {
    this.#stream.on("error", () => {});
    this.#stream.once("close", () => void this.close());
    void this.#read()
      .catch((thrown: unknown) => this.#refuse(null, PARSE_ERROR, toHostError(thrown).message))
      .finally(() => this.close());
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (!("method" in message)) this.#underWay.delete(message.id);
    if (!this.#isClosed) this.#stream.write(`${shownJson(JSON.stringify(message))}\n`);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.end();
    this.onclose?.();
  }

  async #read(): Promise<void> {
    for await (const line of linesOf(this.#stream)) {
      if (this.#isClosed) return;
      this.#receive(line);
      if (this.#stream.writableNeedDrain) await once(this.#stream, "drain");
    }
  }

  #receive(line: Uint8Array): void {
    let message: JSONRPCMessage;
    try {
      message = this.#sdk.parseJSONRPCMessage(parseMessage(line));
    } catch (thrown) {
      const why = thrown instanceof HostError ? thrown.message : "this is no message of JSON-RPC";
      this.#refuse(null, PARSE_ERROR, why);
      return;
    }
    if (this.#sdk.isJSONRPCRequest(message)) {
      // Else one id could stand for any number of requests.
      if (this.#underWay.has(message.id)) return this.#refuse(message.id, BUSY, "a request with this id has no answer yet");
      if (this.#underWay.size >= MAX_UNDER_WAY) return this.#refuse(message.id, BUSY, `${MAX_UNDER_WAY} requests have no answer yet`);
      this.#underWay.add(message.id);
    } else if (this.#sdk.isJSONRPCNotification(message) && message.method === "notifications/cancelled") {
      // It may never be answered.
      this.#underWay.delete(message.params?.requestId);
    }
    this.onmessage?.(message);
  }

  #refuse(id: string | number | null, code: number, message: string): void {
    if (!this.#isClosed) this.#stream.write(`${shownJson(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } }))}\n`);
  }
}

/** Without their ends and without empty ones. Throws HostError `quota-exceeded` for a line that is too long. */
async function* linesOf(stream: Duplex): AsyncGenerator<Uint8Array> {
  let line = lineOfAtMost();
  // Whoever sends too much is told so, which a stream that is destroyed could not.
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      line.add(chunk.subarray(from, to));
      from = to + 1;
      if (line.length > 0) yield line.take();
      line = lineOfAtMost();
    }
    line.add(chunk.subarray(from));
  }
}

const lineOfAtMost = (): BoundedBytes =>
  new BoundedBytes({
    maxBytes: MAX_LINE_BYTES,
    tooLarge: () => new HostError("quota-exceeded", `a message has more than ${MAX_LINE_BYTES} bytes, which is the limit`),
    sender: "the client",
  });
