// Services behind a route with `"request": "raw"` or `"blob"`: the request as it came, and an answer with status and headers. Both are a line of JSON, and behind its line
// feed the bytes of the body.

import { Failure } from "./host-error.ts";
import type { Header } from "./http.ts";
import { decodeJson, encodeJson } from "./json.ts";
import { type Answer, bytesOf, Request } from "./plugin.ts";

const LINE_FEED = 0x0a;
/** What nobody but the host can call a blob, so that no head which somebody else wrote leads to one. */
const INCOMING = "~incoming/";

/** The blob that has the body, of a route with `"request": "blob"`. It is gone after the turn, unless `blobs.rename` has given it another name. */
export interface RouteBlob {
  readonly name: string;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
  readonly etag: string;
}

interface Head {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: readonly Header[];
  readonly blob?: RouteBlob;
}

/** A request, whose body is `bytes`, `text()` or `json()`: each byte as it came, which is what signatures are made of. */
export class RouteRequest extends Request {
  readonly method: string;
  /** As it was asked for, with its escapes. */
  readonly path: string;
  /** What stands behind the question mark, with its escapes; `formOf` reads it. */
  readonly query: string;
  /** Parameters of the route's path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Those that the route names and a few harmless ones, their names in lower case. */
  readonly headers: readonly Header[];

  /** Where the body is, of a route with a blob. */
  readonly blob: RouteBlob | undefined;

  constructor(head: Head, body: Uint8Array) {
    super(body);
    this.blob = head.blob;
    ({ method: this.method, path: this.path, query: this.query, params: this.params, headers: this.headers } = head);
  }

  /** The value of a header that came once. Throws Failure for one that came more often: which of them would a signature be for? */
  header(name: string): string | undefined {
    const [first, second] = this.headers.filter((one) => one.name === name.toLowerCase());
    if (second !== undefined) throw new Failure(`the header ${name} is there twice`);
    return first?.value;
  }
}

export interface RouteAnswer {
  /** 200 to 599; 200 by default. */
  readonly status?: number | undefined;
  /** By their names; docs/configuration.md says which there may be. What JSON is made of has its type by itself. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Answer;
  /** The name of a blob that is the body, without one here. */
  readonly blob?: string | undefined;
}

/** Makes a service of a function that gets a request and answers with status, headers and body. */
export function rawRoute(handler: (request: RouteRequest) => RouteAnswer): (request: Request) => Uint8Array {
  return ({ bytes }) => {
    const end = bytes.indexOf(LINE_FEED);
    if (end < 0) throw new Failure('the input is no raw request: the route needs "request": "raw" in plugin.json');
    const asked = decodeJson<Head>(bytes.subarray(0, end));
    if (asked.blob !== undefined && !asked.blob.name.startsWith(INCOMING)) throw new Failure("the input is no raw request: its blob came by no route");
    const { status = 200, headers = {}, body, blob } = handler(new RouteRequest(asked, bytes.subarray(end + 1)));
    const isJson = typeof body === "object" && body !== null && !(body instanceof Uint8Array);
    const named = Object.entries(isJson ? { "content-type": "application/json", ...lowered(headers) } : headers);
    const head = encodeJson({ status, headers: named.map(([name, value]) => ({ name, value })), ...(blob === undefined ? {} : { blob }) });
    const content = bytesOf(body);
    const answer = new Uint8Array(head.length + 1 + content.length);
    answer.set(head);
    answer[head.length] = LINE_FEED;
    answer.set(content, head.length + 1);
    return answer;
  };
}

const lowered = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

const unescaped = (text: string): string => decodeURIComponent(text.replaceAll("+", " "));

/** Names and values of a query or of an `application/x-www-form-urlencoded` body, in their order. Throws Failure for escapes that are no UTF-8. */
export function formOf(text: string): readonly (readonly [name: string, value: string])[] {
  try {
    return text
      .split("&")
      .filter((pair) => pair !== "")
      .map((pair) => {
        const at = pair.indexOf("=");
        return at < 0 ? [unescaped(pair), ""] : [unescaped(pair.slice(0, at)), unescaped(pair.slice(at + 1))];
      });
  } catch {
    throw new Failure("the form has escapes that are no UTF-8");
  }
}
