// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.

export * from "../http";
import * as abi from "../imports";
import { jsonFrom } from "../answers";
import { jsonBlock } from "../json";
import { bytesBlock } from "../memory";
import { Result } from "../result";
import { Some } from "../some";
import { Header } from "../http";
import { Request } from "../http";

export class FetchOptions {
  constructor(
    /**
     * How long the whole answer may take, in milliseconds; none for as long as the operator and the current turn allow, which it never
     * lengthens.
     */
    public timeoutMs: Some<u32> | null = null,
    /** The name of a blob of the plugin's that is sent as the body; `body` must be empty then. */
    public bodyFrom: string | null = null,
    /**
     * The name of the blob that the body of an answer with a status from 200 to 299 goes into, with the answer's media type. It
     * appears whole, or not at all.
     */
    public answerInto: string | null = null,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("timeout-ms")) { this.timeoutMs = reader.value<Some<u32> | null>(); return 1; }
    if (reader.keyIs("body-from")) { this.bodyFrom = reader.value<string | null>(); return 2; }
    if (reader.keyIs("answer-into")) { this.answerInto = reader.value<string | null>(); return 3; }
    return 0;
  }

  __missing(seen: u64): string {
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<Some<u32> | null>("timeout-ms", this.timeoutMs);
    writer.field<string | null>("body-from", this.bodyFrom);
    writer.field<string | null>("answer-into", this.answerInto);
  }
}

export class Fetched {
  constructor(
    public status: u16 = 0,
    public headers: Header[] = [],
    /** As it came; empty when it went into a blob. In JSON it is base64 text. */
    public body: Uint8Array = new Uint8Array(0),
    /** How many bytes went into the blob `answer-into`; none when the body is in `body`, as that of every other status is. */
    public stored: Some<u64> | null = null,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("status")) { this.status = reader.value<u16>(); return 1; }
    if (reader.keyIs("headers")) { this.headers = reader.value<Header[]>(); return 2; }
    if (reader.keyIs("body")) { this.body = reader.value<Uint8Array>(); return 3; }
    if (reader.keyIs("stored")) { this.stored = reader.value<Some<u64> | null>(); return 4; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "status";
    if (!(seen & ((<u64>1) << 1))) return "headers";
    if (!(seen & ((<u64>1) << 2))) return "body";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<u16>("status", this.status);
    writer.field<Header[]>("headers", this.headers);
    writer.field<Uint8Array>("body", this.body);
    writer.field<Some<u64> | null>("stored", this.stored);
  }
}

/**
 * Like `fetch`, with a time limit of its own, and with bodies that come out of blobs and go into them without passing through
 * the plugin. What goes into a blob is bounded by `limits.blobMiB`, what comes as `body` by `limits.payloadMiB`.
 *
 * Fails like `fetch`, and with invalid-message (options, a blob that is not there), quota-exceeded (the blob), conflict (the blob that is sent
 * was replaced or removed meanwhile), storage-failed.
 */
export function fetchWith(request: Request, body: Uint8Array, options: FetchOptions): Result<Fetched> {
  return jsonFrom<Fetched>(abi.http_fetch_with(jsonBlock<Request>(request), bytesBlock(body), jsonBlock<FetchOptions>(options)));
}
