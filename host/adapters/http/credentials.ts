// What a request shows to be known by, and where it comes from.

import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import type { CalledFrom, Credentials } from "../../seams.ts";
import * as gateway from "../gateway/credentials.ts";
import type { SessionCookies } from "./session-cookie.ts";

const OFFERED_TOKEN = /(?:^|,)[ \t]*bearer\.([\w.~+=-]{1,16384})[ \t]*(?:,|$)/;

/** A request, or one that becomes a stream. */
type Shown = Pick<FastifyRequest, "headers" | "socket" | "ip">;

export const credentialsOf = (shown: Shown, cookies: SessionCookies): Credentials =>
  withToken(gateway.bearerOf(shown.headers.authorization), shown, cookies);

/** The same for a WebSocket: a browser can send no header with one, and offers `bearer.<token>` as a protocol. */
export function socketCredentialsOf(shown: Shown, cookies: SessionCookies): Credentials {
  const [, token] = OFFERED_TOKEN.exec(shown.headers["sec-websocket-protocol"] ?? "") ?? [];
  return token === undefined || shown.headers.authorization !== undefined
    ? credentialsOf(shown, cookies)
    : withToken(token, shown, cookies);
}

/** With the address that a trusted proxy says, if one stands before the host: he is counted by it, and is nobody by it. */
export function calledFrom({ headers, socket, ip }: Shown): CalledFrom {
  const header = (name: string): string | undefined => (headers[name] === undefined ? undefined : String(headers[name]));
  const from = gateway.calledFrom({ socket, header });
  return from.isPassedOn && isIP(ip) !== 0 ? { ...from, address: ip } : from;
}

function withToken(token: string | undefined, shown: Shown, cookies: SessionCookies): Credentials {
  const { headers } = shown;
  // Whoever sends a header of credentials means that, and no cookie that his browser adds.
  const secret = token === undefined && headers.authorization === undefined ? cookies.secretOf(headers) : undefined;
  const from = calledFrom(shown);
  return secret === undefined ? gateway.shownCredentials(token, shown.socket, from) : { kind: "session", secret, from };
}
