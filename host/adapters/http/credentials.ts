// What a request shows to be known by, and where it comes from.

import type { IncomingMessage } from "node:http";
import type { CalledFrom, Credentials } from "../../seams.ts";
import * as gateway from "../gateway/credentials.ts";
import type { SessionCookies } from "./session-cookie.ts";

const OFFERED_TOKEN = /(?:^|,)[ \t]*bearer\.([\w.~+=-]{1,16384})[ \t]*(?:,|$)/;

/** A request, or one that becomes a stream. */
type Shown = Pick<IncomingMessage, "headers" | "socket">;

export const credentialsOf = (shown: Shown, cookies: SessionCookies): Credentials =>
  withToken(gateway.bearerOf(shown.headers.authorization), shown, cookies);

/** The same for a WebSocket: a browser can send no header with one, and offers `bearer.<token>` as a protocol. */
export function socketCredentialsOf(shown: Shown, cookies: SessionCookies): Credentials {
  const [, token] = OFFERED_TOKEN.exec(shown.headers["sec-websocket-protocol"] ?? "") ?? [];
  return token === undefined || shown.headers.authorization !== undefined
    ? credentialsOf(shown, cookies)
    : withToken(token, shown, cookies);
}

export const calledFrom = (shown: Shown): CalledFrom => gateway.calledFrom(readable(shown));

function withToken(token: string | undefined, shown: Shown, cookies: SessionCookies): Credentials {
  const { headers } = shown;
  // Whoever sends a header of credentials means that, and no cookie that his browser adds.
  const secret = token === undefined && headers.authorization === undefined ? cookies.secretOf(headers) : undefined;
  if (secret !== undefined) return { kind: "session", secret, from: calledFrom(shown) };
  return gateway.shownCredentials(token, readable(shown));
}

const readable = ({ headers, socket }: Shown): gateway.Shown => ({
  socket,
  header: (name) => (headers[name] === undefined ? undefined : String(headers[name])),
});
