// A guest for tests: does a list of steps on its blobs in one turn, and answers what came of each.

import { Json, Outcome, Result, Some, blobs, fail, http, ok, rawService, service } from "@bulkhead/assemblyscript";

@json
class Step {
  op!: string;
  name: string = "";
  to: string = "";
  mediaType: string = "text/plain";
  metadata: blobs.Property[] = [];
  /** Its number, 0 for the one that was created last. */
  writer: u32 = 0;
  bytes: u32 = 0;
  fill: u8 = 0;
  offset: u64 = 0;
  etag: string | null = null;
  prefix: string = "";
  after: string | null = null;
  limit: u32 = 1000;
  url: string = "";
  method: string = "GET";
  from: string | null = null;
  into: string | null = null;
  timeoutMs: i32 = -1;
}

function shown<T>(result: Result<T>, text: (value: T) => string): string {
  return result.isOk ? text(result.value) : result.error.toString();
}

const done = (result: Outcome): string => (result.isOk ? "done" : result.error.toString());

function told(blob: blobs.Blob): string {
  return `${blob.name} ${blob.mediaType} ${blob.size} ${blob.etag} ${blob.metadata.length}`;
}

function filled(bytes: u32, value: u8): Uint8Array {
  const made = new Uint8Array(bytes);
  made.fill(value);
  return made;
}

function summed(bytes: Uint8Array): string {
  let sum: u64 = 0;
  for (let i = 0; i < bytes.length; i++) sum += bytes[i];
  return `${bytes.length} bytes, sum ${sum}`;
}

function fetched(step: Step): string {
  const options = new http.FetchOptions();
  if (step.timeoutMs >= 0) options.timeoutMs = new Some<u32>(<u32>step.timeoutMs);
  options.bodyFrom = step.from;
  options.answerInto = step.into;
  const answer = http.fetchWith(new http.Request(step.url, step.method), filled(step.bytes, step.fill), options);
  if (!answer.isOk) return answer.error.toString();
  const got = answer.value;
  const stored = got.stored;
  return `${got.status}, ${got.body.length} bytes, ${stored === null ? "none" : stored.value.toString()} stored`;
}

let last: u32 = 0;

function take(step: Step): string {
  const writer = step.writer > 0 ? step.writer : last;
  const op = step.op;
  if (op == "create") {
    const created = blobs.create(step.name, step.mediaType, step.metadata);
    if (!created.isOk) return created.error.toString();
    last = created.value;
    return created.value.toString();
  }
  if (op == "append") return done(blobs.append(writer, filled(step.bytes, step.fill)));
  if (op == "finish") return shown<blobs.Blob>(blobs.finish(writer), told);
  if (op == "discard") return shown<bool>(blobs.discard(writer), (was) => was.toString());
  if (op == "read") return shown<Uint8Array>(blobs.read(step.name, step.offset, step.bytes, step.etag), summed);
  if (op == "stat") return shown<blobs.Blob | null>(blobs.stat(step.name), (found) => (found === null ? "none" : told(found)));
  if (op == "scan") return shown<blobs.Blob[]>(blobs.scan(step.prefix, step.after, step.limit), (found) => found.map<string>((one) => one.name).join(","));
  if (op == "rename") return shown<bool>(blobs.rename(step.name, step.to), (was) => was.toString());
  if (op == "delete") return shown<bool>(blobs.remove(step.name), (was) => was.toString());
  if (op == "fetch") return fetched(step);
  if (op == "trap") unreachable();
  return "no such step";
}

export function run(): i32 {
  return service<Step[], string[]>((steps) => {
    last = 0;
    return ok<string[]>(steps.map<string>((step) => take(step)));
  });
}

@json
class Incoming {
  name!: string;
  mediaType!: string;
  size!: u64;
  etag!: string;
}

@json
class Head {
  method!: string;
  path!: string;
  query!: string;
  params: Map<string, string> = new Map<string, string>();
  headers: http.Header[] = [];
  blob: Incoming | null = null;
}

const utf8 = (text: string): Uint8Array => Uint8Array.wrap(String.UTF8.encode(text));

/** Counts the lines of a blob in pieces of 64 KiB. */
function lines(blob: Incoming): string {
  let found: u64 = 0;
  for (let at: u64 = 0; at < blob.size; at += 65536) {
    const piece = blobs.read(blob.name, at, 65536, blob.etag);
    if (!piece.isOk) return piece.error.toString();
    const bytes = piece.value;
    for (let i = 0; i < bytes.length; i++) if (unchecked(bytes[i]) == 10) found++;
  }
  return `${found} lines of ${blob.size} bytes, ${blob.mediaType}`;
}

/** Behind a route with a blob: does with the body what the query says. */
export function upload(): i32 {
  return rawService((input) => {
    const head = Json.parse<Head>(String.UTF8.decode(input.buffer.slice(input.byteOffset, input.byteOffset + input.indexOf(10))));
    const blob = head.value.blob;
    if (blob === null) return fail<Uint8Array>("there is no blob");
    const query = head.value.query;
    if (query == "trap") unreachable();
    const counted = query.includes("lines") ? lines(blob) : "";
    if (query.includes("keep")) blobs.rename(blob.name, "kept");
    if (query == "back") return ok(utf8('{"blob":"' + blob.name + '"}\n'));
    const text = counted.length > 0 ? counted : `${blob.name} ${blob.mediaType} ${blob.size} ${input.length - input.indexOf(10) - 1}`;
    return ok(utf8("{}\n" + text));
  });
}

/** Behind a raw route: answers with what is stored as the answer. */
export function serve(): i32 {
  return rawService((input) => {
    const head = Json.parse<Head>(String.UTF8.decode(input.buffer.slice(input.byteOffset, input.byteOffset + input.indexOf(10))));
    return ok(utf8(decodeURIComponent(head.value.query) + "\n"));
  });
}
