// Requests to the world. A plugin reaches what was granted to it and nothing else, whatever a redirect or a name server says.

import { jsonFrom } from "./answers";
import * as abi from "./imports";
import { jsonBlock } from "./json";
import { bytesBlock, decodeView } from "./memory";
import { Result } from "./result";

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

@json
export class Response {
  status!: u16;
  headers!: Header[];
  /** As it came: nothing is decompressed. */
  body!: Uint8Array;

  text(): string {
    return decodeView(this.body);
  }

  /** The first header of this name, in whatever case, or null. */
  header(name: string): string | null {
    const wanted = name.toLowerCase();
    for (let i = 0; i < this.headers.length; i++) if (this.headers[i].name.toLowerCase() == wanted) return this.headers[i].value;
    return null;
  }
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
  return jsonFrom<Response>(abi.http_fetch(jsonBlock<Request>(request), bytesBlock(body)));
}
