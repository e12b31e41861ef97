// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.

import { jsonFrom } from "./answers";
import { decodeBase64 } from "./base64";
import * as abi from "./imports";
import { written } from "./json";
import { bytesBlock, staticBytesBlock } from "./memory";
import { Result, ok } from "./result";

@json
export class Header {
  constructor(
    public name: string = "",
    /** `{{secret:NAME}}` in it is replaced by the host, towards the hosts that the operator named; it needs `secrets.read` on the name. */
    public value: string = "",
  ) {}
}

@json
export class Request {
  headers: Header[] = [];

  constructor(
    /** With the scheme https or http, without user and password. */
    public url: string = "",
    /** GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS. */
    public method: string = "GET",
  ) {}

  /** Adds a header. Host, length and connection headers are the host's own. */
  with(name: string, value: string): Request {
    this.headers.push(new Header(name, value));
    return this;
  }
}

export class Response {
  constructor(
    readonly status: i32,
    readonly headers: Header[],
    /** As it came: nothing is decompressed. */
    readonly body: Uint8Array,
  ) {}

  text(): string {
    return String.UTF8.decode(this.body.buffer);
  }

  /** The first header of this name, in whatever case, or null. */
  header(name: string): string | null {
    const wanted = name.toLowerCase();
    for (let i = 0; i < this.headers.length; i++) if (this.headers[i].name.toLowerCase() == wanted) return this.headers[i].value;
    return null;
  }
}

@json
class Answer {
  status: i32 = 0;
  headers: Header[] = [];
  body: string = "";
}

const NO_BODY = new Uint8Array(0);

/**
 * Makes a request and waits for the whole answer. Follows up to five redirects, each of which needs the permission as well. Needs `http.fetch` on
 * the method and URL; for an address that is not public also `http.private` on the address.
 *
 * Fails with invalid-message (request), permission-denied, rate-limited (too many at once), quota-exceeded (size), deadline-exceeded,
 * http-failed (the server could not be reached or broke off). A status of 400 and more is no failure.
 */
export function fetch(request: Request, body: Uint8Array = NO_BODY): Result<Response> {
  const json = written<Request>(request);
  const answer = jsonFrom<Answer>(abi.http_fetch(staticBytesBlock(json.bytes, json.length), bytesBlock(body)));
  if (!answer.isOk) return answer.failure<Response>();
  const found = answer.value;
  return ok(new Response(found.status, found.headers, decodeBase64(found.body)));
}
