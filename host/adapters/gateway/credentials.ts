// What a connection and its headers show of who calls, whatever protocol they belong to.

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { CalledFrom, Credentials } from "../../seams.ts";

const BEARER = /^bearer +([\x21-\x7e]{1,16384})$/i;
/** What a proxy adds: the address is the proxy's then, and says nothing of who calls. */
const PASSED_ON: readonly string[] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

export interface Shown {
  /** Undefined for one that is not there. */
  header(name: string): string | undefined;
  readonly socket: Socket | undefined;
}

/** The token of the header Authorization. */
export function bearerOf(authorization: string | undefined): string | undefined {
  const [, token] = BEARER.exec(authorization ?? "") ?? [];
  return token;
}

export const calledFrom = ({ header, socket }: Shown): CalledFrom => ({
  address: socket?.remoteAddress,
  isPassedOn: PASSED_ON.some((name) => header(name) !== undefined),
});

/** `token` is what he shows; without one, his certificate. */
export function shownCredentials(token: string | undefined, socket: Socket | undefined, from: CalledFrom): Credentials {
  if (token !== undefined) return { kind: "bearer", token, from };
  const name = certifiedName(socket);
  return name === undefined ? { kind: "none", from } : { kind: "certificate", name, from };
}

// A certificate alone says nothing: anybody can make one.
function certifiedName(socket: Socket | undefined): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === "string" && name !== "" ? name : undefined;
}
