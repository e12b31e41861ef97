// What a request shows to be known by, and where it comes from.

import type { IncomingMessage } from "node:http";
import type { Credentials } from "../../seams.ts";
import { bearerOf, shownCredentials } from "../gateway/credentials.ts";

const OFFERED_TOKEN = /(?:^|,)[ \t]*bearer\.([\w.~+=-]{1,16384})[ \t]*(?:,|$)/;

/** A request, or one that becomes a stream. */
type Shown = Pick<IncomingMessage, "headers" | "socket">;

export const credentialsOf = (shown: Shown): Credentials => withToken(bearerOf(shown.headers.authorization), shown);

/** The same for a WebSocket: a browser can send no header with one, and offers `bearer.<token>` as a protocol. */
export function socketCredentialsOf(shown: Shown): Credentials {
  const [, token] = OFFERED_TOKEN.exec(shown.headers["sec-websocket-protocol"] ?? "") ?? [];
  return token === undefined || shown.headers.authorization !== undefined ? credentialsOf(shown) : withToken(token, shown);
}

const withToken = (token: string | undefined, { headers, socket }: Shown): Credentials =>
  shownCredentials(token, { socket, header: (name) => (headers[name] === undefined ? undefined : String(headers[name])) });
