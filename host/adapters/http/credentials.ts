// What a request shows to be known by, and where it comes from.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { CalledFrom, Credentials } from "../../seams.ts";
import type { SessionCookies } from "./session-cookie.ts";

const BEARER = /^bearer +([\x21-\x7e]{1,16384})$/i;
const OFFERED_TOKEN = /(?:^|,)[ \t]*bearer\.([\w.~+=-]{1,16384})[ \t]*(?:,|$)/;
/** What a proxy adds: the address is the proxy's then, and says nothing of who calls. */
const PASSED_ON: readonly string[] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/** A request, or one that becomes a stream. */
type Shown = Pick<IncomingMessage, "headers" | "socket">;

export function credentialsOf(shown: Shown, cookies: SessionCookies): Credentials {
  const [, token] = BEARER.exec(shown.headers.authorization ?? "") ?? [];
  return withToken(token, shown, cookies);
}

/** The same for a WebSocket: a browser can send no header with one, and offers `bearer.<token>` as a protocol. */
export function socketCredentialsOf(shown: Shown, cookies: SessionCookies): Credentials {
  const [, token] = OFFERED_TOKEN.exec(shown.headers["sec-websocket-protocol"] ?? "") ?? [];
  return token === undefined || shown.headers.authorization !== undefined
    ? credentialsOf(shown, cookies)
    : withToken(token, shown, cookies);
}

export const calledFrom = ({ headers, socket }: Shown): CalledFrom => ({
  address: socket.remoteAddress,
  isPassedOn: PASSED_ON.some((name) => headers[name] !== undefined),
});

function withToken(token: string | undefined, shown: Shown, cookies: SessionCookies): Credentials {
  const { headers, socket } = shown;
  const from = calledFrom(shown);
  if (token !== undefined) return { kind: "bearer", token, from };
  // Whoever sends a header of credentials means that, and no cookie that his browser adds.
  const secret = headers.authorization === undefined ? cookies.secretOf(headers) : undefined;
  if (secret !== undefined) return { kind: "session", secret, from };
  const name = certifiedName(socket);
  return name === undefined ? { kind: "none", from } : { kind: "certificate", name, from };
}

// A certificate alone says nothing: anybody can make one.
function certifiedName(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === "string" && name !== "" ? name : undefined;
}
