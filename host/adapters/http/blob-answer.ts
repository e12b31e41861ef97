// A blob as the body of an answer: its bytes as they come from the disk, or the one range of them that was asked for.

import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { BlobSource } from "../../seams.ts";

interface Range {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/** Sends it with its length and etag; `isWhole` says that the plugin's status allows for ranges. One that breaks off in the middle closes the connection. */
export function sendBlob(request: FastifyRequest, reply: FastifyReply, { blob, pieces }: BlobSource, isWhole: boolean): FastifyReply {
  const etag = `"${blob.etag}"`;
  if (!reply.hasHeader("content-type")) reply.type(blob.mediaType);
  if (!reply.hasHeader("etag")) reply.header("etag", etag);
  const range = isWhole && request.method === "GET" ? rangeOf(request, etag, blob.size) : undefined;
  if (isWhole) reply.header("accept-ranges", "bytes");
  if (range === "none") return reply.code(416).header("content-range", `bytes */${blob.size}`).removeHeader("content-type").send();
  const { start, end } = range ?? { start: 0, end: blob.size };
  if (range !== undefined) reply.code(206).header("content-range", `bytes ${start}-${end - 1}/${blob.size}`);
  reply.header("content-length", end - start);
  return reply.send(Readable.from(pieces(start, end), { objectMode: false, highWaterMark: 1 }));
}

/** RFC 9110, section 14: whoever does not understand a range, or is asked for several, sends everything. */
function rangeOf({ headers }: FastifyRequest, etag: string, size: number): Range | "none" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.range ?? "") ?? [];
  const condition = headers["if-range"];
  if ((first === "" && last === "") || (condition !== undefined && condition !== etag)) return undefined;
  if (first === "") return Number(last) === 0 || size === 0 ? "none" : { start: Math.max(0, size - Number(last)), end: size };
  const end = last === "" ? size : Math.min(size, Number(last) + 1);
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return Number(first) >= size ? "none" : { start: Number(first), end };
}
